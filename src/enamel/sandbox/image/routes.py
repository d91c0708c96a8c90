"""The sandbox's Glance: images, their data, tags and members."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from enamel.sandbox import http, kernel
from enamel.sandbox.http import Route
from enamel.sandbox.image import body as image_body
from enamel.sandbox.image import listing, member, state, v1

IMPORT_METHODS = ("glance-direct",)
OCTETS = "application/octet-stream"
PAGE = "page"
"""The kind of a refusal that is rendered as an HTML page."""


def versions(request: http.Request) -> kernel.Reply:
    """List the versions of the API."""
    known = request.cloud.era.image
    documents = [
        {
            "id": version,
            "status": "CURRENT" if version == known[0] else "SUPPORTED",
            "links": [{"rel": "self", "href": f"{request.root}/{version.partition('.')[0]}/"}],
        }
        for version in known
    ]
    return kernel.Reply(
        status=200 if request.path.startswith("/versions") else 300, body={"versions": documents}
    )


def create(request: http.Request) -> kernel.Reply:
    """Create an image without data."""
    wish, properties = image_body.created(request)
    record = state.of(request).make(owner=request.caller.project_id, wish=wish, properties=properties)
    headers = {
        "Location": f"{request.root}/v2/images/{record.base['id']}",
        "OpenStack-image-import-methods": ",".join(IMPORT_METHODS),
        "OpenStack-image-store-ids": "files",
    }
    return kernel.Reply(status=201, body=record.shown(), headers=headers)


def show(request: http.Request) -> kernel.Reply:
    """Show an image."""
    return kernel.Reply(body=state.named(request).shown())


def update(request: http.Request) -> kernel.Reply:
    """Patch an image."""
    record = state.owned(request, action="modify_image")
    record.base, record.properties = image_body.patched(request, record)
    record.base["updated_at"] = state.of(request).stamp()
    return kernel.Reply(body=record.shown())


def delete(request: http.Request) -> kernel.Reply:
    """Delete an image that is not protected."""
    images = state.of(request)
    if request.params["id"] not in images.records:
        raise kernel.Refusal(404, f"Failed to find image {request.params['id']} to delete")
    record = state.owned(request, action="delete_image")
    if record.base["protected"]:
        raise kernel.Refusal(403, f"Image {record.base['id']} is protected and cannot be deleted.")
    del images.records[record.base["id"]]
    return kernel.Reply(status=204)


def upload(request: http.Request) -> kernel.Reply:
    """Upload an image's data."""
    record = _receivable(request, status="saving")
    state.of(request).fill(record, request.content)
    return kernel.Reply(status=204)


def download(request: http.Request) -> kernel.Reply:
    """Download an image's data."""
    record = state.named(request)
    if record.base["status"] == "deactivated" and not request.caller.admin:
        raise kernel.Refusal(
            403, "The requested image has been deactivated. Image data download is forbidden."
        )
    if not record.data:
        return kernel.Reply(status=204)
    return kernel.Reply(body=record.data, media=OCTETS, headers={"Content-MD5": record.base["checksum"]})


def stage(request: http.Request) -> kernel.Reply:
    """Stage data for an import."""
    record = _receivable(request, status="uploading")
    record.staged = request.content
    record.base.update(status="uploading", size=len(record.staged))
    return kernel.Reply(status=204)


def load(request: http.Request) -> kernel.Reply:
    """Import the staged data."""
    images = state.of(request)
    record = state.owned(request, action="import_image")
    method = request.body().get("method")
    name = method.get("name") if isinstance(method, dict) else None
    if name not in IMPORT_METHODS:
        raise kernel.Refusal(400, f"Unknown import method name '{name}'.")
    if record.base["status"] != "uploading":
        raise kernel.Refusal(
            409,
            f"Image needs to be in 'uploading' state to use glance-direct method: it is {record.base['status']}.",
        )
    now = images.stamp()
    task = {
        "id": images.cloud.new_id(),
        "type": "api_image_import",
        "status": "processing",
        "owner": record.base["owner"],
        "image_id": record.base["id"],
        "user_id": request.caller.user_id,
        "created_at": now,
        "updated_at": now,
        "message": "",
    }
    record.tasks.append(task)
    record.base["status"] = "importing"

    def arrive() -> None:
        images.fill(record, record.staged)
        record.staged = b""
        task.update(status="success", updated_at=images.stamp())

    images.cloud.later(images.cloud.between(0.1, 0.4), arrive)
    return kernel.Reply(status=202)


def tasks(request: http.Request) -> kernel.Reply:
    """List an image's imports."""
    return kernel.Reply(body={"tasks": state.named(request).tasks})


def deactivate(request: http.Request) -> kernel.Reply:
    """Deactivate an image."""
    return _switch(request, from_status="active", to_status="deactivated")


def reactivate(request: http.Request) -> kernel.Reply:
    """Reactivate an image."""
    return _switch(request, from_status="deactivated", to_status="active")


def tag(request: http.Request) -> kernel.Reply:
    """Add a tag to an image."""
    record = state.owned(request, action="modify_image")
    record.base["tags"] = sorted({*record.base["tags"], request.params["tag"]})
    return kernel.Reply(status=204)


def untag(request: http.Request) -> kernel.Reply:
    """Remove a tag from an image."""
    record = state.owned(request, action="modify_image")
    if request.params["tag"] not in record.base["tags"]:
        raise kernel.Refusal(404, "The resource could not be found.")
    record.base["tags"] = [tag for tag in record.base["tags"] if tag != request.params["tag"]]
    return kernel.Reply(status=204)


def import_methods(request: http.Request) -> kernel.Reply:
    """List the import methods."""
    described = {"description": "Import methods available.", "type": "array", "value": list(IMPORT_METHODS)}
    return kernel.Reply(body={"import-methods": described})


def stores(request: http.Request) -> kernel.Reply:
    """List the stores."""
    return kernel.Reply(body={"stores": [{"id": "files", "default": "true"}]})


def schema(request: http.Request) -> kernel.Reply:
    """Describe an image, a member, or a list of either."""
    name = request.params["name"]
    single = {"image": _IMAGE_SCHEMA, "member": _MEMBER_SCHEMA}
    if name in single:
        return kernel.Reply(body=single[name])
    if name in ("images", "members"):
        items = {"type": "array", "items": single[name[:-1]]}
        return kernel.Reply(body={"name": name, "properties": {name: items, "schema": {"type": "string"}}})
    raise kernel.Refusal(404, "The resource could not be found.")


def _switch(request: http.Request, *, from_status: str, to_status: str) -> kernel.Reply:
    """Move an image between two states; staying where it is is no error."""
    record = state.owned(request, action=request.path.rpartition("/")[2])
    if record.base["status"] not in (from_status, to_status):
        raise kernel.Refusal(
            403, f"Not allowed to change status from {record.base['status']} to {to_status}."
        )
    record.base["status"] = to_status
    return kernel.Reply(status=204)


def _receivable(request: http.Request, *, status: str) -> state.Record:
    """Return the image that waits for its data, or refuse."""
    kind = request.headers.get("content-type", "").partition(";")[0]
    if kind != OCTETS:
        raise kernel.Refusal(
            415,
            f"The request media type {kind} is not supported by this server.\n<br /><br />\nInvalid content type {kind}",
        )
    record = state.owned(request, action="upload_image")
    if record.base["status"] != "queued":
        raise kernel.Refusal(
            409, f"Image status transition from {record.base['status']} to {status} is not allowed"
        )
    unset = [name for name in ("disk_format", "container_format") if record.base[name] is None]
    if unset:
        raise kernel.Refusal(400, f"Properties {', '.join(unset)} must be set prior to saving data.")
    return record


def _text(description: str, **more: Any) -> kernel.Json:
    """Describe a string."""
    return {"type": "string", "description": description, **more}


_IMAGE_SCHEMA: kernel.Json = {
    "name": "image",
    "properties": {
        "id": _text("An identifier for the image"),
        "name": _text("Descriptive name for the image", maxLength=255),
        "status": _text("Status of the image", readOnly=True),
        **{
            name: _text(name.replace("_", " "), enum=list(known))
            for name, known in image_body.FORMATS.items()
        },
        "owner": _text("Owner of the image"),
        "size": {"type": ["null", "integer"], "readOnly": True, "description": "Size of image file in bytes"},
        "min_ram": {"type": "integer", "description": "Amount of ram (in MB) required to boot image."},
        "min_disk": {
            "type": "integer",
            "description": "Amount of disk space (in GB) required to boot image.",
        },
        "tags": {"type": "array", "items": {"type": "string", "maxLength": 255}},
    },
    "additionalProperties": {"type": "string"},
    "links": [{"rel": "self", "href": "{self}"}, {"rel": "enclosure", "href": "{file}"}],
}
_MEMBER_SCHEMA: kernel.Json = {
    "name": "member",
    "properties": {
        "member_id": _text("An identifier for the image member (tenantId)"),
        "image_id": _text("An identifier for the image"),
        "status": _text("The status of this image member", enum=["pending", "accepted", "rejected"]),
        "created_at": _text("Date and time of image member creation"),
        "updated_at": _text("Date and time of last modification of image member"),
        "schema": {"readOnly": True, "type": "string"},
    },
}

TABLE = (
    Route("GET", "/", versions, open=True),
    Route("GET", "/versions", versions, open=True),
    Route("GET", "/v2/images", listing.listing),
    Route("POST", "/v2/images", create),
    Route("GET", "/v2/images/{id}", show),
    Route("PATCH", "/v2/images/{id}", update),
    Route("DELETE", "/v2/images/{id}", delete),
    Route("PUT", "/v2/images/{id}/file", upload),
    Route("GET", "/v2/images/{id}/file", download),
    Route("PUT", "/v2/images/{id}/stage", stage),
    Route("POST", "/v2/images/{id}/import", load),
    Route("GET", "/v2/images/{id}/tasks", tasks),
    Route("POST", "/v2/images/{id}/actions/deactivate", deactivate),
    Route("POST", "/v2/images/{id}/actions/reactivate", reactivate),
    Route("PUT", "/v2/images/{id}/tags/{tag}", tag),
    Route("DELETE", "/v2/images/{id}/tags/{tag}", untag),
    Route("GET", "/v2/images/{id}/members", member.listing),
    Route("POST", "/v2/images/{id}/members", member.create),
    Route("GET", "/v2/images/{id}/members/{member}", member.show),
    Route("PUT", "/v2/images/{id}/members/{member}", member.update),
    Route("DELETE", "/v2/images/{id}/members/{member}", member.delete),
    Route("GET", "/v2/info/import", import_methods),
    Route("GET", "/v2/info/stores", stores),
    Route("GET", "/v2/schemas/{name}", schema),
    *v1.ROUTES,
    Route("DELETE", "/v1/images/{id}", delete),
)


def word(refusal: kernel.Refusal) -> kernel.Reply:
    """Render a refusal the way Glance does: the text of a page, wrapped in JSON."""
    phrase = HTTPStatus(refusal.status).phrase
    message = refusal.message if "<br />" in refusal.message else f"{refusal.message}<br /><br />\n\n\n"
    if refusal.kind == PAGE:
        title = f"{refusal.status} {phrase}"
        head = f"<html>\n <head>\n  <title>{title}</title>\n </head>\n <body>\n  <h1>{title}</h1>\n  "
        text = f"{head}{message}\n </body>\n</html>"
        return kernel.Reply(
            status=refusal.status,
            body=text.encode(),
            media="text/html; charset=UTF-8",
            headers=refusal.headers,
        )
    body = {"message": message, "code": f"{refusal.status} {phrase}", "title": phrase}
    return kernel.Reply(status=refusal.status, body=body, headers=refusal.headers)


def _minding_accept(handler: http.Handler) -> http.Handler:
    """Wrap a handler so that it refuses with an HTML page unless the caller accepts JSON, as Glance does."""

    def handle(request: http.Request) -> kernel.Reply:
        try:
            return handler(request)
        except kernel.Refusal as refusal:
            if "json" not in request.headers.get("accept", ""):
                refusal.kind = PAGE
            raise

    return handle


ROUTES = tuple(route._replace(handler=_minding_accept(route.handler)) for route in TABLE)

SERVICE = http.Service(
    name="image",
    prefix="/image",
    routes=ROUTES,
    word=word,
    not_found=word(kernel.Refusal(404, "The resource could not be found.")),
)
"""Glance: its routes and the format of its refusals."""
