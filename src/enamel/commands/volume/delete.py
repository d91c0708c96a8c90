"""`volume.delete`: a volume goes, unless a server has it or snapshots build on it."""

from enamel.commands.command import CommandRequest, Planned
from enamel.commands.facts import Facts, FactsNeeded
from enamel.flow.draft import Draft
from enamel.model.errors import NotFound, WrongState
from enamel.steps import volume


def ask(want: CommandRequest) -> FactsNeeded:
    """Return what has to be known: the project's volumes, and their snapshots."""
    return FactsNeeded(volumes=True, volume_snapshots=True)


def plan(want: CommandRequest, facts: Facts) -> Planned:
    """Return the plan that deletes a volume.

    Raises:
        NotFound: There is none of that id.
        WrongState: A server has it, or it has snapshots.
    """
    id = want.params["volume"]
    found = next((one for one in facts.volumes if one.id == id), None)
    if found is None:
        raise NotFound(f"There is no volume '{id}'.")
    if found.attached_to:
        listed = ", ".join(found.attached_to)
        raise WrongState(
            f"Volume '{found.name}' is attached to server {listed}.",
            state=found.status,
            remedy="Detach it first, or remove the server.",
        )
    snapshots = [one.name or one.id for one in facts.volume_snapshots if one.volume_id == id]
    if snapshots:
        raise WrongState(
            f"Volume '{found.name}' has snapshots: {', '.join(snapshots)}.",
            state=found.status,
            remedy="Delete them first.",
        )
    draft = Draft()
    draft.add(volume.DeleteVolume(id=found.id))
    return Planned(plan=draft.plan(on_failure="keep"))
