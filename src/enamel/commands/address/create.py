"""`address.create`: create an address that outlives servers: a floating IP or, on clouds without, a port."""

from enamel.clouds.capability import Capability
from enamel.commands.command import CommandRequest, Planned
from enamel.commands.facts import Facts, FactsNeeded
from enamel.commands.lookup import Lookup
from enamel.flow.draft import Draft
from enamel.model import cloud, mark
from enamel.model.address import AddressRequest
from enamel.model.cloud import AddressKind
from enamel.steps import address


def ask(request: CommandRequest) -> FactsNeeded:
    """Return what has to be known: the networks, and what there may be."""
    named = {"networks": frozenset(filter(None, (request.body.source,)))}
    return FactsNeeded(networks=True, named=named, quota=frozenset({"addresses", "ports"}))


def plan(request: CommandRequest, facts: Facts) -> Planned:
    """Return the plan that gets an address."""
    lookup = Lookup(facts)
    source = _source(request.body, lookup)
    if source is None:
        return Planned(plan=Draft().plan(), faults=tuple(lookup.faults))
    floats = source.external and Capability.FLOATING_IP in facts.capabilities
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
        return network
    project = facts.identity.project_id
    external = [candidate for candidate in facts.networks if candidate.external]
    provided = [
        candidate
        for candidate in facts.networks
        if candidate.subnets and (candidate.shared or candidate.project_id == project)
    ]
    candidates = external or provided
    best = [candidate for candidate in candidates if candidate.default] or candidates
    if len(best) == 1:
        return best[0]
    if best:
        listed = ", ".join(sorted(f"'{candidate.name}'" for candidate in best)[:20])
        lookup.fault("/from", f"Say which network it comes from: {listed}.", "ambiguous")
    else:
        lookup.fault("/from", f"Cloud '{facts.cloud}' has no network that addresses come from.", "unknown")
    return None
