"""`volume.delete`: a volume goes, unless a server has it."""

from enamel.commands.command import Planned, Want
from enamel.commands.facts import Ask, Facts
from enamel.flow.plan import Draft
from enamel.model.errors import NotFound, WrongState
from enamel.steps import volume


def ask(want: Want) -> Ask:
    """Return what has to be known: the project's volumes."""
    return Ask(volumes=True)


def plan(want: Want, facts: Facts) -> Planned:
    """Return the plan that deletes a volume.

    Raises:
        NotFound: There is none of that id.
        WrongState: A server has it.
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
    draft = Draft()
    draft.add(volume.DeleteVolume(id=found.id))
    return Planned(plan=draft.plan(on_failure="keep"))
