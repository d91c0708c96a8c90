"""The conflicts of a launch: what stands in its way on a cloud, beside what its single fields name."""

from collections.abc import Iterator, Sequence

from enamel.clouds.capability import Capability
from enamel.commands.command import CommandRequest
from enamel.commands.facts import Facts
from enamel.commands.launch import facts_needed, public_key
from enamel.commands.launch.resolved_server import ResolvedServer
from enamel.commands.launch.server_request import RequestedServer, network_choices
from enamel.commands.launch.servers import RequestedServers
from enamel.model import role, states
from enamel.model.errors import Fault
from enamel.model.launch import KeypairChoice
from enamel.model.task import Priority


def faults(
    request: CommandRequest, requested: RequestedServers, servers: Sequence[ResolvedServer], facts: Facts
) -> list[Fault]:
    """Return everything that stands in the way of a launch.

    Args:
        request: What the caller asked for.
        requested: The servers that were asked for.
        servers: Those of them of which everything was found.
        facts: What is known of the cloud.
    """
    return [
        *_names(requested, facts),
        *dict.fromkeys(fault for server in requested.members for fault in _unsupported(server, facts)),
        *_limits(requested, facts),
        *_priority(request),
        *_keys(requested, servers),
    ]


def _names(requested: RequestedServers, facts: Facts) -> Iterator[Fault]:
    """Yield a fault for each host name that the project has already."""
    existing = {server.name for server in facts.servers_named if server.state not in states.DELETED}
    for server in requested.members:
        if server.hostname in existing | facts.reserved_names:
            detail = f"The project has a server '{server.hostname}' already."
            yield Fault(pointer=server.at_name, code="taken", detail=detail)


def _unsupported(server: RequestedServer, facts: Facts) -> Iterator[Fault]:
    """Yield a fault for each field of a server that requires what the cloud cannot do."""
    able, request, name = facts.capabilities, server.request, f"Cloud '{facts.cloud}'"
    networks = network_choices(request)
    no_ports = Capability.NETWORK in able and Capability.PORTS not in able
    old = f"{name} is too old for servers without a network; leave `networks` out."
    no_neutron = f"{name} has no Neutron, which this requires; leave the choice to the cloud."
    no_volumes = f"{name} has no block-storage service in its catalogue."
    no_network = f"{name} has no network service in its catalogue."
    detailed = len(networks) > 1 or any(
        choice.subnet or choice.fixed_ip or choice.port for choice in networks
    )
    key = request.keypair
    dotted = (
        isinstance(key, KeypairChoice) and key.public_key is not None and not {*key.name}.isdisjoint("@.")
    )
    names = f"{name} is too old for keys with @ or . in their names; use letters, digits, spaces, _ and -."
    for field, asked, supported, detail in (
        ("keypair", dotted, Capability.KEY_NAMES in able, names),
        ("networks", request.networks == "none", Capability.WITHOUT_NETWORK in able, old),
        ("networks", detailed, not no_ports, no_neutron),
        ("security_groups", request.security_groups == [], not no_ports, no_neutron),
        ("boot_volume", request.boot_volume, Capability.VOLUME in able, no_volumes),
        ("volumes", request.volumes, Capability.VOLUME in able, no_volumes),
        ("allow", request.allow, Capability.SECURITY_GROUPS in able, no_network),
    ):
        if asked and not supported:
            yield Fault(pointer=server.at(field), code="capability_missing", detail=detail)


def _limits(requested: RequestedServers, facts: Facts) -> Iterator[Fault]:
    """Yield a fault for each server that has more of something than the cloud allows of it."""
    properties, members = facts.quota.get("properties"), facts.quota.get("server_group_members")
    spread = [server for server in requested.members if facts_needed.is_spread(server.request)]
    for server in requested.members:
        # One of them is the mark that Enamel finds its servers by.
        count = len(server.request.properties or {}) + 1
        if properties is not None and 0 <= properties.limit < count and count > 1:
            detail = (
                f"Cloud '{facts.cloud}' allows {properties.limit} properties of a server, of which Enamel needs one; "
                f"these are {count - 1}."
            )
            yield Fault(pointer=server.at("properties"), code="quota_exceeded", detail=detail)
    if members is not None and 0 <= members.limit < len(spread) and len(spread) > 1:
        name = "spread" if spread[0].request.spread else "affinity"
        detail = f"Cloud '{facts.cloud}' keeps at most {members.limit} servers of one launch apart; these are {len(spread)}."
        yield Fault(pointer=spread[0].at(name), code="quota_exceeded", detail=detail)


def _priority(request: CommandRequest) -> Iterator[Fault]:
    """Yield a fault where the caller may not ask for the priority that they ask for."""
    if request.body.priority is Priority.HIGH and not role.is_admin(request.roles):
        detail = f"High priority requires the role {role.ADMIN}; use NORMAL or LOW."
        yield Fault(pointer="/priority", code="forbidden", detail=detail)


def _keys(requested: RequestedServers, servers: Sequence[ResolvedServer]) -> Iterator[Fault]:
    """Yield a fault for each server whose key has the name of another server's other key."""
    first: dict[str, list[str]] = {}
    by_name = {server.hostname: server for server in requested.members}
    for server in servers:
        if server.key is None or server.key.public_key is None:
            continue
        content = public_key.content(server.key.public_key)
        if first.setdefault(server.key.name, content) != content:
            detail = f"Two different keys have the name '{server.key.name}'; choose another name for one."
            yield Fault(pointer=by_name[server.hostname].at("keypair"), code="duplicate", detail=detail)
