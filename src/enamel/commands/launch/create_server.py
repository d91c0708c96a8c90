"""`server.create`: servers, and everything around them, with one call.

Two plans lead there. *Ports first*: one bulk request makes all ports, then addresses are put on them while each
server boots by itself; for servers that differ, have volumes or fixed addresses, or can move on to another placement.
*Together*: one request boots servers that are equal, and addresses are put on the ports as soon as Nova has made
them. Either way nothing is left to do when the servers turn ACTIVE, unless they are to answer first.
"""

from collections import Counter
from datetime import timedelta
from typing import Any

from enamel.clouds.capability import Capability
from enamel.commands import quota
from enamel.commands.command import CommandRequest, Planned
from enamel.commands.facts import Facts, FactsNeeded
from enamel.commands.launch import interface, keys_and_rules, servers
from enamel.commands.launch.plan_builder import PlanBuilder
from enamel.commands.launch.resolved_server import ResolvedServer, choose
from enamel.commands.launch.server_request import RequestedServer
from enamel.commands.launch.servers import RequestedServers
from enamel.commands.lookup import Lookup
from enamel.flow.draft import Draft
from enamel.flow.plan import Plan, with_secrets
from enamel.model import duration, role, states
from enamel.model.errors import Fault
from enamel.model.launch import AddressChoice, KeypairChoice, Launch, NetworkChoice
from enamel.model.task import Priority

TOGETHER = 100
"""So many servers at the most are booted with one request."""

TIMEOUT = timedelta(hours=1)
"""A launch's time when it names none."""


def ask(want: CommandRequest) -> FactsNeeded:
    """Return what has to be known of the cloud for this launch."""
    launch: Launch = want.body
    found = servers.read(launch, seed=want.seed)
    members = found.members
    wishes = [member.wish for member in members]
    networked = [wish for wish in wishes if wish.networks != "none"]
    listed = [one for wish in wishes if isinstance(wish.networks, list) for one in wish.networks]
    volumes = [one for wish in wishes for one in wish.volumes or ()]
    boots = [wish.boot_volume for wish in wishes if wish.boot_volume]
    kinds = quota.SERVERS
    kinds |= {"ports", "addresses", "security_groups"} if networked else frozenset()
    kinds |= quota.VOLUMES if boots or any(one.size_gb for one in volumes) else frozenset()
    grouped = any(
        wish.security_groups or any(rule.group for rule in member.rules)
        for member, wish in zip(members, wishes, strict=True)
    )
    default_needed = _ports_first(found) and any(
        wish.allow and wish.security_groups is None for wish in networked
    )
    templates = {wish.template_id or wish.template for wish in wishes} - {None}
    return FactsNeeded(
        flavors=True,
        images=True,
        templates=frozenset(str(one) for one in templates),
        networks=bool(networked),
        subnets=any(isinstance(one, NetworkChoice) and (one.subnet or one.fixed_ip) for one in listed),
        zones=any(wish.placement or wish.placement_id for wish in wishes),
        volume_types=any(one.type for one in volumes) or any(one.type for one in boots),
        volumes=any(one.volume for one in volumes),
        addresses=any(
            isinstance(wish.public_address, AddressChoice) and wish.public_address.address for wish in wishes
        ),
        security_groups=grouped or default_needed,
        ports=frozenset(one.port for one in listed if isinstance(one, NetworkChoice) and one.port),
        keypairs=frozenset(name for wish in wishes if (name := _key_name(wish.keypair or wish.keypair_id))),
        server_names=frozenset(member.hostname for member in members if member.hostname),
        servers=any(wish.affinity and (wish.affinity.near or wish.affinity.not_near) for wish in wishes),
        quota=kinds,
    )


def _key_name(choice: str | KeypairChoice | None) -> str | None:
    return choice.name if isinstance(choice, KeypairChoice) else choice


def _ports_first(found: RequestedServers) -> bool:
    """Tell whether the ports are made before the servers."""
    wishes = [member.wish for member in found.members]
    lists = [wish.networks for wish in wishes if isinstance(wish.networks, list)]
    if any(wish.placement or wish.placement_id for wish in wishes):
        return True
    # Nova would give a server with no security group the project's default.
    if any(wish.security_groups == [] for wish in wishes):
        return True
    # With several interfaces it matters which of the ports the public address is put on.
    if any(len(networks) > 1 for networks in lists):
        return True
    interfaces = [one for networks in lists for one in networks if isinstance(one, NetworkChoice)]
    if any(one.subnet for one in interfaces):
        return True
    if len(wishes) == 1:
        return False
    special = any(one.fixed_ip or one.port for one in interfaces)
    disks = any(wish.volumes or wish.boot_volume for wish in wishes)
    return special or disks or not found.numbered or len(wishes) > TOGETHER


def plan(want: CommandRequest, facts: Facts) -> Planned:
    """Return the plan of a launch, or all that stands in its way."""
    launch: Launch = want.body
    found = servers.read(launch, seed=want.seed)
    look = Lookup(facts)
    choices = [choice for member in found.members if (choice := choose(member, look)) is not None]
    faults = [*found.faults, *look.faults, *_taken(found, facts), *_lacking(found, facts), *_urgent(want)]
    faults += _keys(choices, found)
    if len(choices) < len(found.members):
        made, secrets = _least(choices, len(found.members)), dict[str, bytes]()
    elif want.spare:
        made, secrets = _singly(choices, want, facts)
    else:
        builder = PlanBuilder(choices, task=want.task_id, ports_first=_ports_first(found), facts=facts)
        made, secrets = builder.write(launch), builder.secrets
    return Planned(
        plan=made,
        faults=tuple(faults),
        secrets=secrets,
        timeout=_duration(launch.timeout) or TIMEOUT,
        ttl=_duration(launch.ttl),
        not_before=launch.not_before,
        notify=tuple(launch.notify or ()),
        priority=Priority(launch.priority),
    )


def _least(choices: list[ResolvedServer], count: int) -> Plan:
    """Return a plan without steps, with the least that servers need of which some cannot be planned."""
    flavors = [choice.flavor for choice in choices]
    cores, memory_mb = sum(one.vcpus for one in flavors), sum(one.memory_mb for one in flavors)
    return Plan(needs={"servers": count, "cores": cores, "memory_mb": memory_mb})


def _singly(
    choices: list[ResolvedServer], want: CommandRequest, facts: Facts
) -> tuple[Plan, dict[str, bytes]]:
    """Return a plan that makes each server by itself, with all that it needs."""
    plans = []
    secrets: dict[str, bytes] = {}
    for choice in choices:
        draft = Draft(cloud=facts.cloud, group=choice.hostname)
        writer = PlanBuilder([choice], task=want.task_id, ports_first=True, facts=facts, draft=draft)
        made, texts = writer.write(want.body), writer.secrets
        # Each writer counts its texts from one.
        symbols = {symbol: f"{choice.hostname}/{symbol}" for symbol in texts}
        plans.append(with_secrets(made, symbols))
        secrets |= {symbols[symbol]: text for symbol, text in texts.items()}
    needs = Counter[str]()
    for made in plans:
        needs.update(made.needs)
    if needs["keypairs"]:
        # Servers that bring the same key along import it once.
        needs["keypairs"] = len(
            {choice.key.name for choice in choices if choice.key and choice.key.public_key}
        )
    whole = Plan(
        nodes=tuple(node for made in plans for node in made.nodes),
        groups=tuple(group for made in plans for group in made.groups),
        needs=dict(needs),
    )
    return whole, secrets


def _duration(text: str | None) -> timedelta | None:
    """Return the duration that a text names; None where it names none, which is a fault told elsewhere."""
    try:
        return duration.parse(text) if text else None
    except ValueError:
        return None


def _urgent(want: CommandRequest) -> list[Fault]:
    """Return a fault where the caller may not ask for the priority they ask for."""
    if want.body.priority != "high" or role.is_admin(want.roles):
        return []
    detail = f"High priority requires the role {role.ADMIN}; use normal or low."
    return [Fault(pointer="/priority", code="forbidden", detail=detail)]


def _taken(found: RequestedServers, facts: Facts) -> list[Fault]:
    """Return a fault for each host name that the project has already."""
    taken = {
        one.name for one in facts.servers_named if one.state not in states.DELETED
    } | facts.promised_names
    return [
        Fault(
            pointer=member.at_name,
            code="taken",
            detail=f"The project has a server '{member.hostname}' already.",
        )
        for member in found.members
        if member.hostname in taken
    ]


def _lacking(found: RequestedServers, facts: Facts) -> list[Fault]:
    """Return a fault for each thing that the cloud has no service for."""
    faults = []
    for member in found.members:
        wish = member.wish
        if wish.networks == "none" and Capability.WITHOUT_NETWORK not in facts.capabilities:
            detail = f"Cloud '{facts.cloud}' is too old for servers without a network; leave `networks` out."
            faults.append(Fault(pointer=member.at("networks"), code="capability_missing", detail=detail))
        if Capability.PORTS not in facts.capabilities and Capability.NETWORK in facts.capabilities:
            faults += _without_ports(member, facts)
        translated = wish.public_address and interface.own(member, facts) is None
        for name, wanted, needed, service in (
            ("boot_volume", wish.boot_volume, Capability.VOLUME, "block-storage"),
            ("volumes", wish.volumes, Capability.VOLUME, "block-storage"),
            ("public_address", translated, Capability.FLOATING_IP, "network"),
            ("allow", wish.allow, Capability.SECURITY_GROUPS, "network"),
        ):
            if wanted and needed not in facts.capabilities:
                detail = f"Cloud '{facts.cloud}' has no {service} service in its catalogue."
                faults.append(Fault(pointer=member.at(name), code="capability_missing", detail=detail))
    return list(dict.fromkeys(faults))


def _without_ports(member: RequestedServer, facts: Facts) -> list[Fault]:
    """Return a fault for each wish that only a cloud with ports can fulfil."""
    networks = member.wish.networks
    detailed = isinstance(networks, list) and (
        len(networks) > 1
        or any(
            isinstance(one, NetworkChoice) and (one.subnet or one.fixed_ip or one.port) for one in networks
        )
    )
    detail = f"Cloud '{facts.cloud}' has no Neutron, which this takes; leave the choice to the cloud."
    return [
        Fault(pointer=member.at(name), code="capability_missing", detail=detail)
        for name, wanted in (("networks", detailed), ("security_groups", member.wish.security_groups == []))
        if wanted
    ]


def _keys(choices: list[ResolvedServer], found: RequestedServers) -> list[Fault]:
    """Return a fault for each server whose key has the name of another server's other key."""
    first: dict[str, list[str]] = {}
    faults = []
    by_name = {member.hostname: member for member in found.members}
    for choice in choices:
        if choice.key is None or choice.key.public_key is None:
            continue
        words = keys_and_rules.words(choice.key.public_key)
        if first.setdefault(choice.key.name, words) != words:
            detail = f"Two different keys have the name '{choice.key.name}'; choose another name for one."
            pointer = by_name[choice.hostname].at("keypair")
            faults.append(Fault(pointer=pointer, code="duplicate", detail=detail))
    return faults


def blank(data: Any) -> Any:
    """Return a launch's data without the texts that may hold secrets."""
    if isinstance(data, dict):
        return {
            key: "(kept in the key store)" if key in {"user_data", "secret"} and value else blank(value)
            for key, value in data.items()
        }
    return [blank(one) for one in data] if isinstance(data, list) else data
