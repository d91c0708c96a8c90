"""`volume.delete_snapshot`: delete a snapshot of a volume; the volume stays."""

from enamel.commands.command import CommandRequest, Planned
from enamel.commands.facts import Facts, FactsNeeded
from enamel.flow.draft import Draft
from enamel.model.errors import NotFound
from enamel.steps import volume_snapshot


def ask(request: CommandRequest) -> FactsNeeded:
    """Return what has to be known: the snapshots of the project's volumes."""
    return FactsNeeded(volume_snapshots=True)


def plan(request: CommandRequest, facts: Facts) -> Planned:
    """Return the plan that deletes a snapshot.

    Raises:
        NotFound: The volume has none of that id.
    """
    volume, id = request.params["volume"], request.params["snapshot"]
    if not any(snapshot.id == id and snapshot.volume_id == volume for snapshot in facts.volume_snapshots):
        raise NotFound(f"Volume '{volume}' has no snapshot '{id}'.")
    draft = Draft()
    draft.add(volume_snapshot.DeleteVolumeSnapshot(id=id))
    return Planned(plan=draft.plan(on_failure="keep"))
