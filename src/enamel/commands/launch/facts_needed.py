"""What has to be known of a cloud for a launch; nothing else is asked of it."""

from collections.abc import Sequence

from enamel.commands import quota
from enamel.commands.facts import FactsNeeded
from enamel.commands.launch import strategy
from enamel.commands.launch.server_request import RequestedServer, network_choices
from enamel.commands.launch.servers import RequestedServers
from enamel.model import ids
from enamel.model.launch import AddressChoice, KeypairChoice, ServerRequest


def of(requested: RequestedServers) -> FactsNeeded:
    """Return what has to be known for the servers of a launch."""
    requests = [server.request for server in requested.members]
    networks = [choice for request in requests for choice in network_choices(request)]
    volumes = [volume for request in requests for volume in request.volumes or ()]
    public = any(request.public_address and _is_networked(request) for request in requests)
    boots = [request.boot_volume for request in requests if request.boot_volume]
    return FactsNeeded(
        flavors=True,
        images=True,
        templates=frozenset(filter(None, map(_template, requests))),
        named=_named(requested),
        networks=any(map(_is_networked, requests)),
        # Routers show their own address on each subnet. Whether another address is in its range, they do not show.
        subnets=any(choice.subnet or choice.fixed_ip or (public and choice.port) for choice in networks)
        or any(map(_names_address, requests)),
        routers=public,
        routed=_routed(requests),
        zones=any(map(_is_placed, requests)),
        volume_types=any(disk.type for disk in volumes) or any(boot.type for boot in boots),
        volume_zones=any(map(_is_placed, requests)) and any(map(_makes_volumes, requests)),
        volumes=any(volume.volume for volume in volumes),
        # A floating IP may lead to an existing port already.
        addresses=any(map(_names_address, requests)) or (public and any(choice.port for choice in networks)),
        security_groups=any(map(_names_group, requested.members)) or _needs_default_group(requested),
        ports=frozenset(choice.port for choice in networks if choice.port),
        keypairs=frozenset(filter(None, map(_key_name, requests))),
        server_names=frozenset(server.hostname for server in requested.members if server.hostname),
        servers=any(map(_names_servers, requests)),
        quota=_quotas(requests),
    )


def _named(requested: RequestedServers) -> dict[str, frozenset[str]]:
    """Return the texts that servers name resources by and that may be ids, by the list that is to know them."""
    requests = [server.request for server in requested.members]
    named: dict[str, set[str | None]] = {
        "networks": {choice.network for request in requests for choice in network_choices(request)}
        | {_source(request) for request in requests},
        "volumes": {volume.volume for request in requests for volume in request.volumes or ()},
        "volume_types": {volume.type for request in requests for volume in request.volumes or ()}
        | {request.boot_volume.type for request in requests if request.boot_volume},
        "security_groups": {group for server in requested.members for group in _groups(server)},
    }
    texts_by_kind = {
        kind: frozenset(text for text in texts if text and ids.is_id(text)) for kind, texts in named.items()
    }
    # Ids of flavors are whatever their maker chose.
    texts_by_kind["flavors"] = frozenset(filter(None, map(_type, requests)))
    return {kind: texts for kind, texts in texts_by_kind.items() if texts}


def _routed(requests: Sequence[ServerRequest]) -> frozenset[str]:
    """Return the networks that public addresses can lead to; none if a server leaves the choice."""
    public = [network_choices(request) for request in requests if request.public_address]
    names = {choice.network for choices in public for choice in choices if all(public)}
    return frozenset(filter(None, names))


def _quotas(requests: Sequence[ServerRequest]) -> frozenset[str]:
    """Return the quotas that servers may use up."""
    kinds = quota.SERVERS
    if any(map(_is_networked, requests)):
        kinds |= {"ports", "addresses", "security_groups"}
    if any(request.properties for request in requests):
        kinds |= {"properties"}
    if len(requests) > 1 and any(map(is_spread, requests)):
        kinds |= {"server_groups", "server_group_members"}
    if any(map(_brings_key, requests)):
        kinds |= {"keypairs"}
    if any(map(_makes_volumes, requests)):
        kinds |= quota.VOLUMES
    return kinds


def is_spread(request: ServerRequest) -> bool:
    """Tell whether a server is to be on another host than the others of its launch."""
    return bool(request.spread or (request.affinity and request.affinity.spread))


def _brings_key(request: ServerRequest) -> bool:
    return isinstance(request.keypair, KeypairChoice) and request.keypair.public_key is not None


def _is_placed(request: ServerRequest) -> bool:
    return bool(request.placement or request.placement_id)


def _makes_volumes(request: ServerRequest) -> bool:
    return bool(request.boot_volume) or any(volume.size_gb for volume in request.volumes or ())


def _is_networked(request: ServerRequest) -> bool:
    return request.networks != "none"


def _template(request: ServerRequest) -> str | None:
    return request.template_id or request.template


def _type(request: ServerRequest) -> str | None:
    return request.type_id or (request.type if isinstance(request.type, str) else None)


def _source(request: ServerRequest) -> str | None:
    """Return the network that a public address is to come from."""
    return request.public_address.source if isinstance(request.public_address, AddressChoice) else None


def _groups(server: RequestedServer) -> list[str]:
    """Return the security groups that a server names, by itself and within its rules."""
    return [*(server.request.security_groups or ()), *(rule.group for rule in server.rules if rule.group)]


def _key_name(request: ServerRequest) -> str | None:
    choice = request.keypair or request.keypair_id
    return choice.name if isinstance(choice, KeypairChoice) else choice


def _names_address(request: ServerRequest) -> bool:
    return isinstance(request.public_address, AddressChoice) and bool(request.public_address.address)


def _names_servers(request: ServerRequest) -> bool:
    """Tell whether a server is to be near to others, or apart from them."""
    affinity = request.affinity
    return affinity is not None and bool(affinity.near or affinity.not_near)


def _names_group(server: RequestedServer) -> bool:
    """Tell whether a server names a security group, by itself or within a rule."""
    return bool(_groups(server))


def _needs_default_group(requested: RequestedServers) -> bool:
    """Tell whether the project's default group has to be known by its id, to stand beside another one on a port."""
    return strategy.ports_first(requested) and any(
        request.allow and request.security_groups is None and _is_networked(request)
        for request in (server.request for server in requested.members)
    )
