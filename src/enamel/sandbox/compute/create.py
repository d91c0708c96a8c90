"""The request for new servers: everything Nova checks before it accepts, and the records it then makes."""

from __future__ import annotations

import re
from typing import Any

from enamel.sandbox import http, kernel, seams
from enamel.sandbox.compute import build, disk, schema, state, view, work
from enamel.sandbox.compute import server as compute_server


def create(request: http.Request) -> kernel.Reply:
    """Accept a request for one server, or for several equal ones."""
    body = request.body()
    schema.check(body, schema.server(request.version))
    era = request.cloud.era
    asked: dict[str, Any] = {name: value for name, value in body["server"].items() if name not in era.unheard}
    hints: dict[str, Any] = body.get("os:scheduler_hints") or body.get("OS-SCH-HNT:scheduler_hints") or {}
    nova, caller = request.cloud.compute, request.caller
    fewest, most = _counts(asked)
    flavor = nova.find_flavor(caller, str(asked["flavorRef"]))
    if flavor is None:
        raise kernel.Refusal(400, f"Flavor {asked['flavorRef']} could not be found.")
    if most > 1 and "hostname" in asked:
        raise kernel.Refusal(400, "Unable to allocate a single hostname to multiple instances")
    zone = _zone(request, asked.get("availability_zone"))
    _check_key(request, asked.get("key_name"))
    devices = disk.block_devices(request, asked, most=most)
    image = disk.root_image(request, asked, flavor=flavor, devices=devices)
    _check_metadata(request, asked.get("metadata", {}))
    group = _group(request, hints, count=most)
    groups = [item["name"] for item in asked.get("security_groups", []) if "name" in item] or ["default"]
    nics = _nics(request, asked, groups=groups, most=most)
    count = _affordable(request, flavor, fewest=fewest, most=most)
    reservation = "r-" + request.cloud.new_hex()[:8]
    servers = [
        _record(
            request,
            asked,
            flavor=flavor,
            image=image,
            zone=zone,
            hints=hints,
            group=group,
            nics=nics,
            groups=groups,
            devices=devices,
            reservation=reservation,
            number=number if most > 1 and era.compute is not None else None,
        )
        for number in range(count)
    ]
    _start(request, servers, devices)
    if schema.truth(asked.get("return_reservation_id", False)):
        return kernel.Reply(status=202, body={"reservation_id": reservation})
    return _accepted(request, servers[0], groups=groups, password=asked.get("adminPass"))


def _start(
    request: http.Request,
    servers: list[compute_server.Server],
    devices: list[compute_server.BlockDevice],
) -> None:
    """Reserve the volumes and start building the servers."""
    for device in devices:
        if device.source == "volume":
            request.cloud.volume.reserve(device.source_id)
    for server in servers:
        request.cloud.compute.add(server)
        work.log(server, request, name="create", event="compute__do_build_and_run_instance")
        build.boot(request.cloud, server)


def _accepted(
    request: http.Request, server: compute_server.Server, *, groups: list[str], password: str | None
) -> kernel.Reply:
    """Answer with the first of the new servers."""
    body = {
        "id": server.id,
        "links": view.links(request, "servers", server.id),
        "OS-DCF:diskConfig": server.disk_config,
        "security_groups": [{"name": name} for name in groups],
        "adminPass": password or request.cloud.new_hex()[:12],
    }
    location = f"{request.root}/v2.1/servers/{server.id}"
    return kernel.Reply(status=202, body={"server": body}, headers={"Location": location})


def _check_key(request: http.Request, name: str | None) -> None:
    """Refuse a keypair that the caller does not have."""
    if name is not None and (request.caller.user_id, name) not in request.cloud.compute.keypairs:
        raise kernel.Refusal(400, "Invalid key_name provided.")


def _check_metadata(request: http.Request, metadata: dict[str, str]) -> None:
    """Refuse more metadata than the quota allows."""
    allowed = request.cloud.compute.limit(request.caller.project_id, "metadata_items")
    if len(metadata) > allowed >= 0:
        raise kernel.Refusal(403, f"Maximum number of metadata items exceeds {allowed}")


def _counts(asked: dict[str, Any]) -> tuple[int, int]:
    """Return the minimum and maximum number of servers requested."""
    fewest = int(asked.get("min_count", 1))
    most = int(asked.get("max_count", fewest))
    if fewest > most:
        raise kernel.Refusal(400, "min_count must be <= max_count")
    return fewest, most


def _zone(request: http.Request, asked: str | None) -> str | None:
    """Return the zone asked for, or refuse one that does not exist; an admin may add a host after a colon."""
    if asked is None:
        return None
    zone, _, host = asked.partition(":")
    if host and not request.caller.admin:
        raise kernel.Refusal(
            403, "Policy doesn't allow os_compute_api:servers:create:forced_host to be performed."
        )
    if zone not in request.cloud.compute.hosts.values():
        raise kernel.Refusal(400, "The requested availability zone is not available")
    return zone


def _group(request: http.Request, hints: dict[str, Any], *, count: int) -> state.Group | None:
    """Return the server group hinted at."""
    if "group" not in hints:
        return None
    nova = request.cloud.compute
    group = nova.groups.get(hints["group"])
    if group is None or not request.caller.sees(group.project_id):
        raise kernel.Refusal(400, f"Instance group {hints['group']} could not be found.")
    limit = nova.limit(request.caller.project_id, "server_group_members")
    if 0 <= limit < len(group.members) + count:
        raise kernel.Refusal(403, "Quota exceeded, too many servers in group")
    return group


def _nics(request: http.Request, asked: dict[str, Any], *, groups: list[str], most: int) -> list[seams.Nic]:
    """Return the interfaces of the servers, checked by the network service."""
    network, caller = request.cloud.network, request.caller
    networks = asked.get("networks")
    if networks == "none":
        return []
    if networks == "auto":
        nics = network.auto(caller)
        network.resolve(caller, nics=nics, groups=groups)
        return nics
    nics = []
    for item in networks or ():
        if not item.get("uuid") and not item.get("port"):
            raise kernel.Refusal(
                400, "Bad Request - Invalid Parameter: network uuid or port id must be specified."
            )
        nics.append(
            seams.Nic(
                network_id="" if item.get("port") else item.get("uuid", ""),
                port_id=item.get("port") or "",
                fixed_ip=item.get("fixed_ip", ""),
            )
        )
    if most > 1 and any(nic.fixed_ip for nic in nics):
        raise kernel.Refusal(
            400, "Invalid instance count: fixed IP cannot be given to more than one instance."
        )
    if most > 1 and any(nic.port_id for nic in nics):
        raise kernel.Refusal(
            400,
            "Failed to launch instances: Unable to launch multiple instances with a single configured port ID. Please launch your instance"
            " one by one with different ports.",
        )
    return network.resolve(caller, nics=nics if networks else None, groups=groups)


def _affordable(request: http.Request, flavor: compute_server.Flavor, *, fewest: int, most: int) -> int:
    """Return how many of the requested servers the quota allows; refuse when that is less than the minimum."""
    nova, project_id = request.cloud.compute, request.caller.project_id
    usage = nova.used(project_id)
    count = most
    for name, used, each in (
        ("instances", usage.instances, 1),
        ("cores", usage.cores, flavor.vcpus),
        ("ram", usage.ram, flavor.ram),
    ):
        limit = nova.limit(project_id, name)
        if limit >= 0:
            count = min(count, (limit - used) // each)
    if count < fewest:
        nova.afford(project_id, instances=fewest, cores=fewest * flavor.vcpus, ram=fewest * flavor.ram)
    return count


def _record(
    request: http.Request,
    asked: dict[str, Any],
    *,
    flavor: compute_server.Flavor,
    image: seams.Image | None,
    zone: str | None,
    hints: dict[str, Any],
    group: state.Group | None,
    nics: list[seams.Nic],
    groups: list[str],
    devices: list[compute_server.BlockDevice],
    reservation: str,
    number: int | None,
) -> compute_server.Server:
    """Return the record of one new server; one of several has a number in its name, except on the oldest clouds."""
    now = request.cloud.now()
    ending = "" if number is None else f"-{number + 1}"
    name = asked["name"].strip()
    server = compute_server.Server(
        id=request.cloud.new_id(),
        name=name + ending,
        hostname=(asked.get("hostname") or hostname(name)) + ending,
        project_id=request.caller.project_id,
        user_id=request.caller.user_id,
        flavor=flavor,
        image=image,
        reservation_id=reservation,
        launch_index=number or 0,
        created=now,
        updated=now,
        nics=list(nics),
        groups=list(groups),
        block_devices=list(devices),
        zone=zone or "",
        pinned_zone=zone,
        key_name=asked.get("key_name"),
        user_data=asked.get("user_data"),
        metadata=dict(asked.get("metadata", {})),
        tags=list(dict.fromkeys(asked.get("tags", []))),
        description=asked.get("description", name + ending if request.version < (2, 19) else None),
        config_drive="True" if schema.truth(asked.get("config_drive", False)) else "",
        group_id=group.id if group else None,
        hints=hints,
        disk_config=asked.get("OS-DCF:diskConfig", "MANUAL"),
        access_v4=asked.get("accessIPv4", ""),
        access_v6=asked.get("accessIPv6", ""),
    )
    if group is not None:
        group.members.append(server.id)
    return server


def hostname(name: str) -> str:
    """Return the hostname Nova makes of a name."""
    return (
        re.sub(r"-+", "-", re.sub(r"[^a-z0-9.-]", "", re.sub(r"[ _]", "-", name.lower()))).strip(".-")
        or "server"
    )
