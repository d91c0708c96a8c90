"""Gathers the facts that a command asks for: all at once, and nothing that it does not ask for."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any

import msgspec

from enamel.clouds import driver
from enamel.clouds.capability import Capability
from enamel.commands.facts import Facts, FactsNeeded, Target
from enamel.model import cloud
from enamel.model.cloud_reference import CloudReference
from enamel.model.errors import CloudForbidden, Forbidden, Gone, NotFound
from enamel.service.access import role
from enamel.service.resources import address as addresses
from enamel.service.resources import server_type

MANY = 20
"""So many names are worth one list of all servers rather than a filter."""


async def gather(
    where: driver.Cloud,
    ask: FactsNeeded,
    *,
    clouds: Sequence[str],
    elsewhere: Callable[[CloudReference], driver.Cloud],
) -> Facts:
    """Return the facts.

    Raises:
        CloudError: The cloud does not answer, or refuses.
        NotFound: The server to be terminated does not exist, or is another project's.
    """
    identity = await where.identity()
    questions: dict[str, Awaitable[Any]] = {"capabilities": where.capabilities()}
    for name, asked, method in (
        ("flavors", ask.flavors, lambda: server_type.usable(where)),
        (
            "images",
            ask.images,
            lambda: where.images_named(ask.templates) if ask.templates else where.images(),
        ),
        ("networks", ask.networks, where.networks),
        ("subnets", ask.subnets, where.subnets),
        ("zones", ask.zones, where.zones),
        ("volume_types", ask.volume_types, where.volume_types),
        ("volumes", ask.volumes, where.volumes_list),
        ("volume_snapshots", ask.volume_snapshots, where.volume_snapshots_list),
        ("security_groups", ask.security_groups, where.security_groups),
        ("servers", ask.servers and ask.host is None, where.servers_list),
    ):
        if asked:
            questions[name] = method()
    if ask.addresses:
        questions["addresses"] = addresses.listed(where)
    if ask.host is not None:
        questions["host"] = _host(where, ask.host)
    if ask.flavor is not None:
        questions["flavor"] = _flavor(where, ask.flavor)
    if ask.ports:
        questions["ports"] = where.ports_named(ask.ports)
    if ask.keypairs:
        questions["keypairs"] = _keypairs(where, ask.keypairs)
    if ask.server_names:
        questions["servers_named"] = _named(where, ask.server_names)
    if ask.server is not None:
        questions["server"] = _server(where, ask.server, identity)
    if ask.server is not None and ask.interfaces:
        questions["ports"] = where.ports_of([ask.server])
    if ask.terminate is not None:
        questions["around"] = _around(where, ask.terminate, identity)
    found = dict(zip(questions, await asyncio.gather(*questions.values()), strict=True))
    around = found.pop("around", {}) | found.pop("host", {})
    answers: dict[str, Any] = {
        name: tuple(one) if isinstance(one, list) else one for name, one in found.items()
    }
    facts = msgspec.structs.replace(
        Facts(cloud=where.name, identity=identity, clouds=tuple(clouds), actions=where.actions()),
        **answers,
        **around,
    )
    if ask.target is not None and facts.server is not None:
        reference = await _entry(where, ask.target)
        name = ask.target_name or facts.server.name
        target = await _target(elsewhere(reference), facts.server, name=name, reference=reference)
        volumes = await _volumes_of(where, facts.server)
        facts = msgspec.structs.replace(facts, target=target, volumes=volumes)
    known = {text for image in facts.images for text in (image.id, image.name)}
    if ask.templates - known and not ask.volumes and Capability.VOLUME in facts.capabilities:
        facts = msgspec.structs.replace(facts, volumes=tuple(await where.volumes_list()))
    return facts


async def _keypairs(where: driver.Cloud, names: Collection[str]) -> dict[str, cloud.Keypair]:
    found = await asyncio.gather(*(where.keypair(name) for name in names))
    return {one.name: one for one in found if one is not None}


async def _named(where: driver.Cloud, names: Collection[str]) -> tuple[cloud.Server, ...]:
    if len(names) <= MANY:
        return tuple(await where.servers_named(names))
    return tuple(one for one in await where.servers_list() if one.name in names)


async def _flavor(where: driver.Cloud, text: str) -> cloud.Flavor:
    """Return a flavor with all that belongs to it. Raises NotFound, and Forbidden where that is for operators."""
    found = server_type.named(await server_type.usable(where), text)
    return await role.needed(where.flavor(found.id))


async def _entry(where: driver.Cloud, project: str) -> CloudReference:
    """Return the reference to a cloud for another project. Raises Forbidden: we have no role there."""
    try:
        return await where.entry_of(project)
    except CloudForbidden as error:
        raise Forbidden(
            f"A transfer takes a role in both projects. {error.detail}", remedy=error.remedy
        ) from error


async def _target(
    there: driver.Cloud, server: cloud.Server, *, name: str, reference: CloudReference
) -> Target:
    """Return what has to be known of the project to which a server is to go."""
    # Transfers are rare, and what such a project lacks is often made the moment before.
    await there.forget()
    identity, flavors, networks, named, keypair, quota = await asyncio.gather(
        there.identity(),
        server_type.usable(there),
        there.networks(),
        there.servers_named([name]),
        there.keypair(server.key_name) if server.key_name else _nothing(),
        there.quota(("servers", "cores", "memory_mb", "volumes", "gigabytes")),
    )
    return Target(
        reference=reference,
        identity=identity,
        flavors=tuple(flavors),
        networks=tuple(networks),
        servers_named=tuple(named),
        keypair=keypair,
        quota=quota,
    )


async def _nothing() -> None:
    return None


async def _none() -> Sequence[Any]:
    return ()


async def _server(where: driver.Cloud, id: str, identity: cloud.Identity) -> cloud.Server:
    """Return a server of the project. Raises NotFound."""
    try:
        server = await where.server(id)
    except Gone as exc:
        raise NotFound(f"There is no server {id}.") from exc
    if server.project_id not in ("", identity.project_id):
        raise NotFound(f"There is no server {id}.")
    return server


async def _host(where: driver.Cloud, wanted: str) -> dict[str, Any]:
    """Return all servers, and the ports of those that have an id or a name."""
    servers = await where.servers_list()
    fit = [one.id for one in servers if wanted in (one.id, one.name)]
    return {"servers": tuple(servers), "ports": tuple(await where.ports_of(fit)) if fit else ()}


async def _around(where: driver.Cloud, id: str, identity: cloud.Identity) -> dict[str, Any]:
    """Return a server and all that hangs on it."""
    has = await where.capabilities()
    server = await _server(where, id, identity)
    ports, volumes, groups, servers = await asyncio.gather(
        where.ports_of([id]) if Capability.NETWORK in has else _none(),
        _volumes_of(where, server),
        where.security_groups() if Capability.SECURITY_GROUPS in has else _none(),
        where.servers_list(),
    )
    floating = bool(ports) and Capability.FLOATING_IP in has
    return {
        "server": server,
        "ports": tuple(ports),
        "addresses": tuple(await where.addresses_of([one.id for one in ports])) if floating else (),
        "volumes": volumes,
        "security_groups": tuple(groups),
        "servers": tuple(servers),
    }


async def _volumes_of(where: driver.Cloud, server: cloud.Server) -> tuple[cloud.Volume, ...]:
    found = await asyncio.gather(*(where.volume(id) for id in server.volumes), return_exceptions=True)
    for one in found:
        if isinstance(one, BaseException) and not isinstance(one, Gone):
            raise one
    return tuple(one for one in found if isinstance(one, cloud.Volume))
