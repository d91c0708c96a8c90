"""`volume.snapshot`: create a snapshot of a volume, which may be in use."""

from enamel.commands.command import CommandRequest, Planned
from enamel.commands.facts import Facts, FactsNeeded
from enamel.flow.draft import Draft
from enamel.model.errors import NotFound, WrongState
from enamel.model.volume import SnapshotRequest
from enamel.steps import volume, volume_snapshot


def ask(request: CommandRequest) -> FactsNeeded:
    """Return what has to be known: the project's volumes, and how much there may be."""
    named = {"volumes": frozenset({request.params["volume"]})}
    return FactsNeeded(volumes=True, named=named, quota=frozenset({"gigabytes"}))


def plan(request: CommandRequest, facts: Facts) -> Planned:
    """Return the plan that makes a snapshot.

    Raises:
        NotFound: There is no such volume.
        WrongState: It is not ready.
    """
    body: SnapshotRequest = request.body
    id = request.params["volume"]
    disk = next((candidate for candidate in facts.volumes if candidate.id == id), None)
    if disk is None:
        raise NotFound(f"There is no volume '{id}'.")
    if disk.state not in volume.USABLE:
        raise WrongState(
            f"Volume '{disk.name}' is '{disk.status}'; a snapshot can be made of one that is available or in use.",
            state=disk.state.value,
            remedy="Wait until it is ready.",
        )
    draft = Draft()
    created = draft.add(
        volume_snapshot.CreateVolumeSnapshot(
            volume_id=disk.id,
            name=body.name,
            description=body.description or "",
            size_gb=disk.size_gb,
        )
    )
    draft.add(volume_snapshot.AwaitVolumeSnapshot(id=created["id"]))
    return Planned(plan=draft.plan())
