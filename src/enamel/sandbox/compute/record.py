"""What Nova reports beside its resources: versions, zones, action logs, diagnostics, consoles."""

from __future__ import annotations

from typing import Any

from enamel.sandbox import http, kernel
from enamel.sandbox.compute import schema, view
from enamel.sandbox.compute import server as compute_server

_UPDATED = "2013-07-23T11:33:21Z"


def versions(request: http.Request) -> kernel.Reply:
    """Answer with all versions."""
    old = {
        "id": "v2.0",
        "status": "DEPRECATED" if request.cloud.era.compute else "CURRENT",
        "version": "",
        "min_version": "",
        "updated": "2025-07-04T12:00:00Z",
        "links": [{"rel": "self", "href": f"{request.root}/v2/"}],
    }
    documents = [old, _document(request)] if request.cloud.era.compute else [old]
    return kernel.Reply(body={"versions": documents})


def version(request: http.Request) -> kernel.Reply:
    """Answer with the version."""
    document = _document(request)
    document["links"].append(
        {"rel": "describedby", "type": "text/html", "href": "http://docs.openstack.org/"}
    )
    document["media-types"] = [
        {
            "base": "application/json",
            "type": f"application/vnd.openstack.compute+json;version={document['id'][1:]}",
        }
    ]
    return kernel.Reply(body={"version": document})


def _document(request: http.Request) -> dict[str, Any]:
    """Return the newest version's document."""
    known = request.cloud.era.compute
    if known is None:
        names = {"id": "v2.0"}
    else:
        lowest, highest = (f"{major}.{minor}" for major, minor in known)
        names = {"id": "v2.1", "version": highest, "min_version": lowest}
    place = "v2.1" if known else "v2"
    links = [{"rel": "self", "href": f"{request.root}/{place}/"}]
    return {**names, "status": "CURRENT", "updated": _UPDATED, "links": links}


def zones(request: http.Request) -> kernel.Reply:
    """Answer with the availability zones."""
    zones = [
        {"zoneName": zone, "zoneState": {"available": True}, "hosts": None}
        for zone in sorted(set(request.cloud.compute.hosts.values()))
    ]
    return kernel.Reply(body={"availabilityZoneInfo": zones})


def zone_details(request: http.Request) -> kernel.Reply:
    """Answer an admin with the availability zones and their hosts."""
    if not request.caller.admin:
        raise kernel.Refusal(
            403, "Policy doesn't allow os_compute_api:os-availability-zone:detail to be performed."
        )
    nova, now = request.cloud.compute, view.long_time(request.cloud.now())

    def alive(*services: str) -> dict[str, Any]:
        return {service: {"active": True, "available": True, "updated_at": now} for service in services}

    details: list[dict[str, Any]] = [
        {
            "zoneName": "internal",
            "zoneState": {"available": True},
            "hosts": {"controller": alive("nova-conductor", "nova-scheduler")},
        }
    ]
    details += [
        {
            "zoneName": zone,
            "zoneState": {"available": True},
            "hosts": {host: alive("nova-compute") for host, place in nova.hosts.items() if place == zone},
        }
        for zone in sorted(set(nova.hosts.values()))
    ]
    return kernel.Reply(body={"availabilityZoneInfo": details})


def _server(request: http.Request) -> compute_server.Server:
    """Return the server in the path."""
    return request.cloud.compute.find(request.caller, request.params["id"])


def _action(
    request: http.Request, server: compute_server.Server, action: compute_server.Action
) -> dict[str, Any]:
    """Return a line of an action log."""
    body = {
        "action": action.name,
        "instance_uuid": server.id,
        "request_id": action.request_id,
        "user_id": action.user_id,
        "project_id": action.project_id,
        "start_time": view.long_time(action.started),
        "message": action.message,
    }
    if request.version >= (2, 58):
        body["updated_at"] = view.long_time(action.updated)
    return body


def _logged(request: http.Request) -> compute_server.Server:
    """Return the server in the path, even a deleted one from 2.21."""
    nova, server_id = request.cloud.compute, request.params["id"]
    if request.version >= (2, 21) and server_id not in nova.servers:
        for server in nova.gone.get(request.caller.project_id, []):
            if server.id == server_id:
                return server
    return _server(request)


def actions(request: http.Request) -> kernel.Reply:
    """Answer with a server's action log, latest first."""
    server = _logged(request)
    bodies = [_action(request, server, action) for action in reversed(server.actions)]
    return kernel.Reply(body={"instanceActions": bodies})


def action(request: http.Request) -> kernel.Reply:
    """Answer with one line of a server's action log and its events."""
    server = _logged(request)
    request_id = request.params["request"]
    line = next((action for action in server.actions if action.request_id == request_id), None)
    if line is None:
        raise kernel.Refusal(404, f"Action for request_id {request_id} on instance {server.id} not found")
    body = _action(request, server, line)
    if request.version >= (2, 51) or request.caller.admin:
        event: dict[str, Any] = {
            "event": line.event,
            "start_time": view.long_time(line.started),
            "finish_time": view.long_time(line.finished),
            "result": None if line.finished is None else "Error" if line.message else "Success",
        }
        if request.caller.admin:
            event["traceback"] = None
        if request.version >= (2, 62):
            event["hostId"] = ""
        if request.version >= (2, 84):
            event["details"] = line.message
        body["events"] = [event]
    return kernel.Reply(body={"instanceAction": body})


def diagnostics(request: http.Request) -> kernel.Reply:
    """Answer an admin with what the hypervisor measures."""
    if not request.caller.admin:
        raise kernel.Refusal(
            403, "Policy doesn't allow os_compute_api:os-server-diagnostics to be performed."
        )
    server = _server(request)
    if server.vm_state != "active":
        raise kernel.Refusal(
            409, f"Cannot 'get_diagnostics' instance {server.id} while it is in vm_state {server.vm_state}"
        )
    uptime = int((request.cloud.now() - (server.launched or server.created)).total_seconds())
    body = {
        "state": "running",
        "driver": "libvirt",
        "hypervisor": "kvm",
        "hypervisor_os": "sandbox",
        "uptime": uptime,
        "config_drive": bool(server.config_drive),
        "num_cpus": server.flavor.vcpus,
        "num_nics": len(request.cloud.network.plugs(server.id)),
        "num_disks": 1 + len(server.disks),
        "cpu_details": [{"id": 0, "time": uptime * 1_000_000_000, "utilisation": 5}],
        "memory_details": {"maximum": server.flavor.ram, "used": server.flavor.ram // 4},
        "nic_details": [],
        "disk_details": [],
    }
    return kernel.Reply(body=body)


_CONSOLES = {"vnc": ("novnc", "xvpvnc"), "spice": ("spice-html5",), "serial": ("serial",), "mks": ("webmks",)}
_CONSOLE = schema.checker(
    schema.obj(
        ("remote_console",),
        remote_console={
            "type": "object",
            "properties": {
                "protocol": {"enum": ["vnc", "spice", "serial", "mks"]},
                "type": {"enum": ["novnc", "xvpvnc", "spice-html5", "serial", "webmks"]},
            },
            "required": ["protocol", "type"],
            "additionalProperties": False,
        },
    )
)


def console(request: http.Request) -> kernel.Reply:
    """Answer with the URL of a server's console, which nothing serves."""
    server, body = _server(request), request.body()
    schema.check(body, _CONSOLE)
    asked = body["remote_console"]
    if asked["protocol"] != "vnc":
        raise kernel.Refusal(400, f"Unavailable console type {asked['type']}.")
    if asked["type"] not in _CONSOLES[asked["protocol"]]:
        raise kernel.Refusal(400, "Invalid console type")
    if server.host is None or server.launched is None:
        raise kernel.Refusal(409, "Instance not yet ready")
    url = f"http://127.0.0.1:6080/vnc_lite.html?path=%3Ftoken%3D{request.cloud.new_id()}"
    answer = {"protocol": asked["protocol"], "type": asked["type"], "url": url}
    return kernel.Reply(body={"remote_console": answer})


def extensions(request: http.Request) -> kernel.Reply:
    """Answer with the extensions that old clients ask for."""
    bodies = [
        {
            "name": name,
            "alias": name,
            "description": "",
            "links": [],
            "namespace": "http://docs.openstack.org/compute/ext/fake_xml",
            "updated": "2014-12-03T00:00:00Z",
        }
        for name in request.cloud.era.extensions
    ]
    return kernel.Reply(body={"extensions": bodies})


ROUTES = (
    http.Route("GET", "/", versions, open=True),
    http.Route("GET", "/v2.1", version, open=True),
    http.Route("GET", "/v2.1/extensions", extensions),
    http.Route("GET", "/v2.1/os-availability-zone", zones),
    http.Route("GET", "/v2.1/os-availability-zone/detail", zone_details),
    http.Route("GET", "/v2.1/servers/{id}/os-instance-actions", actions),
    http.Route("GET", "/v2.1/servers/{id}/os-instance-actions/{request}", action),
    http.Route("GET", "/v2.1/servers/{id}/diagnostics", diagnostics),
    http.Route("POST", "/v2.1/servers/{id}/remote-consoles", console),
)
