"""The server type: a size of server, who can use it, and what is required to create one."""

import enum
from collections.abc import Collection
from typing import Any

from msgspec import Struct

from enamel.clouds import driver
from enamel.model import cloud as cloud_model
from enamel.model import role, tag
from enamel.model.call_context import CallContext
from enamel.model.errors import CloudConflict, EnamelError, Fault, NameTaken, NotFound
from enamel.model.server_type import ServerTypeRequest, Shares, TypeSpec, Visibility
from enamel.service.access import policy
from enamel.service.access.clouds import CallerClouds
from enamel.service.access.policy import requires_admin
from enamel.service.resources import flavors, paging, server_type_change
from enamel.service.resources.paging import Page
from enamel.service.resources.server_tags import TagSet
from enamel.service.validation import body


class Scope(enum.Enum):
    """Why a caller can use a server type."""

    PUBLIC = "PUBLIC"
    """Everyone can."""
    OWN = "OWN"
    """The caller's project created it."""
    SHARED = "SHARED"
    """It is shared with the caller, or the caller's project."""


class ServerType(Struct, frozen=True, kw_only=True):
    """A size of server."""

    id: str
    name: str
    description: str
    spec: TypeSpec
    tags: tuple[str, ...]
    visibility: Visibility
    scope: Scope
    """Why the caller can use it: `PUBLIC`, `OWN` or `SHARED`."""
    shares: Shares | None
    """Whom a private one is shared with, by ids; only shown for one type, and only to those who may change it."""
    cloud: str
    """The cloud that it is on."""


class Filter(Struct, frozen=True, kw_only=True):
    """Which server types to list; an empty field matches all."""

    scopes: tuple[Scope, ...] = ()
    tags: tuple[str, ...] = ()
    """With any of these tags."""

    def matches(self, type: ServerType) -> bool:
        """Return whether a server type is listed."""
        return (not self.scopes or type.scope in self.scopes) and (
            not self.tags or not set(self.tags).isdisjoint(type.tags)
        )


EVERYTHING = Filter()


class ServerTypes:
    """Lists server types, and changes them for those who may."""

    def __init__(self, clouds: CallerClouds) -> None:
        self._clouds = clouds

    async def list(
        self,
        ctx: CallContext,
        *,
        cloud: str | None = None,
        matching: Filter = EVERYTHING,
        limit: int = paging.LIMIT,
        marker: str | None = None,
    ) -> Page[ServerType]:
        """Return the server types that the caller can use, the smallest first."""
        policy.enforce(ctx, "enamel:server_type:list")
        account = self._clouds.chosen(ctx, cloud)
        me = await account.identity()
        types = [_record(flavor, me, cloud=account.name) for flavor in await flavors.usable(account)]
        types.sort(key=lambda type: (type.spec.memory_mb, type.spec.cpu_units, type.name))
        return paging.page(
            types,
            limit=limit,
            marker=marker,
            key=lambda type: type.id,
            what="server type",
            keep=matching.matches,
        )

    async def get(self, ctx: CallContext, text: str, *, cloud: str | None = None) -> ServerType:
        """Return the server type that has an id or a name, with its shares if the caller may know them.

        Raises:
            NotFound: None has.
        """
        policy.enforce(ctx, "enamel:server_type:get")
        return await _shown(self._clouds.chosen(ctx, cloud), text)

    async def tags(self, ctx: CallContext, text: str, *, cloud: str | None = None) -> tuple[str, ...]:
        """Return the tags of a server type. Raises NotFound."""
        policy.enforce(ctx, "enamel:server_type:get")
        return (await flavors.find(self._clouds.chosen(ctx, cloud), text)).marks.tags

    async def create(self, ctx: CallContext, data: Any, *, cloud: str | None = None) -> ServerType:
        """Create a server type; a private one is for the caller's project.

        Raises:
            Invalid: The body has faults.
            Forbidden: The caller lacks the role.
            NameTaken: Another one has the name.
        """
        policy.enforce(ctx, "enamel:server_type:create")
        server_type_change.refuse_own_resources(data, path="/server_types/{id}")
        request = body.read(data, ServerTypeRequest)
        account = self._clouds.chosen(ctx, cloud)
        flavor = await _created(account, request)
        if request.visibility is Visibility.PRIVATE:
            project = (await account.identity()).project_id
            try:
                await requires_admin(
                    account.add_flavor_marks(flavor.id, cloud_model.FlavorMarks(owner=project))
                )
                await requires_admin(account.share_flavor(flavor.id, project_id=project))
            except EnamelError:
                # Nobody could use what nobody sees.
                await account.delete_flavor(flavor.id)
                raise
        return await _shown(account, flavor.id)

    async def delete(self, ctx: CallContext, text: str, *, cloud: str | None = None) -> None:
        """Delete the server type that has an id or a name; servers of its size keep it.

        Raises:
            NotFound: None has.
            Forbidden: The caller lacks the role.
        """
        policy.enforce(ctx, "enamel:server_type:delete")
        account = self._clouds.chosen(ctx, cloud)
        flavor = await flavors.find(account, text)
        await requires_admin(account.delete_flavor(flavor.id))

    async def set_tags(
        self, ctx: CallContext, text: str, data: Any, *, cloud: str | None = None
    ) -> tuple[str, ...]:
        """Set the tags of a server type, and return them.

        Raises:
            Invalid: The body has faults, a tag is malformed, or there are too many.
            NotFound: There is no such server type.
            Forbidden: The caller lacks the role.
        """
        policy.enforce(ctx, "enamel:server_type:set_tags")
        tags = tag.check_all(body.read(data, TagSet).tags)
        await _set_tags(self._clouds.chosen(ctx, cloud), text, tags)
        return tags

    async def clear_tags(self, ctx: CallContext, text: str, *, cloud: str | None = None) -> None:
        """Remove all tags from a server type. Raises NotFound and Forbidden."""
        policy.enforce(ctx, "enamel:server_type:set_tags")
        await _set_tags(self._clouds.chosen(ctx, cloud), text, ())

    async def add_tag(self, ctx: CallContext, text: str, word: str, *, cloud: str | None = None) -> None:
        """Add a tag to a server type. Raises Invalid, NotFound and Forbidden."""
        policy.enforce(ctx, "enamel:server_type:set_tags")
        tag.check(word)
        account = self._clouds.chosen(ctx, cloud)
        flavor = await flavors.find(account, text)
        await requires_admin(account.add_flavor_marks(flavor.id, cloud_model.FlavorMarks(tags=(word,))))

    async def remove_tag(self, ctx: CallContext, text: str, word: str, *, cloud: str | None = None) -> None:
        """Remove a tag from a server type. Raises Forbidden, and NotFound where it does not have it."""
        policy.enforce(ctx, "enamel:server_type:set_tags")
        account = self._clouds.chosen(ctx, cloud)
        flavor = await flavors.find(account, text)
        if word not in flavor.marks.tags:
            raise NotFound(f"Server type '{flavor.name}' has no tag '{word[:64]}'.")
        await requires_admin(account.drop_flavor_marks(flavor.id, cloud_model.FlavorMarks(tags=(word,))))


def shares(flavor: cloud_model.Flavor) -> Shares:
    """Return whom a flavor is shared with."""
    implied = {flavor.marks.owner, *flavor.marks.guests}
    return Shares(
        users=flavor.marks.users,
        projects=tuple(project for project in flavor.projects if project not in implied),
    )


async def _shown(account: driver.Cloud, text: str) -> ServerType:
    me = await account.identity()
    flavor = await flavors.find(account, text)
    if role.is_admin(me.roles) and not flavor.public:
        return _record(await account.flavor(flavor.id), me, cloud=account.name, with_shares=True)
    return _record(flavor, me, cloud=account.name)


async def _created(account: driver.Cloud, request: ServerTypeRequest) -> cloud_model.Flavor:
    spec = cloud_model.FlavorSpec(
        name=request.name,
        memory_mb=request.spec.memory_mb,
        vcpus=request.spec.cpu_units,
        disk_gb=request.spec.root_disk_gb,
        swap_mb=request.spec.swap_mb,
        rxtx_factor=request.spec.rxtx_factor,
        description=request.description,
        public=request.visibility is Visibility.PUBLIC,
    )
    try:
        return await requires_admin(account.create_flavor(spec))
    except CloudConflict as error:
        detail = f"Another server type has the name '{request.name}'."
        raise NameTaken(detail, faults=(Fault(pointer="/name", detail=detail, code="taken"),)) from error


async def _set_tags(account: driver.Cloud, text: str, tags: Collection[str]) -> None:
    flavor = await flavors.find(account, text)
    surplus = tuple(word for word in flavor.marks.tags if word not in tags)
    new = tuple(word for word in tags if word not in flavor.marks.tags)
    await requires_admin(account.add_flavor_marks(flavor.id, cloud_model.FlavorMarks(tags=new)))
    await requires_admin(account.drop_flavor_marks(flavor.id, cloud_model.FlavorMarks(tags=surplus)))


def _record(
    flavor: cloud_model.Flavor, me: cloud_model.Identity, *, cloud: str, with_shares: bool = False
) -> ServerType:
    """Return a flavor in the words of this API."""
    own = Scope.OWN if flavor.marks.owner == me.project_id else Scope.SHARED
    return ServerType(
        id=flavor.id,
        name=flavor.name,
        description=flavor.description,
        tags=flavor.marks.tags,
        visibility=Visibility.PUBLIC if flavor.public else Visibility.PRIVATE,
        scope=Scope.PUBLIC if flavor.public else own,
        shares=shares(flavor) if with_shares else None,
        spec=TypeSpec(
            memory_mb=flavor.memory_mb,
            cpu_units=flavor.vcpus,
            root_disk_gb=flavor.disk_gb,
            swap_mb=flavor.swap_mb,
            rxtx_factor=flavor.rxtx_factor,
        ),
        cloud=cloud,
    )
