"""Volume types over HTTP."""

from __future__ import annotations

from enamel.sandbox import http, kernel, table
from enamel.sandbox.volume import body, state, type_table
from enamel.sandbox.volume import listing as paging


def listing(request: http.Request) -> kernel.Reply:
    """List types, newest first by default."""
    types = state.of(request).types.values()
    rows = [row for row in types if row["is_public"] or request.caller.admin]
    page, links = paging.paged(request, rows, word="volume_types")
    body: kernel.Json = {"volume_types": [_view(request, row) for row in page]}
    if links:
        body["volume_type_links"] = links
    return kernel.Reply(body=body)


def show(request: http.Request) -> kernel.Reply:
    """Show a type."""
    return kernel.Reply(body={"volume_type": _view(request, _named(request))})


def show_default(request: http.Request) -> kernel.Reply:
    """Show the default type."""
    body = _view(request, type_table.default(state.of(request).types))
    del body["os-volume-type-access:is_public"]
    return kernel.Reply(body={"volume_type": body})


def create(request: http.Request) -> kernel.Reply:
    """Create a type."""
    _administrators(request, "volume_extension:type_create")
    volumes = state.of(request)
    wish = request.body().get("volume_type")
    if not isinstance(wish, dict) or not isinstance(wish.get("name"), str) or not wish["name"].strip():
        raise kernel.Refusal(400, "Invalid input for field/attribute name: a name is required.")
    if any(row["name"] == wish["name"] for row in volumes.types.values()):
        raise kernel.Refusal(409, f"Volume Type {wish['name']} already exists.")
    row = type_table.new(
        request.cloud,
        wish["name"],
        description=wish.get("description"),
        specs=dict(body.metadata(wish.get("extra_specs") or {})),
        public=bool(wish.get("os-volume-type-access:is_public", True)),
    )
    volumes.types[row["id"]] = row
    return kernel.Reply(body={"volume_type": _view(request, row)})


def update(request: http.Request) -> kernel.Reply:
    """Change a type's name or description."""
    _administrators(request, "volume_extension:type_update")
    row = _named(request)
    wish = request.body().get("volume_type")
    if not isinstance(wish, dict):
        raise kernel.Refusal(400, "'volume_type' is a required property")
    row.update({name: wish[name] for name in ("name", "description", "is_public") if name in wish})
    return kernel.Reply(body={"volume_type": _view(request, row)})


def delete(request: http.Request) -> kernel.Reply:
    """Delete a type that no volume has."""
    _administrators(request, "volume_extension:type_delete")
    volumes = state.of(request)
    row = _named(request)
    if any(volume["type_id"] == row["id"] for volume in volumes.volumes):
        raise kernel.Refusal(400, "Target volume type is still in use.")
    del volumes.types[row["id"]]
    return kernel.Reply(status=202)


def specs(request: http.Request) -> kernel.Reply:
    """List a type's extra specs."""
    return kernel.Reply(body={"extra_specs": _named(request)["extra_specs"]})


def set_specs(request: http.Request) -> kernel.Reply:
    """Set extra specs of a type."""
    _administrators(request, "volume_extension:types_extra_specs:create")
    wish = request.body().get("extra_specs")
    if not isinstance(wish, dict) or not all(isinstance(value, str) for value in wish.values()):
        raise kernel.Refusal(400, "'extra_specs' is a required property: an object of strings.")
    _named(request)["extra_specs"].update(wish)
    return kernel.Reply(body={"extra_specs": wish})


def unset_spec(request: http.Request) -> kernel.Reply:
    """Delete an extra spec of a type."""
    _administrators(request, "volume_extension:types_extra_specs:delete")
    row, key = _named(request), request.params["key"]
    if row["extra_specs"].pop(key, None) is None:
        raise kernel.Refusal(404, f"Volume Type {row['id']} has no extra specs with key {key}.")
    return kernel.Reply(status=202)


def _view(request: http.Request, row: table.Row) -> table.Row:
    """Return a type as it is shown: without the admin role, only the user-visible extra specs."""
    body = dict(row)
    if request.caller.admin:
        body["qos_specs_id"] = None
    else:
        body["extra_specs"] = {
            key: value
            for key, value in row["extra_specs"].items()
            if key in ("multiattach", "RESKEY:availability_zones")
        }
    body["os-volume-type-access:is_public"] = row["is_public"]
    return body


def _named(request: http.Request) -> table.Row:
    """Return the type a request names by its id, or refuse."""
    row = state.of(request).types.get(request.params["id"])
    if row is None or not (row["is_public"] or request.caller.admin):
        raise kernel.Refusal(404, f"Volume type {request.params['id']} could not be found.")
    return row


def _administrators(request: http.Request, rule: str) -> None:
    """Refuse what only administrators may do."""
    if not request.caller.admin:
        raise kernel.Refusal(403, f"Policy doesn't allow {rule} to be performed.")
