"""`volume.snapshot`: what is on a volume now, kept beside it; the volume may be in use."""

from enamel.commands.command import CommandRequest, Planned
from enamel.commands.facts import Facts, FactsNeeded
from enamel.flow.draft import Draft
from enamel.model.errors import NotFound, WrongState
from enamel.model.volume import SnapshotWish
from enamel.steps import volume, volume_snapshot


def ask(want: CommandRequest) -> FactsNeeded:
    """Return what has to be known: the project's volumes, and how much there may be."""
    return FactsNeeded(volumes=True, quota=frozenset({"gigabytes"}))


def plan(want: CommandRequest, facts: Facts) -> Planned:
    """Return the plan that makes a snapshot.

    Raises:
        NotFound: There is no such volume.
        WrongState: It is not ready.
    """
    wish: SnapshotWish = want.body
    id = want.params["volume"]
    found = next((one for one in facts.volumes if one.id == id), None)
    if found is None:
        raise NotFound(f"There is no volume '{id}'.")
    if found.state not in volume.USABLE:
        raise WrongState(
            f"Volume '{found.name}' is '{found.status}'; a snapshot can be made of one that is available or in use.",
            state=found.status,
            remedy="Wait until it is ready.",
        )
    draft = Draft()
    made = draft.add(
        volume_snapshot.CreateVolumeSnapshot(
            volume_id=found.id,
            name=wish.name,
            description=wish.description or "",
            size_gb=found.size_gb,
        )
    )
    draft.add(volume_snapshot.AwaitVolumeSnapshot(id=made["id"]))
    return Planned(plan=draft.plan())
