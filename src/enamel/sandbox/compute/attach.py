"""What is attached to a server: volumes, interfaces, security groups, addresses."""

from __future__ import annotations

from typing import Any

from enamel.sandbox import http, kernel, seams
from enamel.sandbox.compute import build, guard, view, work
from enamel.sandbox.compute import schema as compute_schema
from enamel.sandbox.compute import server as compute_server

_STATES = frozenset({"active", "paused", "stopped", "resized", "soft-delete", "shelved", "shelved_offloaded"})
_PLUGGABLE = frozenset({"active", "paused", "stopped"})


def _volume_schema(version: kernel.Version) -> compute_schema.Schema:
    """Return the schema of a new attachment at a microversion."""
    properties: dict[str, compute_schema.Schema] = {
        "volumeId": compute_schema.UUID,
        "device": {"type": ["string", "null"]},
    }
    if version >= (2, 49):
        properties["tag"] = compute_schema.TAG
    if version >= (2, 79):
        properties["delete_on_termination"] = compute_schema.BOOLEAN
    return compute_schema.obj(
        ("volumeAttachment",),
        volumeAttachment={
            "type": "object",
            "properties": properties,
            "required": ["volumeId"],
            "additionalProperties": False,
        },
    )


_VOLUMES = {turn: compute_schema.checker(_volume_schema(turn)) for turn in ((2, 79), (2, 49), (2, 1))}


def _server(request: http.Request) -> compute_server.Server:
    """Return the server in the path."""
    return request.cloud.compute.find(request.caller, request.params["id"])


def _attachment(
    request: http.Request, server: compute_server.Server, disk: compute_server.Disk
) -> dict[str, Any]:
    """Return an attachment as Nova shows it."""
    body: dict[str, Any] = {"volumeId": disk.volume_id, "serverId": server.id, "device": disk.device}
    if request.version < (2, 89):
        body["id"] = disk.volume_id
    if request.version >= (2, 70):
        body["tag"] = disk.tag
    if request.version >= (2, 79):
        body["delete_on_termination"] = disk.delete_on_termination
    if request.version >= (2, 89):
        body |= {"attachment_id": disk.attachment_id, "bdm_uuid": disk.mapping_id}
    return body


def volumes(request: http.Request) -> kernel.Reply:
    """Answer with a server's volumes."""
    server = _server(request)
    attachments = [_attachment(request, server, disk) for disk in server.disks.values()]
    return kernel.Reply(body={"volumeAttachments": attachments})


def _disk(request: http.Request, server: compute_server.Server) -> compute_server.Disk:
    """Return the attachment in the path."""
    volume_id = request.params["volume"]
    disk = server.disks.get(volume_id)
    if disk is None:
        raise kernel.Refusal(404, f"volume_id not found: {volume_id}")
    return disk


def volume(request: http.Request) -> kernel.Reply:
    """Answer with one of a server's volumes."""
    server = _server(request)
    attachment = _attachment(request, server, _disk(request, server))
    return kernel.Reply(body={"volumeAttachment": attachment})


def attach_volume(request: http.Request) -> kernel.Reply:
    """Attach a volume to a server."""
    server, cloud, body = _server(request), request.cloud, request.body()
    compute_schema.check(body, next(schema for turn, schema in _VOLUMES.items() if turn <= request.version))
    asked = body["volumeAttachment"]
    volume_id = asked["volumeId"]
    volume = cloud.volume.find(request.caller, volume_id)
    if volume is None:
        raise kernel.Refusal(404, f"Volume {volume_id} could not be found.")
    guard.check(request, server, name="attach_volume", states=_STATES)
    if volume_id in server.disks:
        raise kernel.Refusal(400, f"Invalid volume: volume {volume_id} already attached")
    if volume.status != "available" and not (volume.multiattach and volume.status == "in-use"):
        if volume.status == "in-use":
            raise kernel.Refusal(400, f"Invalid volume: volume {volume_id} already attached")
        raise kernel.Refusal(
            400,
            f"Invalid input received: Invalid volume: Volume {volume_id} status must be available or in-use or"
            f" downloading to reserve, but the current status is {volume.status}.",
        )
    if volume.multiattach and request.version < (2, 60):
        raise kernel.Refusal(
            400, "Multiattach volumes are only supported starting with compute API version 2.60."
        )
    disk = compute_server.Disk(
        volume_id=volume_id,
        device=asked.get("device") or build.next_device(server),
        delete_on_termination=compute_schema.truth(asked.get("delete_on_termination", False)),
        attachment_id="",
        mapping_id=cloud.new_id(),
        tag=asked.get("tag"),
    )
    server.disks[volume_id] = disk
    cloud.volume.reserve(volume_id)
    work.log(server, request, name="attach_volume", event="compute_attach_volume")

    def finish() -> None:
        disk.attachment_id = cloud.volume.attach(
            volume_id=volume_id, server_id=server.id, device=disk.device, host=server.host or ""
        )
        work.done(cloud, server)

    work.after(cloud, server, (0.1, 0.4), finish)
    return kernel.Reply(body={"volumeAttachment": _attachment(request, server, disk)})


def change_volume(request: http.Request) -> kernel.Reply:
    """Change whether a volume is deleted with its server."""
    server = _server(request)
    disk = _disk(request, server)
    asked = request.body().get("volumeAttachment")
    if not isinstance(asked, dict) or asked.get("volumeId") != disk.volume_id:
        raise kernel.Refusal(400, "The volume can be swapped by an admin only; give its own id to change it.")
    disk.delete_on_termination = compute_schema.truth(asked.get("delete_on_termination", False))
    return kernel.Reply(status=202)


def detach_volume(request: http.Request) -> kernel.Reply:
    """Detach a volume from a server."""
    server, cloud = _server(request), request.cloud
    disk = _disk(request, server)
    guard.check(request, server, name="detach_volume", states=_STATES)
    if disk.device == "/dev/vda" and server.image is None:
        raise kernel.Refusal(403, "Cannot detach a root device volume")
    work.log(server, request, name="detach_volume", event="compute_detach_volume")

    def finish() -> None:
        if server.disks.pop(disk.volume_id, None) is not None:
            cloud.volume.detach(volume_id=disk.volume_id, server_id=server.id)
        work.done(cloud, server)

    work.after(cloud, server, (0.1, 0.4), finish)
    return kernel.Reply(status=202)


def _interface(request: http.Request, plug: seams.Plug) -> dict[str, Any]:
    """Return an interface as Nova shows it."""
    body: dict[str, Any] = {
        "net_id": plug.network_id,
        "port_id": plug.port_id,
        "mac_addr": plug.mac,
        "port_state": plug.state,
        "fixed_ips": [{"subnet_id": subnet, "ip_address": address} for address, subnet in plug.fixed],
    }
    if request.version >= (2, 70):
        body["tag"] = None
    return body


def interfaces(request: http.Request) -> kernel.Reply:
    """Answer with a server's interfaces."""
    plugs = request.cloud.network.plugs(_server(request).id)
    return kernel.Reply(body={"interfaceAttachments": [_interface(request, plug) for plug in plugs]})


def _plug(request: http.Request, server: compute_server.Server) -> seams.Plug:
    """Return the interface in the path."""
    port_id = request.params["port"]
    for plug in request.cloud.network.plugs(server.id):
        if plug.port_id == port_id:
            return plug
    raise kernel.Refusal(404, f"Instance {server.id} does not have a port with id {port_id}")


def interface(request: http.Request) -> kernel.Reply:
    """Answer with one of a server's interfaces."""
    return kernel.Reply(body={"interfaceAttachment": _interface(request, _plug(request, _server(request)))})


_INTERFACE = compute_schema.checker(
    compute_schema.obj(
        interfaceAttachment=compute_schema.obj(
            net_id=compute_schema.UUID,
            port_id=compute_schema.UUID,
            tag=compute_schema.TAG,
            fixed_ips={
                "type": "array",
                "minItems": 1,
                "maxItems": 1,
                "items": compute_schema.obj(ip_address=compute_schema.TEXT),
            },
        )
    )
)


def attach_interface(request: http.Request) -> kernel.Reply:
    """Attach an interface to a server."""
    server, cloud, body = _server(request), request.cloud, request.body()
    compute_schema.check(body, _INTERFACE)
    asked = body.get("interfaceAttachment") or {}
    if asked.get("net_id") and asked.get("port_id"):
        raise kernel.Refusal(400, "Must not input both network_id and port_id")
    if asked.get("fixed_ips") and not asked.get("net_id"):
        raise kernel.Refusal(400, "Must input network_id when request IP address")
    guard.check(request, server, name="attach_interface", states=_PLUGGABLE)
    wish = (asked.get("fixed_ips") or [{}])[0].get("ip_address", "")
    nic = seams.Nic(network_id=asked.get("net_id", ""), port_id=asked.get("port_id", ""), fixed_ip=wish)
    given = bool(nic.network_id or nic.port_id)
    nics = cloud.network.resolve(request.caller, nics=[nic] if given else None, groups=[])
    ports = cloud.network.plug(
        server_id=server.id, project_id=server.project_id, nics=nics, groups=[], zone=server.zone
    )
    work.log(server, request, name="attach_interface", event="compute_attach_interface")
    work.done(cloud, server)
    cloud.network.power(server_id=server.id, running=server.running)
    cloud.guests.touch(server.id)
    request.params["port"] = ports[0]
    return kernel.Reply(body={"interfaceAttachment": _interface(request, _plug(request, server))})


def detach_interface(request: http.Request) -> kernel.Reply:
    """Detach an interface from a server."""
    server, cloud = _server(request), request.cloud
    plug = _plug(request, server)
    guard.check(request, server, name="detach_interface", states=_PLUGGABLE)
    work.log(server, request, name="detach_interface", event="compute_detach_interface")

    def finish() -> None:
        cloud.network.unplug(server_id=server.id, port_id=plug.port_id)
        work.done(cloud, server)
        cloud.guests.touch(server.id)

    work.after(cloud, server, (0.05, 0.2), finish)
    return kernel.Reply(status=202)


def groups(request: http.Request) -> kernel.Reply:
    """Answer with a server's security groups."""
    server = _server(request)
    bodies = [
        {
            "id": group["id"],
            "name": group["name"],
            "description": "",
            "tenant_id": server.project_id,
            "rules": [],
        }
        for group in request.cloud.network.groups(server.id)
    ]
    return kernel.Reply(body={"security_groups": bodies})


def _plain(server_addresses: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """Return addresses without what only the server's own view has."""
    return {
        network: [{"version": line["version"], "addr": line["addr"]} for line in lines]
        for network, lines in server_addresses.items()
    }


def addresses(request: http.Request) -> kernel.Reply:
    """Answer with a server's addresses by network."""
    networks = view.addresses(request, request.cloud.network.plugs(_server(request).id))
    return kernel.Reply(body={"addresses": _plain(networks)})


def network_addresses(request: http.Request) -> kernel.Reply:
    """Answer with a server's addresses on one network."""
    networks = view.addresses(request, request.cloud.network.plugs(_server(request).id))
    network = request.params["network"]
    if network not in networks:
        raise kernel.Refusal(404, "Instance is not a member of specified network")
    return kernel.Reply(body=_plain({network: networks[network]}))


ROUTES = (
    http.Route("GET", "/v2.1/servers/{id}/os-volume_attachments", volumes),
    http.Route("POST", "/v2.1/servers/{id}/os-volume_attachments", attach_volume),
    http.Route("GET", "/v2.1/servers/{id}/os-volume_attachments/{volume}", volume),
    http.Route("PUT", "/v2.1/servers/{id}/os-volume_attachments/{volume}", change_volume),
    http.Route("DELETE", "/v2.1/servers/{id}/os-volume_attachments/{volume}", detach_volume),
    http.Route("GET", "/v2.1/servers/{id}/os-interface", interfaces),
    http.Route("POST", "/v2.1/servers/{id}/os-interface", attach_interface),
    http.Route("GET", "/v2.1/servers/{id}/os-interface/{port}", interface),
    http.Route("DELETE", "/v2.1/servers/{id}/os-interface/{port}", detach_interface),
    http.Route("GET", "/v2.1/servers/{id}/os-security-groups", groups),
    http.Route("GET", "/v2.1/servers/{id}/ips", addresses),
    http.Route("GET", "/v2.1/servers/{id}/ips/{network}", network_addresses),
)
