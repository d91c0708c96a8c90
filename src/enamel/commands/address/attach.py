"""`address.attach`: attach an address to a server."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from enamel.commands import public_route
from enamel.commands.address import delete
from enamel.commands.command import CommandRequest, Planned
from enamel.commands.facts import Facts, FactsNeeded
from enamel.commands.lookup import Lookup
from enamel.commands.public_route import Target
from enamel.flow import task_view
from enamel.flow.draft import Draft
from enamel.model import action, cloud, ip, states
from enamel.model.action import Action
from enamel.model.address import AttachRequest
from enamel.model.cloud import AddressKind
from enamel.model.errors import ActionImpossible, WrongState
from enamel.steps import address, attachment


def ask(request: CommandRequest) -> FactsNeeded:
    """Return what has to be known: the addresses, the networks, the servers, and the server's ports."""
    body: AttachRequest = request.body
    return FactsNeeded(
        addresses=True, networks=True, subnets=True, routers=True, servers=True, host=body.server
    )


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
        end = _end(body, server, named, lookup)
        if end is not None:
            step = address.MoveAddress(id=named.id, port_id=end.port.id, fixed_address=end.fixed_address)
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


class _End(NamedTuple):
    """Where a floating IP can lead to."""

    port: cloud.Port
    fixed_address: str | None
    """Named where the port has several addresses, or the caller names one."""


def _end(body: AttachRequest, server: cloud.Server, floating: cloud.Address, lookup: Lookup) -> _End | None:
    """Return what a floating IP is to lead to; none, or several between which nothing decides, are a fault."""
    ports = [port for port in lookup.facts.ports if port.server_id == server.id]
    if body.fixed_ip is not None:
        own = body.fixed_ip
        named = [port for port in ports if any(ip.same(own, one) for one in port.addresses)]
        if not named:
            detail = f"Server '{server.name}' has no address {own}; it has {_listed(ports)}."
            lookup.fault("/fixed_ip", detail, "unknown")
            return None
        ports = named
    targets = [_target(port, lookup.facts, named=body.fixed_ip) for port in ports]
    routes = public_route.choose(lookup.topology, targets, source=_source(floating, lookup)).routes
    best = [route for route in routes if route.rank == routes[0].rank]
    if len(best) == 1:
        number = best[0].target
        wanted = (targets[number].addresses or ()) if body.fixed_ip is not None else ()
        return _End(ports[number], next(iter(wanted), best[0].fixed_address))
    if best:
        listed = _listed(ports[route.target] for route in best)
        detail = f"Server '{server.name}' has several addresses; say which with `fixed_ip`: {listed}."
        lookup.fault("/fixed_ip", detail, "ambiguous")
        return None
    _refuse(body, server, floating, targets, lookup)
    return None


def _target(port: cloud.Port, facts: Facts, *, named: str | None) -> Target:
    """Return a port as the end of a route, with the only address that it may be if one is named."""
    wanted = [address for address in port.addresses if named is None or ip.same(named, address)]
    return Target(
        network_id=port.network_id,
        addresses=tuple(wanted),
        taken=frozenset(pair for pair in public_route.floating_ips(port, facts) if pair[1] in wanted),
    )


def _source(floating: cloud.Address, lookup: Lookup) -> cloud.Network:
    """Return the network that a floating IP comes from, whether the project sees it or not."""
    unseen = cloud.Network(id=floating.network_id, name="public", project_id="", external=True)
    return lookup.topology.networks.get(floating.network_id, unseen)


def _refuse(
    body: AttachRequest,
    server: cloud.Server,
    floating: cloud.Address,
    targets: Sequence[Target],
    lookup: Lookup,
) -> None:
    """Note why a floating IP can lead to none of a server's addresses."""
    name, pointer = f"Server '{server.name}'", "/server" if body.fixed_ip is None else "/fixed_ip"
    source = _source(floating, lookup)
    free = [msgspec.structs.replace(target, taken=frozenset()) for target in targets]
    ports = {port.id for port in lookup.facts.ports if port.server_id == server.id}
    if public_route.choose(lookup.topology, free, source=source).routes:
        other = next(address.address for address in lookup.facts.addresses if address.port_id in ports)
        detail = f"{name} has a public address already: {other}. Detach that one first."
        lookup.fault(pointer, detail, "in_use")
        return
    reason = public_route.choose(lookup.topology, targets, source=source).reason or "it is on no network"
    detail = (
        f"{name} has no address on a network that a router connects to '{source.name}': {reason}. "
        f"Attach it to one first (ATTACH_NETWORK_INTERFACE)."
    )
    lookup.fault(pointer, detail, "not_routed")


def _listed(ports: Iterable[cloud.Port]) -> str:
    return ", ".join(sorted(address for port in ports for address in port.addresses)[:20]) or "none"
