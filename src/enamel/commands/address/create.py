"""`address.create`: create an address that outlives servers: a floating IP or, on clouds without, a port."""

from collections.abc import Sequence

from enamel.clouds.capability import Capability
from enamel.commands.command import CommandRequest, Planned
from enamel.commands.facts import Facts, FactsNeeded
from enamel.commands.lookup import Lookup
from enamel.commands.public_route import Target
from enamel.flow.draft import Draft
from enamel.model import cloud, mark
from enamel.model.address import AddressRequest
from enamel.model.cloud import AddressKind
from enamel.steps import address


def ask(request: CommandRequest) -> FactsNeeded:
    """Return what has to be known: the networks, and what there may be."""
    return FactsNeeded(
        networks=True,
        routers=True,
        named={"networks": frozenset(filter(None, (request.body.source,)))},
        quota=frozenset({"addresses", "ports"}),
    )


def plan(request: CommandRequest, facts: Facts) -> Planned:
    """Return the plan that gets an address."""
    lookup = Lookup(facts)
    source = _source(request.body, lookup)
    if source is None:
        return Planned(plan=Draft().plan(), faults=tuple(lookup.faults))
    floats = (source.external or source.nat_source) and Capability.FLOATING_IP in facts.capabilities
    way = AddressKind.FLOATING if floats else AddressKind.PORT
    draft = Draft()
    name = f"address-{request.task_id.replace('-', '')[-8:]}"
    draft.add(address.ReserveAddress(way=way, network_id=source.id, name=name), name=mark.ADDRESS)
    return Planned(plan=draft.plan(), faults=tuple(lookup.faults))


def _source(body: AddressRequest, lookup: Lookup) -> cloud.Network | None:
    """Return the network that the address comes from."""
    facts = lookup.facts
    if facts.capabilities.isdisjoint({Capability.NETWORK, Capability.FLOATING_IP}):
        lookup.fault("", f"Cloud '{facts.cloud}' has no network service.", "capability_missing")
        return None
    if body.source is not None:
        network = lookup.find(facts.networks, body.source, what="network", pointer="/from")
        if network is not None and not network.subnets and not network.external:
            detail = f"Network '{network.name}' has no subnet, so there is no address to be had there."
            lookup.fault("/from", detail)
        elif network is not None and network.external and network not in lookup.topology.sources:
            detail = f"Network '{network.name}' has no IPv4 addresses, and floating IPs are such."
            lookup.fault("/from", detail)
        return network
    best = _best(lookup)
    if len(best) == 1:
        return best[0]
    if best:
        listed = ", ".join(sorted(f"'{candidate.name}'" for candidate in best)[:20])
        lookup.fault("/from", f"Say which network it comes from: {listed}.", "ambiguous")
    else:
        lookup.fault("/from", f"Cloud '{facts.cloud}' has no network that addresses come from.", "unknown")
    return None


def _best(lookup: Lookup) -> Sequence[cloud.Network]:
    """Return the networks that an address can come from, without those against which something speaks."""
    facts, topology = lookup.facts, lookup.topology
    project = facts.identity.project_id
    provided = [
        candidate
        for candidate in facts.networks
        if candidate.subnets and (candidate.shared or candidate.project_id == project)
    ]
    public = [
        candidate for candidate in provided if topology.is_public(Target(network_id=candidate.id))
    ] or provided
    floating = topology.sources if Capability.FLOATING_IP in facts.capabilities else ()
    led_to = topology.led_to()
    best: Sequence[cloud.Network] = floating or public or topology.sources
    for better in (
        lambda network: network.nat_source,
        # An address from elsewhere could lead to none of the project's servers.
        lambda network: network.id in led_to,
        lambda network: network.default,
    ):
        best = [network for network in best if better(network)] or best
    return best
