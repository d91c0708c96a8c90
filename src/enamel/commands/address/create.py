"""`address.create`: an address that outlives servers, a floating IP or, where the cloud has none, a port."""

from enamel.clouds.capability import Capability
from enamel.commands.command import CommandRequest, Planned
from enamel.commands.facts import Facts, FactsNeeded
from enamel.commands.lookup import Lookup
from enamel.flow.draft import Draft
from enamel.model import cloud, mark
from enamel.model.address import AddressWish
from enamel.model.cloud import AddressKind
from enamel.steps import address


def ask(want: CommandRequest) -> FactsNeeded:
    """Return what has to be known: the networks, and what there may be."""
    return FactsNeeded(networks=True, quota=frozenset({"addresses", "ports"}))


def plan(want: CommandRequest, facts: Facts) -> Planned:
    """Return the plan that gets an address."""
    look = Lookup(facts)
    source = _source(want.body, look)
    if source is None:
        return Planned(plan=Draft().plan(), faults=tuple(look.faults))
    floats = source.external and Capability.FLOATING_IP in facts.capabilities
    way = AddressKind.FLOATING if floats else AddressKind.PORT
    draft = Draft()
    name = f"address-{want.task_id.replace('-', '')[-8:]}"
    draft.add(address.ReserveAddress(way=way, network_id=source.id, name=name), name=mark.ADDRESS)
    return Planned(plan=draft.plan(), faults=tuple(look.faults))


def _source(wish: AddressWish, look: Lookup) -> cloud.Network | None:
    """Return the network that the address comes from."""
    facts = look.facts
    if facts.capabilities.isdisjoint({Capability.NETWORK, Capability.FLOATING_IP}):
        look.fault("", f"Cloud '{facts.cloud}' has no network service.", "capability_missing")
        return None
    if wish.source is not None:
        found = look.find(facts.networks, wish.source, what="network", pointer="/from")
        if found is not None and not found.subnets and not found.external:
            detail = f"Network '{found.name}' has no subnet, so there is no address to be had there."
            look.fault("/from", detail)
        return found
    project = facts.identity.project_id
    external = [one for one in facts.networks if one.external]
    provided = [one for one in facts.networks if one.subnets and (one.shared or one.project_id == project)]
    there = external or provided
    best = [one for one in there if one.default] or there
    if len(best) == 1:
        return best[0]
    if best:
        listed = ", ".join(sorted(f"'{one.name}'" for one in best)[:20])
        look.fault("/from", f"Say which network it comes from: {listed}.", "ambiguous")
    else:
        look.fault("/from", f"Cloud '{facts.cloud}' has no network that addresses come from.", "unknown")
    return None
