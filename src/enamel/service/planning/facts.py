"""Gather the facts that a command needs: all at once, and nothing else."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any

import msgspec

from enamel.clouds import driver
from enamel.clouds.capability import Capability
from enamel.commands import public_route
from enamel.commands.facts import Facts, FactsNeeded, Target
from enamel.model import cloud as cloud_model
from enamel.model.cloud_reference import CloudReference
from enamel.model.errors import CapabilityMissing, CloudForbidden, Forbidden, Gone, NotFound
from enamel.service.access.policy import requires_admin
from enamel.service.resources import address, flavors

MANY = 20
"""From how many names on one list of all servers is cheaper than a filter."""


async def gather(
    account: driver.Cloud,
    needed: FactsNeeded,
    *,
    clouds: Sequence[str],
    elsewhere: Callable[[CloudReference], driver.Cloud],
) -> Facts:
    """Return the facts.

    Args:
        account: The caller's project on the cloud.
        needed: Which facts.
        clouds: All clouds that the request can use.
        elsewhere: Opens a cloud for another project.

    Raises:
        CloudError: The cloud does not answer, or refuses.
        NotFound: The server that the request is about does not exist, or is another project's.
    """
    identity = await account.identity()
    questions = {**_lists(account, needed), **_single(account, needed, identity)}
    values = await asyncio.gather(*questions.values())
    answers: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in zip(questions, values, strict=True)
    }
    around = answers.pop("around", {}) | answers.pop("host", {})
    facts = msgspec.structs.replace(
        Facts(cloud=account.name, identity=identity, clouds=tuple(clouds), actions=account.actions()),
        **answers,
        **around,
    )
    if needed.routers and facts.routers is None:
        # Only this question shows whether a cloud has routers, without which it has no floating IPs.
        facts = msgspec.structs.replace(facts, capabilities=await account.capabilities())
    if needed.routers and not needed.subnets:
        facts = msgspec.structs.replace(facts, subnets=await _subnets(account, facts, needed.routed))
    if needed.target is not None and facts.server is not None:
        reference = await _entry(account, needed.target)
        name = needed.target_name or facts.server.name
        target = await _target(elsewhere(reference), facts.server, name=name, reference=reference)
        volumes = await _volumes_of(account, facts.server)
        facts = msgspec.structs.replace(facts, target=target, volumes=volumes)
    images = {text for image in facts.images for text in (image.id, image.name)}
    if needed.templates - images and not needed.volumes and Capability.VOLUME in facts.capabilities:
        facts = msgspec.structs.replace(facts, volumes=tuple(await account.volumes_named(needed.templates)))
    return facts


def _lists(account: driver.Cloud, needed: FactsNeeded) -> dict[str, Awaitable[Any]]:
    """Return the lists that are needed, by the fact that they fill."""

    def named(kind: str) -> Collection[str]:
        return needed.named.get(kind, ())

    lists: tuple[tuple[str, bool, Callable[[], Awaitable[Any]]], ...] = (
        ("capabilities", True, account.capabilities),
        ("flavors", needed.flavors, lambda: flavors.usable(account, named("flavors"))),
        (
            "images",
            needed.images,
            lambda: account.images_named({*needed.templates, *named("images")}),
        ),
        ("networks", needed.networks, lambda: account.networks_named(named("networks"))),
        ("subnets", needed.subnets, account.subnets),
        ("routers", needed.routers, lambda: _routers(account)),
        ("zones", needed.zones, account.zones),
        (
            "volume_types",
            needed.volume_types,
            lambda: account.volume_types_named(named("volume_types")),
        ),
        ("volume_zones", needed.volume_zones, account.volume_zones),
        ("volumes", needed.volumes, lambda: account.volumes_named(named("volumes"))),
        ("volume_snapshots", needed.volume_snapshots, account.volume_snapshots_list),
        (
            "security_groups",
            needed.security_groups,
            lambda: account.security_groups_named(named("security_groups")),
        ),
        ("servers", needed.servers and needed.host is None, account.servers_list),
        ("addresses", needed.addresses, lambda: address.listed(account)),
    )
    return {name: ask() for name, is_needed, ask in lists if is_needed}


def _single(
    account: driver.Cloud, needed: FactsNeeded, identity: cloud_model.Identity
) -> dict[str, Awaitable[Any]]:
    """Return the questions about what the request names, by the fact that they fill."""
    questions: dict[str, Awaitable[Any]] = {}
    if needed.host is not None:
        questions["host"] = _host(account, needed.host)
    if needed.flavor is not None:
        questions["flavor"] = _flavor(account, needed.flavor)
    if needed.ports:
        questions["ports"] = account.ports_named(needed.ports)
    if needed.keypairs:
        questions["keypairs"] = _keypairs(account, needed.keypairs)
    if needed.server_names:
        questions["servers_named"] = _named(account, needed.server_names)
    if needed.server is not None:
        questions["server"] = _server(account, needed.server, identity)
    if needed.server is not None and needed.interfaces:
        questions["ports"] = account.ports_of([needed.server])
    if needed.terminate is not None:
        questions["around"] = _around(account, needed.terminate, identity)
    return questions


async def _routers(account: driver.Cloud) -> Sequence[cloud_model.Router] | None:
    """Return the routers, or None where the cloud shows none to this caller."""
    try:
        return await account.routers()
    except (CapabilityMissing, CloudForbidden):
        return None


async def _subnets(
    account: driver.Cloud, facts: Facts, routed: Collection[str]
) -> tuple[cloud_model.Subnet, ...]:
    """Return the subnets that routes depend on: from the routers, unless they do not show enough."""
    networks = [
        network
        for network in facts.networks
        if not routed or network.external or network.nat_source or {network.id, network.name} & {*routed}
    ]
    subnets = public_route.subnets_of(networks, facts.routers or ())
    return tuple(await account.subnets()) if subnets is None else subnets


async def _keypairs(account: driver.Cloud, names: Collection[str]) -> dict[str, cloud_model.Keypair]:
    return {keypair.name: keypair for keypair in await account.keypairs_named(names)}


async def _named(account: driver.Cloud, names: Collection[str]) -> tuple[cloud_model.Server, ...]:
    if len(names) <= MANY:
        return tuple(await account.servers_named(names))
    return tuple(server for server in await account.servers_list() if server.name in names)


async def _flavor(account: driver.Cloud, text: str) -> cloud_model.Flavor:
    """Return a flavor with its access list. Raises NotFound, and Forbidden where that is for operators."""
    flavor = await flavors.find(account, text)
    return await requires_admin(account.flavor(flavor.id))


async def _entry(account: driver.Cloud, project: str) -> CloudReference:
    """Return the reference to a cloud for another project. Raises Forbidden where the caller has no role in it."""
    try:
        return await account.entry_of(project)
    except CloudForbidden as error:
        raise Forbidden(
            f"A transfer requires a role in both projects. {error.detail}", remedy=error.remedy
        ) from error


async def _target(
    other: driver.Cloud, server: cloud_model.Server, *, name: str, reference: CloudReference
) -> Target:
    """Return the facts about the project that a server is transferred to."""
    # Transfers are rare, and what such a project lacks was often created a moment ago.
    await other.forget()
    identity, usable, networks, named, keypair, quota = await asyncio.gather(
        other.identity(),
        flavors.usable(other),
        other.networks(),
        other.servers_named([name]),
        other.keypair(server.key_name) if server.key_name else _nothing(),
        other.quota(("servers", "cores", "memory_mb", "volumes", "gigabytes")),
    )
    return Target(
        reference=reference,
        identity=identity,
        flavors=tuple(usable),
        networks=tuple(networks),
        servers_named=tuple(named),
        keypair=keypair,
        quota=quota,
    )


async def _nothing() -> None:
    return None


async def _none() -> Sequence[Any]:
    return ()


async def _server(account: driver.Cloud, id: str, identity: cloud_model.Identity) -> cloud_model.Server:
    """Return a server of the project. Raises NotFound."""
    try:
        server = await account.server(id)
    except Gone as exc:
        raise NotFound(f"There is no server {id}.") from exc
    if server.project_id not in ("", identity.project_id):
        raise NotFound(f"There is no server {id}.")
    return server


async def _host(account: driver.Cloud, text: str) -> dict[str, Any]:
    """Return all servers, and the ports of those that have an id or a name."""
    servers = await account.servers_list()
    fit = [server.id for server in servers if text in (server.id, server.name)]
    return {"servers": tuple(servers), "ports": tuple(await account.ports_of(fit)) if fit else ()}


async def _around(account: driver.Cloud, id: str, identity: cloud_model.Identity) -> dict[str, Any]:
    """Return a server and all that is attached to it."""
    server = await _server(account, id, identity)
    capabilities = await account.capabilities()
    snapshots = bool(server.volumes) and Capability.VOLUME_SNAPSHOTS in capabilities
    ports, volumes, groups, servers, volume_snapshots = await asyncio.gather(
        account.ports_of([id]) if Capability.NETWORK in capabilities else _none(),
        _volumes_of(account, server),
        account.security_groups() if Capability.SECURITY_GROUPS in capabilities else _none(),
        account.servers_list(),
        account.volume_snapshots_list() if snapshots else _none(),
    )
    floating = bool(ports) and Capability.FLOATING_IP in capabilities
    return {
        "server": server,
        "ports": tuple(ports),
        "addresses": tuple(await account.addresses_of([port.id for port in ports])) if floating else (),
        "volumes": volumes,
        "security_groups": tuple(groups),
        "servers": tuple(servers),
        "volume_snapshots": tuple(volume_snapshots),
    }


async def _volumes_of(account: driver.Cloud, server: cloud_model.Server) -> tuple[cloud_model.Volume, ...]:
    answers = await asyncio.gather(*(account.volume(id) for id in server.volumes), return_exceptions=True)
    for answer in answers:
        if isinstance(answer, BaseException) and not isinstance(answer, Gone):
            raise answer
    return tuple(answer for answer in answers if isinstance(answer, cloud_model.Volume))
