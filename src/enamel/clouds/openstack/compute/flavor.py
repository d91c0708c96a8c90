"""Flavors that are made, changed and deleted: Nova keeps this to a role that most users do not have."""

import asyncio
from collections.abc import Collection, Sequence
from typing import Any
from urllib.parse import quote

from msgspec import Struct

from enamel.clouds.methods import compute as methods
from enamel.clouds.openstack import service, transport
from enamel.clouds.openstack.compute import catalogue, flavor_mark
from enamel.model import cloud
from enamel.model.errors import CapabilityMissing, CloudConflict, Gone

SERVICE = catalogue.SERVICE
SEES_MARKS = "2.61"
"""The first microversion whose list of flavors tells their extra specs."""


class _Body(Struct):
    flavor: catalogue.Flavor


class _Specs(Struct):
    extra_specs: dict[str, str] = {}


class _Access(Struct):
    tenant_id: service.Id


class _AccessBody(Struct):
    flavor_access: list[_Access] = []


class Flavors(catalogue.Catalogue, methods.ServerTypes):
    """The sizes of servers, for those who may change them."""

    async def flavors_named(self, names: Collection[str]) -> Sequence[cloud.Flavor]:
        """Return the flavors, and those that have one of the ids and that the list does not show."""
        return await self._with(await self.flavors(), names, self._flavor)

    async def _flavor(self, id: str) -> cloud.Flavor:
        """Return a flavor as everybody may see it. Raises Gone."""
        version = await self._version("2.75", SEES_MARKS, "2.55")
        return (await self._get(SERVICE, _path(id), answer=_Body, version=version)).flavor.neutral()

    async def flavor(self, id: str) -> cloud.Flavor:
        """Return a flavor with all that belongs to it."""
        version = await self._version("2.75", SEES_MARKS, "2.55")
        reply, specs, projects = await asyncio.gather(
            self._get(SERVICE, _path(id), answer=_Body, version=version),
            self._get(SERVICE, f"{_path(id)}/os-extra_specs", answer=_Specs),
            self._flavor_access(id),
        )
        reply.flavor.extra_specs = specs.extra_specs
        flavor = reply.flavor.neutral()
        return cloud.Flavor(
            **{name: getattr(flavor, name) for name in flavor.__struct_fields__ if name != "projects"},
            projects=() if flavor.public else projects,
        )

    async def create_flavor(self, want: cloud.FlavorSpec) -> cloud.Flavor:
        """Make a flavor."""
        body: dict[str, Any] = {
            "name": want.name,
            "ram": want.memory_mb,
            "vcpus": want.vcpus,
            "disk": want.disk_gb,
            "swap": want.swap_mb,
            "OS-FLV-EXT-DATA:ephemeral": want.ephemeral_gb,
            "rxtx_factor": want.rxtx_factor,
            "os-flavor-access:is_public": want.public,
        }
        if want.id:
            body["id"] = want.id
        version = await self._version("2.55")
        if version is not None and want.description:
            body["description"] = want.description
        try:
            reply = await self._post(
                SERVICE, "/flavors", body={"flavor": body}, answer=_Body, version=version
            )
        finally:
            await self.kept.forget(catalogue.FLAVORS)
        return reply.flavor.neutral()

    async def describe_flavor(self, id: str, description: str) -> None:
        """Change what a flavor says of itself."""
        version = await self._version("2.55")
        if version is None:
            raise CapabilityMissing(
                f"Cloud {self.name} is too old for descriptions of flavors.", cloud=self.name
            )
        body = {"flavor": {"description": description or None}}
        try:
            await self._put(SERVICE, _path(id), body=body, answer=transport.Nothing, version=version)
        finally:
            await self.kept.forget(catalogue.FLAVORS)

    async def add_flavor_marks(self, id: str, marks: cloud.FlavorMarks) -> None:
        """Write something on a flavor; what is there already stays."""
        specs = flavor_mark.write(marks)
        if not specs:
            return
        if specs.keys() - dict(marks.extra).keys() - {flavor_mark.OWNER}:
            await self._sees_marks()
        body = {"extra_specs": specs}
        path = f"{_path(id)}/os-extra_specs"
        try:
            await self._post(SERVICE, path, body=body, answer=transport.Nothing, repeatable=True)
        finally:
            await self.kept.forget(catalogue.FLAVORS)

    async def drop_flavor_marks(self, id: str, marks: cloud.FlavorMarks) -> None:
        """Take something off a flavor, whether it is there or not."""
        keys = [quote(key, safe=":") for key in flavor_mark.write(marks)]
        try:
            await asyncio.gather(
                *(self._delete(SERVICE, f"{_path(id)}/os-extra_specs/{key}") for key in keys)
            )
        finally:
            await self.kept.forget(catalogue.FLAVORS)

    async def share_flavor(self, id: str, *, project_id: str) -> None:
        """Let a project see a private flavor."""
        try:
            await self._act_on_flavor(id, {"addTenantAccess": {"tenant": project_id}})
        except CloudConflict:
            # Nova says so of a project that sees it already, too.
            if project_id not in await self._flavor_access(id):
                raise

    async def unshare_flavor(self, id: str, *, project_id: str) -> None:
        """Let a project no longer see a private flavor, whether it has or not."""
        try:
            await self._act_on_flavor(id, {"removeTenantAccess": {"tenant": project_id}})
        except Gone:
            if project_id in await self._flavor_access(id):
                raise

    async def delete_flavor(self, id: str) -> None:
        """Delete a flavor; servers of its size keep it."""
        try:
            await self._delete(SERVICE, _path(id))
        finally:
            await self.kept.forget(catalogue.FLAVORS)

    async def _flavor_access(self, id: str) -> tuple[str, ...]:
        """Return the projects that see a private flavor; of a public one Nova knows none."""
        try:
            reply = await self._get(SERVICE, f"{_path(id)}/os-flavor-access", answer=_AccessBody)
        except Gone:
            return ()
        return tuple(sorted(access.tenant_id for access in reply.flavor_access))

    async def _act_on_flavor(self, id: str, body: dict[str, Any]) -> None:
        try:
            await self._post(
                SERVICE, f"{_path(id)}/action", body=body, answer=transport.Nothing, repeatable=True
            )
        finally:
            await self.kept.forget(catalogue.FLAVORS)

    async def _sees_marks(self) -> None:
        """Refuse what nobody would see, and nobody would heed, in the lists of an old cloud. Raises CapabilityMissing."""
        if await self._version(SEES_MARKS) is None:
            raise CapabilityMissing(
                f"Cloud {self.name} is too old for tags of flavors and for sharing them with users: "
                f"it takes compute API {SEES_MARKS}.",
                cloud=self.name,
            )


def _path(id: str) -> str:
    return f"/flavors/{quote(id, safe='')}"
