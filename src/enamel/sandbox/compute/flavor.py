"""Flavors over HTTP."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from enamel.sandbox import http, kernel
from enamel.sandbox.compute import schema, server, view

_NEW = schema.checker(
    schema.obj(
        ("flavor",),
        flavor={
            "type": "object",
            "properties": {
                "name": schema.NAME,
                "id": {"type": ["string", "number", "null"], "maxLength": 255},
                "ram": schema.POSITIVE,
                "vcpus": schema.POSITIVE,
                "disk": schema.COUNT,
                "OS-FLV-EXT-DATA:ephemeral": schema.COUNT,
                "swap": schema.COUNT,
                "rxtx_factor": {"type": ["number", "string"]},
                "os-flavor-access:is_public": schema.BOOLEAN,
                "description": {"type": ["string", "null"]},
            },
            "required": ["name", "ram", "vcpus", "disk"],
            "additionalProperties": False,
        },
    )
)
_DESCRIPTION = schema.checker(
    schema.obj(("flavor",), flavor=schema.obj(("description",), description={"type": ["string", "null"]}))
)


def _shown(request: http.Request, flavor: server.Flavor) -> dict[str, Any]:
    """Return a flavor as Nova shows it."""
    body: dict[str, Any] = {
        "id": flavor.id,
        "name": flavor.name,
        "ram": flavor.ram,
        "disk": flavor.disk,
        "swap": flavor.swap if flavor.swap or request.version >= (2, 75) else "",
        "OS-FLV-EXT-DATA:ephemeral": flavor.ephemeral,
        "OS-FLV-DISABLED:disabled": False,
        "vcpus": flavor.vcpus,
        "os-flavor-access:is_public": flavor.public,
        "rxtx_factor": flavor.rxtx_factor,
        "links": view.links(request, "flavors", flavor.id),
    }
    if request.version >= (2, 55):
        body["description"] = flavor.description
    if request.version >= (2, 61):
        body["extra_specs"] = flavor.extra_specs
    return body


def _visible(request: http.Request) -> list[server.Flavor]:
    """Return the flavors the query asks for, smallest id first."""
    nova, caller = request.cloud.compute, request.caller
    least_ram, least_disk = request.first("minRam"), request.first("minDisk")
    for name, text in (("min_ram", least_ram), ("min_disk", least_disk)):
        if text is not None and not text.isdigit():
            raise kernel.Refusal(400, f"Invalid {name} filter [{text}]")
    public = (request.first("is_public") or "").lower()
    flavors = [
        flavor
        for flavor in nova.flavors.values()
        if (
            flavor.public
            or caller.project_id in flavor.access
            or (caller.admin and public in ("none", "false"))
        )
        and not (caller.admin and public == "false" and flavor.public)
        and flavor.ram >= int(least_ram or 0)
        and flavor.disk >= int(least_disk or 0)
    ]
    marker = request.first("marker")
    if marker is not None:
        places = [number for number, flavor in enumerate(flavors) if flavor.id == marker]
        if not places:
            raise kernel.Refusal(400, f"marker [{marker}] not found")
        flavors = flavors[places[0] + 1 :]
    return flavors[: _limit(request)]


def _limit(request: http.Request) -> int:
    """Return the size of a page."""
    limit, most = request.first("limit"), request.cloud.settings.page
    return min(int(limit), most) if limit and limit.isdigit() else most


def _page(request: http.Request, shown: list[dict[str, Any]]) -> kernel.Reply:
    """Answer with a page of flavors, and the link to the next one where it is full."""
    body: dict[str, Any] = {"flavors": shown}
    if shown and len(shown) == _limit(request):
        query = [(name, value) for name, value in request.query if name != "marker"]
        href = f"{request.root}{request.path}?{urlencode([*query, ('marker', shown[-1]['id'])])}"
        body["flavors_links"] = [{"rel": "next", "href": href}]
    return kernel.Reply(body=body)


def brief(request: http.Request) -> kernel.Reply:
    """Answer with flavors by id and name."""
    flavors = []
    for flavor in _visible(request):
        body = _shown(request, flavor)
        kept = (
            ("id", "name", "links", "description") if request.version >= (2, 55) else ("id", "name", "links")
        )
        flavors.append({key: body[key] for key in kept})
    return _page(request, flavors)


def detailed(request: http.Request) -> kernel.Reply:
    """Answer with flavors and their numbers."""
    return _page(request, [_shown(request, flavor) for flavor in _visible(request)])


def _flavor(request: http.Request) -> server.Flavor:
    """Return the flavor in the path."""
    flavor = request.cloud.compute.find_flavor(request.caller, request.params["id"])
    if flavor is None:
        raise kernel.Refusal(404, f"Flavor {request.params['id']} could not be found.")
    return flavor


def show(request: http.Request) -> kernel.Reply:
    """Answer with one flavor."""
    return kernel.Reply(body={"flavor": _shown(request, _flavor(request))})


def _admin(request: http.Request, rule: str) -> None:
    """Refuse everyone but an admin."""
    if not request.caller.admin:
        raise kernel.Refusal(403, f"Policy doesn't allow os_compute_api:{rule} to be performed.")


def create(request: http.Request) -> kernel.Reply:
    """Create a flavor."""
    _admin(request, "os-flavor-manage:create")
    body = request.body()
    schema.check(body, _NEW)
    asked, nova = body["flavor"], request.cloud.compute
    flavor_id = asked.get("id")
    flavor = server.Flavor(
        id=request.cloud.new_id() if flavor_id in (None, "auto", "") else str(flavor_id),
        name=asked["name"],
        vcpus=int(asked["vcpus"]),
        ram=int(asked["ram"]),
        disk=int(asked["disk"]),
        ephemeral=int(asked.get("OS-FLV-EXT-DATA:ephemeral", 0)),
        swap=int(asked.get("swap", 0)),
        rxtx_factor=float(asked.get("rxtx_factor", 1.0)),
        public=schema.truth(asked.get("os-flavor-access:is_public", True)),
        description=asked.get("description"),
    )
    if flavor.id in nova.flavors:
        raise kernel.Refusal(409, f"Flavor with ID {flavor.id} already exists.")
    if any(flavor.name == known.name for known in nova.flavors.values()):
        raise kernel.Refusal(409, f"Flavor with name {flavor.name} already exists.")
    nova.flavors[flavor.id] = flavor
    return kernel.Reply(body={"flavor": _shown(request, flavor)})


def describe(request: http.Request) -> kernel.Reply:
    """Change a flavor's description, its only mutable attribute."""
    _admin(request, "os-flavor-manage:update")
    if request.version < (2, 55):
        raise kernel.Refusal(404, "The resource could not be found.")
    body = request.body()
    schema.check(body, _DESCRIPTION)
    flavor = _flavor(request)
    flavor.description = body["flavor"]["description"]
    return kernel.Reply(body={"flavor": _shown(request, flavor)})


def delete(request: http.Request) -> kernel.Reply:
    """Delete a flavor; existing servers keep it."""
    _admin(request, "os-flavor-manage:delete")
    del request.cloud.compute.flavors[_flavor(request).id]
    return kernel.Reply(status=202)


def specs(request: http.Request) -> kernel.Reply:
    """Answer with a flavor's extra specs."""
    return kernel.Reply(body={"extra_specs": _flavor(request).extra_specs})


def add_specs(request: http.Request) -> kernel.Reply:
    """Add extra specs to a flavor."""
    _admin(request, "os-flavor-extra-specs:create")
    specs = request.body().get("extra_specs")
    if not isinstance(specs, dict) or not all(
        isinstance(value, str | int | float) for value in specs.values()
    ):
        raise kernel.Refusal(400, "'extra_specs' is a required property")
    flavor = _flavor(request)
    flavor.extra_specs = flavor.extra_specs | {key: str(value) for key, value in specs.items()}
    return kernel.Reply(body={"extra_specs": flavor.extra_specs})


def drop_spec(request: http.Request) -> kernel.Reply:
    """Delete an extra spec of a flavor."""
    _admin(request, "os-flavor-extra-specs:delete")
    flavor, key = _flavor(request), request.params["key"]
    if key not in flavor.extra_specs:
        raise kernel.Refusal(404, f"Flavor {flavor.id} has no extra specs with key {key}.")
    flavor.extra_specs = {name: value for name, value in flavor.extra_specs.items() if name != key}
    return kernel.Reply()


def access(request: http.Request) -> kernel.Reply:
    """Answer with the projects that have access to a private flavor."""
    _admin(request, "os-flavor-access")
    return _access(_flavor(request))


def _access(flavor: server.Flavor) -> kernel.Reply:
    """Return the projects that have access to a private flavor."""
    if flavor.public:
        raise kernel.Refusal(404, "Access list not available for public flavors.")
    lines = [{"flavor_id": flavor.id, "tenant_id": project_id} for project_id in sorted(flavor.access)]
    return kernel.Reply(body={"flavor_access": lines})


def action(request: http.Request) -> kernel.Reply:
    """Change a project's access to a private flavor."""
    body = request.body()
    for name, rule, change in (
        ("addTenantAccess", "add_tenant_access", _admit),
        ("removeTenantAccess", "remove_tenant_access", _shut_out),
    ):
        asked = body.get(name)
        if isinstance(asked, dict) and isinstance(asked.get("tenant"), str):
            _admin(request, f"os-flavor-access:{rule}")
            flavor, project_id = _flavor(request), asked["tenant"]
            if project_id not in request.cloud.identity.projects:
                raise kernel.Refusal(400, f"Project ID {project_id} is not a valid project.")
            if name == "addTenantAccess" and flavor.public and request.version >= (2, 7):
                raise kernel.Refusal(409, "Can not add access to a public flavor.")
            change(flavor, project_id)
            return _access(flavor)
    raise kernel.Refusal(400, "There is no such action.")


def _admit(flavor: server.Flavor, project_id: str) -> None:
    """Give a project access to a flavor."""
    if project_id in flavor.access:
        raise kernel.Refusal(
            409,
            f"Flavor access already exists for flavor {flavor.id} and project {project_id} combination.",
        )
    flavor.access.add(project_id)


def _shut_out(flavor: server.Flavor, project_id: str) -> None:
    """Remove a project's access to a flavor."""
    if project_id not in flavor.access:
        raise kernel.Refusal(404, f"Flavor access not found for {flavor.id} / {project_id} combination.")
    flavor.access.discard(project_id)


ROUTES = (
    http.Route("GET", "/v2.1/flavors", brief),
    http.Route("POST", "/v2.1/flavors", create),
    http.Route("GET", "/v2.1/flavors/detail", detailed),
    http.Route("GET", "/v2.1/flavors/{id}", show),
    http.Route("PUT", "/v2.1/flavors/{id}", describe),
    http.Route("DELETE", "/v2.1/flavors/{id}", delete),
    http.Route("GET", "/v2.1/flavors/{id}/os-extra_specs", specs),
    http.Route("POST", "/v2.1/flavors/{id}/os-extra_specs", add_specs),
    http.Route("DELETE", "/v2.1/flavors/{id}/os-extra_specs/{key}", drop_spec),
    http.Route("GET", "/v2.1/flavors/{id}/os-flavor-access", access),
    http.Route("POST", "/v2.1/flavors/{id}/action", action),
)
