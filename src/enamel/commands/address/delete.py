"""`address.delete`: an address goes back to the cloud, unless it leads to a server."""

from enamel.commands.command import CommandRequest, Planned
from enamel.commands.facts import Facts, FactsNeeded
from enamel.flow.draft import Draft
from enamel.model import cloud
from enamel.model.errors import NotFound, WrongState
from enamel.steps import address


def ask(want: CommandRequest) -> FactsNeeded:
    """Return what has to be known: the project's addresses."""
    return FactsNeeded(addresses=True)


def plan(want: CommandRequest, facts: Facts) -> Planned:
    """Return the plan that deletes an address.

    Raises:
        NotFound: There is none of that id.
        WrongState: It leads somewhere.
    """
    found = named(want, facts)
    if found.used:
        where = f"server {found.server_id}" if found.server_id else f"port {found.port_id}"
        raise WrongState(
            f"Address {found.address} is in use: it leads to {where}.",
            state="used",
            remedy="Detach it first, or remove the server.",
        )
    draft = Draft()
    draft.add(address.ReleaseAddress(id=found.id, way=found.kind))
    return Planned(plan=draft.plan(on_failure="keep"))


def named(want: CommandRequest, facts: Facts) -> cloud.Address:
    """Return the address that a want is about.

    Raises:
        NotFound: There is none of that id.
    """
    id = want.params["address"]
    found = next((one for one in facts.addresses if one.id == id), None)
    if found is None:
        raise NotFound(f"There is no address '{id}'.")
    return found
