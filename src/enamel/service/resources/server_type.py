"""The server type: a size of server, who can use it, and what it takes to make one."""

import enum
from collections.abc import Collection

from msgspec import Struct

from enamel.clouds import driver
from enamel.model import cloud, tag
from enamel.model.errors import CloudConflict, EnamelError, Fault, NameTaken, NotFound
from enamel.model.server_type import ServerTypeWish, Shares, TypeSpec, Visibility
from enamel.service.access import role


class Scope(enum.Enum):
    """Why a caller can use a server type."""

    PUBLIC = "public"
    """Everyone can."""
    OWN = "own"
    """The caller's project has made it."""
    SHARED = "shared"
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
    """Why the caller can use it: `public`, `own` or `shared`."""
    shares: Shares | None
    """Whom a private one is shared with, by ids; only told of one at a time, and only to those who may change it."""


class ServerTypes:
    """Lists the sizes of servers, and changes them for those who may."""

    def __init__(self, clouds: driver.Clouds) -> None:
        self._clouds = clouds

    async def all(self, *, scopes: Collection[Scope] = (), tags: Collection[str] = ()) -> list[ServerType]:
        """Return what the caller can use, the smallest first; with any of the scopes and any of the tags."""
        me = await self.where().identity()
        found = [told(one, me) for one in await usable(self.where())]
        wanted = [
            one
            for one in found
            if (not scopes or one.scope in scopes) and (not tags or set(tags) & set(one.tags))
        ]
        return sorted(wanted, key=lambda one: (one.spec.memory_mb, one.spec.cpu_units, one.name))

    async def one(self, text: str) -> ServerType:
        """Return the server type that has an id or a name, with its shares where the caller may know them.

        Raises:
            NotFound: None has.

        """
        where = self.where()
        me = await where.identity()
        found = await self.find(text)
        if role.NAME in me.roles and not found.public:
            return told(await where.flavor(found.id), me, whole=True)
        return told(found, me)

    async def find(self, text: str) -> cloud.Flavor:
        """Return the flavor that has an id or a name, and that the caller can use. Raises NotFound."""
        return named(await usable(self.where()), text)

    async def create(self, wish: ServerTypeWish) -> ServerType:
        """Make a server type; a private one is for the caller's project.

        Raises:
            Forbidden: The caller lacks the role.
            NameTaken: Another one has the name.

        """
        where = self.where()
        want = cloud.FlavorSpec(
            name=wish.name,
            memory_mb=wish.spec.memory_mb,
            vcpus=wish.spec.cpu_units,
            disk_gb=wish.spec.root_disk_gb,
            swap_mb=wish.spec.swap_mb,
            rxtx_factor=wish.spec.rxtx_factor,
            description=wish.description,
            public=wish.visibility is Visibility.PUBLIC,
        )
        try:
            made = await role.needed(where.create_flavor(want))
        except CloudConflict as error:
            detail = f"Another server type has the name '{wish.name}'."
            raise NameTaken(detail, faults=(Fault(pointer="/name", detail=detail, code="taken"),)) from error
        me = await where.identity()
        if wish.visibility is Visibility.PRIVATE:
            try:
                await role.needed(where.add_flavor_marks(made.id, cloud.FlavorMarks(owner=me.project_id)))
                await role.needed(where.share_flavor(made.id, project_id=me.project_id))
            except EnamelError:
                # Nobody could use what nobody sees.
                await where.delete_flavor(made.id)
                raise
        return await self.one(made.id)

    async def delete(self, text: str) -> None:
        """Delete the server type that has an id or a name; servers of its size keep it.

        Raises:
            NotFound: None has.
            Forbidden: The caller lacks the role.

        """
        found = await self.find(text)
        await role.needed(self.where().delete_flavor(found.id))

    async def set_tags(self, text: str, tags: Collection[str]) -> tuple[str, ...]:
        """Give a server type just these tags, and return them.

        Raises:
            Invalid: A tag is none, or there are too many.
            NotFound: There is no such server type.
            Forbidden: The caller lacks the role.

        """
        wanted, found = tag.check_all(tags), await self.find(text)
        surplus = tuple(word for word in found.marks.tags if word not in wanted)
        new = tuple(word for word in wanted if word not in found.marks.tags)
        await role.needed(self.where().add_flavor_marks(found.id, cloud.FlavorMarks(tags=new)))
        await role.needed(self.where().drop_flavor_marks(found.id, cloud.FlavorMarks(tags=surplus)))
        return wanted

    async def add_tag(self, text: str, word: str) -> None:
        """Give a server type one more tag. Raises Invalid, NotFound and Forbidden."""
        tag.check(word)
        found = await self.find(text)
        await role.needed(self.where().add_flavor_marks(found.id, cloud.FlavorMarks(tags=(word,))))

    async def remove_tag(self, text: str, word: str) -> None:
        """Take a tag from a server type. Raises Forbidden, and NotFound where it does not have it."""
        found = await self.find(text)
        if word not in found.marks.tags:
            raise NotFound(f"Server type '{found.name}' has no tag '{word[:64]}'.")
        await role.needed(self.where().drop_flavor_marks(found.id, cloud.FlavorMarks(tags=(word,))))

    def where(self) -> driver.Cloud:
        """Return the cloud whose server types these are."""
        return self._clouds.get(self._clouds.names()[0])


async def usable(where: driver.Cloud) -> list[cloud.Flavor]:
    """Return the flavors that the caller can use: what the cloud shows, less what is shared with others alone."""
    me = await where.identity()
    return [one for one in await where.flavors() if one.usable_by(me)]


def named(known: Collection[cloud.Flavor], text: str) -> cloud.Flavor:
    """Return the flavor that has an id, or else a name. Raises NotFound."""
    found = next((one for one in known if one.id == text), None)
    found = found or next((one for one in known if one.name == text), None)
    if found is None:
        raise NotFound(f"There is no server type '{text[:64]}'.")
    return found


def shares(found: cloud.Flavor) -> Shares:
    """Return whom a flavor is shared with."""
    apart = {found.marks.owner, *found.marks.guests}
    return Shares(users=found.marks.users, projects=tuple(one for one in found.projects if one not in apart))


def told(found: cloud.Flavor, me: cloud.Identity, *, whole: bool = False) -> ServerType:
    """Return a flavor in the words of this API."""
    own = Scope.OWN if found.marks.owner == me.project_id else Scope.SHARED
    return ServerType(
        id=found.id,
        name=found.name,
        description=found.description,
        tags=found.marks.tags,
        visibility=Visibility.PUBLIC if found.public else Visibility.PRIVATE,
        scope=Scope.PUBLIC if found.public else own,
        shares=shares(found) if whole else None,
        spec=TypeSpec(
            memory_mb=found.memory_mb,
            cpu_units=found.vcpus,
            root_disk_gb=found.disk_gb,
            swap_mb=found.swap_mb,
            rxtx_factor=found.rxtx_factor,
        ),
    )
