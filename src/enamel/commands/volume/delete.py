"""`volume.delete`: delete a volume that no server uses and that has no snapshots."""

from enamel.commands.command import CommandRequest, Planned
from enamel.commands.facts import Facts, FactsNeeded
from enamel.flow.draft import Draft
from enamel.model.errors import NotFound, WrongState
from enamel.steps import volume


def ask(request: CommandRequest) -> FactsNeeded:
    """Return what has to be known: the project's volumes, and their snapshots."""
    named = {"volumes": frozenset({request.params["volume"]})}
    return FactsNeeded(volumes=True, named=named, volume_snapshots=True)


def plan(request: CommandRequest, facts: Facts) -> Planned:
    """Return the plan that deletes a volume.

    Raises:
        NotFound: There is none of that id.
        WrongState: A server has it, or it has snapshots.
    """
    id = request.params["volume"]
    disk = next((candidate for candidate in facts.volumes if candidate.id == id), None)
    if disk is None:
        raise NotFound(f"There is no volume '{id}'.")
    if disk.attached_to:
        listed = ", ".join(disk.attached_to)
        raise WrongState(
            f"Volume '{disk.name}' is attached to server {listed}.",
            state=disk.state.value,
            remedy="Detach it first, or remove the server.",
        )
    snapshots = [
        candidate.name or candidate.id for candidate in facts.volume_snapshots if candidate.volume_id == id
    ]
    if snapshots:
        raise WrongState(
            f"Volume '{disk.name}' has snapshots: {', '.join(snapshots)}.",
            state=disk.state.value,
            remedy="Delete them first.",
        )
    draft = Draft()
    draft.add(volume.DeleteVolume(id=disk.id))
    return Planned(plan=draft.plan(on_failure="keep"))
