"""Flavors that are made and deleted: Nova keeps this to a role that most users do not have."""

from typing import Any

from msgspec import Struct

from enamel.clouds.openstack import compute, transport
from enamel.model import cloud

SERVICE = compute.SERVICE


class _Body(Struct):
    flavor: compute.Flavor


class Flavors(compute.Compute):
    """The sizes of servers, for those who may change them."""

    async def create_flavor(self, want: cloud.FlavorWant) -> cloud.Flavor:
        """Make a flavor."""
        body: dict[str, Any] = {
            "name": want.name,
            "ram": want.memory_mb,
            "vcpus": want.vcpus,
            "disk": want.disk_gb,
            "swap": want.swap_mb,
            "rxtx_factor": want.rxtx_factor,
            "os-flavor-access:is_public": want.public,
        }
        version = await self._version("2.55")
        if version is not None and want.description:
            body["description"] = want.description
        try:
            made = await self._post(SERVICE, "/flavors", body={"flavor": body}, answer=_Body, version=version)
        finally:
            self.kept.forget(compute.FLAVORS)
        return made.flavor.told()

    async def share_flavor(self, id: str, *, project_id: str) -> None:
        """Let a project see a private flavor."""
        body = {"addTenantAccess": {"tenant": project_id}}
        try:
            await self._post(SERVICE, f"/flavors/{id}/action", body=body, answer=transport.Nothing)
        finally:
            self.kept.forget(compute.FLAVORS)

    async def delete_flavor(self, id: str) -> None:
        """Delete a flavor; servers of its size keep it."""
        try:
            await self._delete(SERVICE, f"/flavors/{id}")
        finally:
            self.kept.forget(compute.FLAVORS)
