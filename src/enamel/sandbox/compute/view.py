"""Servers as Nova shows them, at each microversion."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

from enamel.sandbox import http, seams
from enamel.sandbox.compute import server as compute_server


def time(moment: datetime | None) -> str | None:
    """Return a time as Nova writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None


def long_time(moment: datetime | None) -> str | None:
    """Return a time with microseconds, as Nova's extensions write it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f") if moment else None


def _whole_seconds(moment: datetime | None) -> str | None:
    """Return a time as Nova's database keeps it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000000") if moment else None


def links(request: http.Request, kind: str, item_id: str) -> list[dict[str, str]]:
    """Return the two links every resource has."""
    root = request.root
    return [
        {"rel": "self", "href": f"{root}/v2.1/{kind}/{item_id}"},
        {"rel": "bookmark", "href": f"{root}/{kind}/{item_id}"},
    ]


def brief(request: http.Request, server: compute_server.Server) -> dict[str, Any]:
    """Return a server as the short list shows it."""
    return {"id": server.id, "name": server.name, "links": links(request, "servers", server.id)}


def detailed(request: http.Request, server: compute_server.Server, *, single: bool = False) -> dict[str, Any]:
    """Return a server as the detailed list shows it, or with the attributes that only a single one has."""
    version = request.version
    # Nova (seen with 2026.2) updates its cache of addresses late: ports exist and Neutron lists them long before Nova shows them.
    built = server.vm_state not in ("building", "deleted")
    plugs = request.cloud.network.plugs(server.id) if built else []
    body: dict[str, Any] = {
        "id": server.id,
        "name": server.name,
        "status": server.status,
        "tenant_id": server.project_id,
        "user_id": server.user_id,
        "metadata": server.metadata,
        "hostId": _host_id(server),
        "image": _image(request, server.image),
        "flavor": _flavor(request, server.flavor),
        "created": time(server.created),
        "updated": time(server.updated),
        "addresses": addresses(request, plugs),
        "accessIPv4": server.access_v4,
        "accessIPv6": server.access_v6,
        "links": links(request, "servers", server.id),
        "OS-DCF:diskConfig": server.disk_config,
    }
    if server.status in ("ACTIVE", "BUILD", "REBUILD", "RESIZE", "VERIFY_RESIZE", "MIGRATING"):
        body["progress"] = 0
    if server.fault is not None and server.status in ("ERROR", "DELETED"):
        body["fault"] = _fault(request, server.fault)
    body["OS-EXT-AZ:availability_zone"] = server.zone
    body["config_drive"] = server.config_drive
    body["key_name"] = server.key_name
    body["OS-SRV-USG:launched_at"] = _whole_seconds(server.launched)
    body["OS-SRV-USG:terminated_at"] = _whole_seconds(server.terminated)
    if server.vm_state != "deleted":
        names = [{"name": group["name"]} for group in request.cloud.network.groups(server.id)]
        if names:
            body["security_groups"] = names
    if request.caller.admin:
        body |= _admins(request, server)
    elif version >= (2, 90):
        body["OS-EXT-SRV-ATTR:hostname"] = server.hostname
    body["OS-EXT-STS:task_state"] = server.task_state
    body["OS-EXT-STS:vm_state"] = server.vm_state
    body["OS-EXT-STS:power_state"] = server.power_state
    body["os-extended-volumes:volumes_attached"] = [
        {"id": disk.volume_id}
        | ({"delete_on_termination": disk.delete_on_termination} if version >= (2, 3) else {})
        for disk in server.disks.values()
    ]
    body |= _newer(request, server, single=single)
    untold = request.cloud.era.untold
    return {name: value for name, value in body.items() if name not in untold} if untold else body


def _newer(request: http.Request, server: compute_server.Server, *, single: bool) -> dict[str, Any]:
    """Return the attributes that later microversions added."""
    version = request.version
    body: dict[str, Any] = {}
    if version >= (2, 9):
        body["locked"] = server.locked_by is not None
    if version >= (2, 19):
        body["description"] = server.description
    if version >= (2, 26):
        body["tags"] = server.tags
    if version >= (2, 63):
        body["trusted_image_certificates"] = None
    if version >= (2, 71) and single:
        body["server_groups"] = [server.group_id] if server.group_id else []
    if version >= (2, 73):
        body["locked_reason"] = server.locked_reason
    if version >= (2, 96):
        body["pinned_availability_zone"] = server.pinned_zone or ""
    if version >= (2, 100):
        body["scheduler_hints"] = server.hints
    return body


def _admins(request: http.Request, server: compute_server.Server) -> dict[str, Any]:
    """Return the attributes that only an admin sees."""
    body: dict[str, Any] = {
        "OS-EXT-SRV-ATTR:host": server.host,
        "OS-EXT-SRV-ATTR:instance_name": f"instance-{server.id[:8]}",
        "OS-EXT-SRV-ATTR:hypervisor_hostname": server.host,
    }
    if request.version >= (2, 3):
        body |= {
            "OS-EXT-SRV-ATTR:reservation_id": server.reservation_id,
            "OS-EXT-SRV-ATTR:launch_index": server.launch_index,
            "OS-EXT-SRV-ATTR:hostname": server.hostname,
            "OS-EXT-SRV-ATTR:kernel_id": "",
            "OS-EXT-SRV-ATTR:ramdisk_id": "",
            "OS-EXT-SRV-ATTR:root_device_name": "/dev/vda",
            "OS-EXT-SRV-ATTR:user_data": server.user_data,
        }
    if request.version >= (2, 16):
        body["host_status"] = "UP" if server.host else ""
    return body


def addresses(request: http.Request, plugs: list[seams.Plug]) -> dict[str, list[dict[str, Any]]]:
    """Return a server's addresses by network, each fixed one followed by its floating ones."""
    networks: dict[str, list[dict[str, Any]]] = {}
    for plug in plugs:
        lines = networks.setdefault(plug.network, [])
        for kind, texts in (("fixed", [address for address, _ in plug.fixed]), ("floating", plug.floating)):
            lines.extend(
                {
                    "version": 6 if ":" in text else 4,
                    "addr": text,
                    "OS-EXT-IPS:type": kind,
                    "OS-EXT-IPS-MAC:mac_addr": plug.mac,
                }
                for text in texts
            )
    untold = request.cloud.era.untold
    if untold:
        for network, lines in networks.items():
            networks[network] = [
                {name: value for name, value in line.items() if name not in untold} for line in lines
            ]
    return networks


def _host_id(server: compute_server.Server) -> str:
    """Return an opaque id of the host (`hostId`)."""
    if server.host is None:
        return ""
    return hashlib.sha224(f"{server.project_id}{server.host}".encode()).hexdigest()


def _image(request: http.Request, image: seams.Image | None) -> dict[str, Any] | str:
    """Return the image a server was made from."""
    if image is None:
        return ""
    href = f"{request.root}/images/{image.id}"
    body: dict[str, Any] = {"id": image.id, "links": [{"rel": "bookmark", "href": href}]}
    if request.version >= (2, 98):
        body["properties"] = image.properties
    return body


def _flavor(request: http.Request, flavor: compute_server.Flavor) -> dict[str, Any]:
    """Return a server's flavor: a link at first, the numbers themselves from 2.47."""
    if request.version < (2, 47):
        href = f"{request.root}/flavors/{flavor.id}"
        return {"id": flavor.id, "links": [{"rel": "bookmark", "href": href}]}
    return {
        "vcpus": flavor.vcpus,
        "ram": flavor.ram,
        "disk": flavor.disk,
        "ephemeral": flavor.ephemeral,
        "swap": flavor.swap,
        "original_name": flavor.name,
        "extra_specs": flavor.extra_specs,
    }


def _fault(request: http.Request, fault: tuple[int, str, datetime]) -> dict[str, Any]:
    """Return the fault, with details only for an admin or when the code is not 500."""
    code, message, moment = fault
    body = {"code": code, "created": time(moment), "message": message}
    if request.caller.admin or code != 500:
        body["details"] = message
    return body
