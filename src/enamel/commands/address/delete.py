"""`address.delete`: delete an address that is attached to nothing."""

from enamel.commands.command import CommandRequest, Planned
from enamel.commands.facts import Facts, FactsNeeded
from enamel.flow.draft import Draft
from enamel.model import cloud
from enamel.model.errors import NotFound, WrongState
from enamel.steps import address


def ask(request: CommandRequest) -> FactsNeeded:
    """Return what has to be known: the project's addresses."""
    return FactsNeeded(addresses=True)


def plan(request: CommandRequest, facts: Facts) -> Planned:
    """Return the plan that deletes an address.

    Raises:
        NotFound: There is none of that id.
        WrongState: It leads somewhere.
    """
    leaving = named(request, facts)
    if leaving.used:
        target = f"server {leaving.server_id}" if leaving.server_id else f"port {leaving.port_id}"
        raise WrongState(
            f"Address {leaving.address} is in use: it leads to {target}.",
            state="used",
            remedy="Detach it first, or remove the server.",
        )
    draft = Draft()
    draft.add(address.ReleaseAddress(id=leaving.id, way=leaving.kind))
    return Planned(plan=draft.plan(on_failure="keep"))


def named(request: CommandRequest, facts: Facts) -> cloud.Address:
    """Return the address that a request is about.

    Raises:
        NotFound: There is none of that id.
    """
    id = request.params["address"]
    address = next((candidate for candidate in facts.addresses if candidate.id == id), None)
    if address is None:
        raise NotFound(f"There is no address '{id}'.")
    return address
