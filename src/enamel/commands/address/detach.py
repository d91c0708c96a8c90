"""`address.detach`: detach an address from its server; it stays the project's."""

from enamel.commands.address import delete
from enamel.commands.command import CommandRequest, Planned
from enamel.commands.facts import Facts, FactsNeeded
from enamel.flow import task_view
from enamel.flow.draft import Draft
from enamel.model.cloud import AddressKind
from enamel.model.errors import WrongState
from enamel.steps import address, attachment


def ask(request: CommandRequest) -> FactsNeeded:
    """Return what has to be known: the addresses, and the server that it leads to."""
    return FactsNeeded(addresses=True, servers=True)


def plan(request: CommandRequest, facts: Facts) -> Planned:
    """Return the plan that detaches an address.

    Raises:
        NotFound: There is none of that id.
        WrongState: It leads nowhere.
    """
    named = delete.named(request, facts)
    if not named.used:
        raise WrongState(f"Address {named.address} leads to no server.", state="free")
    server = next((candidate for candidate in facts.servers if candidate.id == named.server_id), None)
    name = server.name if server else None
    draft = Draft()
    if named.kind is AddressKind.PORT:
        draft.add(attachment.DetachPort(server_id=named.server_id, port_id=named.id), group=name)
    else:
        draft.add(address.FreeAddress(id=named.id, port_id=named.port_id or ""), group=name)
    groups = (task_view.there(server, on=facts.cloud, region=facts.identity.region),) if server else ()
    return Planned(plan=draft.plan(groups=groups, on_failure="keep"))
