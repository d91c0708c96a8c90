"""`address.attach`: attach an address to a server."""

from collections.abc import Mapping, Sequence
from ipaddress import ip_address

from enamel.commands.address import delete
from enamel.commands.command import CommandRequest, Planned
from enamel.commands.facts import Facts, FactsNeeded
from enamel.commands.lookup import Lookup
from enamel.flow import task_view
from enamel.flow.draft import Draft
from enamel.model import action, cloud, states
from enamel.model.action import Action
from enamel.model.address import AttachRequest
from enamel.model.cloud import AddressKind
from enamel.model.errors import ActionImpossible, WrongState
from enamel.steps import address, attachment


def ask(request: CommandRequest) -> FactsNeeded:
    """Return what has to be known: the addresses, the networks, the servers, and the server's ports."""
    body: AttachRequest = request.body
    return FactsNeeded(addresses=True, networks=True, servers=True, host=body.server)


def plan(request: CommandRequest, facts: Facts) -> Planned:
    """Return the plan that attaches an address.

    Raises:
        NotFound: There is none of that id.
        WrongState: It is in use.
        ActionImpossible: It is a port, and the server cannot get another interface now.
    """
    body: AttachRequest = request.body
    named = delete.named(request, facts)
    lookup = Lookup(facts)
    servers = [candidate for candidate in facts.servers if candidate.state not in states.DELETED]
    server = lookup.find(servers, body.server, what="server", pointer="/server")
    if server is None:
        return Planned(plan=Draft().plan(), faults=tuple(lookup.faults))
    _refuse_used(named, server)
    draft = Draft()
    if named.kind is AddressKind.PORT:
        _check_pluggable(server, facts)
        if body.fixed_ip is not None:
            detail = "Address and port are one here; leave `fixed_ip` out."
            lookup.fault("/fixed_ip", detail, "unknown_field")
        draft.add(attachment.AttachPort(server_id=server.id, port_id=named.id), group=server.name)
    else:
        port = _port(body, server, named, lookup)
        if port is not None:
            step = address.MoveAddress(id=named.id, port_id=port.id, fixed_address=body.fixed_ip)
            draft.add(step, group=server.name)
    planned = draft.plan(groups=(task_view.there(server, on=facts.cloud, region=facts.identity.region),))
    return Planned(plan=planned, faults=tuple(lookup.faults))


def _refuse_used(named: cloud.Address, server: cloud.Server) -> None:
    """Raise WrongState where an address leads somewhere already."""
    if not named.used:
        return
    target = f"server {named.server_id}" if named.server_id else f"port {named.port_id}"
    if named.server_id == server.id:
        raise WrongState(f"Address {named.address} leads to server '{server.name}' already.", state="used")
    raise WrongState(
        f"Address {named.address} is in use: it leads to {target}.",
        state="used",
        remedy="Detach it there first, or use another address.",
    )


def _check_pluggable(server: cloud.Server, facts: Facts) -> None:
    """Raise ActionImpossible where a server cannot get another interface now."""
    possible = action.possible(server, offered=facts.actions)
    if Action.ATTACH_NETWORK_INTERFACE not in possible:
        raise ActionImpossible(
            f"Server '{server.name}' cannot be attached to the address's port now: its state is {server.state.value}.",
            possible=[doable.value for doable in possible],
            state=server.state.value,
        )


def _port(
    body: AttachRequest, server: cloud.Server, floating: cloud.Address, lookup: Lookup
) -> cloud.Port | None:
    """Return the port of a server that a floating IP is to lead to."""
    ports = [port for port in lookup.facts.ports if port.server_id == server.id]
    if body.fixed_ip is not None:
        return _port_of(body.fixed_ip, ports, server, lookup)
    external = {network.id for network in lookup.facts.networks if network.external}
    inside = [port for port in ports if port.network_id not in external and _of_version_4(port)]
    taken = {address.port_id: address.address for address in lookup.facts.addresses if address.port_id}
    free = [port for port in inside if port.id not in taken]
    if len(free) != 1:
        lookup.fault(*_ambiguous(free, inside, taken, server=server, pool=_network(floating, lookup)))
    return free[0] if len(free) == 1 else None


def _port_of(
    address: str, ports: Sequence[cloud.Port], server: cloud.Server, lookup: Lookup
) -> cloud.Port | None:
    """Return the port with a fixed address."""
    port = next((port for port in ports if address in port.addresses), None)
    if port is None:
        detail = f"Server '{server.name}' has no address {address}; it has {_listed(ports)}."
        lookup.fault("/fixed_ip", detail, "unknown")
    return port


def _ambiguous(
    free: Sequence[cloud.Port],
    inside: Sequence[cloud.Port],
    taken: Mapping[str, str],
    *,
    server: cloud.Server,
    pool: str,
) -> tuple[str, str, str]:
    """Return pointer, sentence and code of the fault of a server with several ports, or none, for an address."""
    name = f"Server '{server.name}'"
    if free:
        detail = f"{name} has several addresses; say which with `fixed_ip`: {_listed(free)}."
        return "/fixed_ip", detail, "ambiguous"
    if inside:
        other = taken[inside[0].id]
        detail = f"{name} has a public address already: {other}. Detach that one first."
        return "/server", detail, "in_use"
    detail = (
        f"{name} has no address on a network that a router connects to '{pool}'. "
        f"Attach it to one first (ATTACH_NETWORK_INTERFACE)."
    )
    return "/server", detail, "not_routed"


def _network(floating: cloud.Address, lookup: Lookup) -> str:
    """Return the name of the network that a floating IP comes from."""
    names = (network.name for network in lookup.facts.networks if network.id == floating.network_id)
    return next(names, "public")


def _of_version_4(port: cloud.Port) -> bool:
    return any(ip_address(address).version == 4 for address in port.addresses)


def _listed(ports: Sequence[cloud.Port]) -> str:
    return ", ".join(sorted(address for port in ports for address in port.addresses)[:20]) or "none"
