"""The step that changes a server type, although clouds cannot: they delete the one and make the other in its place."""

from collections.abc import Collection
from datetime import timedelta
from typing import ClassVar

from msgspec import structs

from enamel.clouds.capability import Capability
from enamel.model import cloud
from enamel.model.errors import CloudConflict, Gone
from enamel.steps.step import Context, Outputs, Step

FIXED = ("name", "memory_mb", "vcpus", "disk_gb", "swap_mb", "ephemeral_gb", "rxtx_factor", "public")
"""What a cloud can only change by deleting the type and making another one under its id."""


class ChangeServerType(Step, frozen=True, kw_only=True):
    """Bring a server type from what it is to what it is to be.

    It holds both whole, so whoever takes it up, at whatever point the one before has died, makes of what is there
    what there is to be; and so does undoing it.
    """

    kind: ClassVar[str] = "server_type.change"
    action: ClassVar[str] = "CHANGING_TYPE"
    requires: ClassVar[frozenset[Capability]] = frozenset({Capability.SERVER_TYPE_EDITING})
    repeatable: ClassVar[bool] = True
    undoable: ClassVar[bool] = True
    calls: ClassVar[int] = 6
    timeout: ClassVar[timedelta] = timedelta(minutes=2)

    before: cloud.Flavor
    after: cloud.Flavor

    async def do(self, at: Context) -> Outputs:
        """Make it what it is to be."""
        await _become(at, self.after, instead_of=self.before)
        return {"id": self.after.id, "data": {"server_type_id": self.after.id}}

    async def find_leftovers(self, at: Context) -> Outputs | None:
        """Return what is to be undone: anything but the type as it was, and as somebody else has made it."""
        flavor = await _look(at, self.before.id)
        if flavor is not None and _fixed(flavor) not in (_fixed(self.before), _fixed(self.after)):
            return None
        return None if flavor == self.before else {"id": self.before.id}

    async def undo(self, at: Context, outputs: Outputs, *, only: Collection[int] | None = None) -> None:
        """Make it what it was."""
        await _become(at, self.before, instead_of=self.after)


async def _look(at: Context, id: str) -> cloud.Flavor | None:
    try:
        return await at.cloud.flavor(id)
    except Gone:
        return None


async def _become(at: Context, want: cloud.Flavor, *, instead_of: cloud.Flavor) -> None:
    """Make a flavor what it is to be, whatever of the way has been gone already.

    Raises:
        CloudConflict: It is neither of the two: somebody else is changing it. It stays as it is.
    """
    flavor = await _look(at, want.id)
    if flavor is not None and _fixed(flavor) != _fixed(want):
        if _fixed(flavor) != _fixed(instead_of):
            raise CloudConflict(
                f"Server type '{flavor.name}' was changed by somebody else meanwhile.", cloud=at.cloud.name
            )
        await at.cloud.delete_flavor(want.id)
        flavor = None
    if flavor is None:
        numbers = {name: getattr(want, name) for name in ("id", "description", *FIXED)}
        flavor = await at.cloud.create_flavor(cloud.FlavorSpec(**numbers))
    if flavor.description != want.description:
        await at.cloud.describe_flavor(want.id, want.description)
    # First what keeps people out, then those who may come in.
    await at.cloud.add_flavor_marks(want.id, want.marks)
    for project in set(want.projects) - set(flavor.projects):
        await at.cloud.share_flavor(want.id, project_id=project)
    if not want.public:
        for project in set(flavor.projects) - set(want.projects):
            await at.cloud.unshare_flavor(want.id, project_id=project)
    await at.cloud.drop_flavor_marks(want.id, _surplus(flavor.marks, want.marks))


def _fixed(flavor: cloud.Flavor) -> tuple[object, ...]:
    return tuple(getattr(flavor, name) for name in FIXED)


def _surplus(have: cloud.FlavorMarks, want: cloud.FlavorMarks) -> cloud.FlavorMarks:
    """Return the marks that are to go."""
    return structs.replace(
        want,
        tags=tuple(set(have.tags) - set(want.tags)),
        users=tuple(set(have.users) - set(want.users)),
        guests=tuple(set(have.guests) - set(want.guests)),
        owner="" if have.owner == want.owner or want.owner else have.owner,
        extra=tuple(pair for pair in have.extra if pair[0] not in dict(want.extra)),
    )
