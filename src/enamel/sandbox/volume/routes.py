"""The sandbox's Cinder: volumes, their snapshots, types, transfers, quotas and messages."""

from __future__ import annotations

from collections.abc import Iterable

from enamel.sandbox import http, kernel, table
from enamel.sandbox.http import Route
from enamel.sandbox.volume import action, body, message, quota, snapshot, state, transfer, types, v1, view
from enamel.sandbox.volume import listing as volume_listing
from enamel.sandbox.volume import metadata as volume_metadata

LOWEST = (3, 0)
EXTENSIONS = {
    "os-availability-zone": "AvailabilityZones",
    "os-quota-sets": "Quotas",
    "os-types-extra-specs": "TypesExtraSpecs",
    "os-used-limits": "UsedLimits",
    "os-vol-image-meta": "VolumeImageMetadata",
    "os-volume-actions": "VolumeActions",
    "os-volume-transfer": "VolumeTransfer",
}


def versions(request: http.Request) -> kernel.Reply:
    """List the versions of the API."""
    links = [
        {"rel": "describedby", "type": "text/html", "href": "https://docs.openstack.org/"},
        {"rel": "self", "href": f"{request.root}/v3/"},
    ]
    known = request.cloud.era.volume or (LOWEST, LOWEST)
    lowest, highest = (f"{major}.{minor}" for major, minor in known)
    documents = {
        "id": "v3.0",
        "status": "CURRENT",
        "version": highest,
        "min_version": lowest,
        "updated": "2023-08-31T00:00:00Z",
        "links": links,
        "media-types": [
            {"base": "application/json", "type": "application/vnd.openstack.volume+json;version=3"}
        ],
    }
    places = request.cloud.era.versions["volume"]
    old = [
        {
            "id": f"{place}.0",
            "status": "SUPPORTED" if "v2" in places and place == "v2" else "DEPRECATED",
            "updated": "2014-06-28T12:20:21Z",
            "links": [{"rel": "self", "href": f"{request.root}/{place}/"}],
        }
        for place in places
        if place != "v3"
    ]
    new = [documents] if "v3" in places else []
    return kernel.Reply(status=300 if request.path == "/" else 200, body={"versions": [*old, *new]})


def listing(request: http.Request) -> kernel.Reply:
    """List volumes without details."""
    return volume_listing.answer(
        request,
        _rows(request),
        word="volumes",
        known=volume_listing.VOLUME_FILTERS,
        view=lambda row: view.summary(request, row),
    )


def detail(request: http.Request) -> kernel.Reply:
    """List volumes in detail."""
    return volume_listing.answer(
        request,
        _rows(request),
        word="volumes",
        known=volume_listing.VOLUME_FILTERS,
        view=lambda row: view.volume(request, row),
    )


def summary(request: http.Request) -> kernel.Reply:
    """Count volumes."""
    rows = list(_rows(request))
    metadata: dict[str, list[str]] = {}
    for row in rows:
        for key, value in row["metadata"].items():
            values = metadata.setdefault(key, [])
            if value not in values:
                values.append(value)
    total = {"total_count": len(rows), "total_size": sum(row["size"] for row in rows)}
    return kernel.Reply(
        body={"volume-summary": {**total, **({"metadata": metadata} if request.version >= (3, 36) else {})}}
    )


def create(request: http.Request) -> kernel.Reply:
    """Create a volume."""
    row = state.of(request).make(request.caller, body.new_volume(request))
    return kernel.Reply(status=202, body={"volume": view.volume(request, row, full=False)})


def show(request: http.Request) -> kernel.Reply:
    """Show a volume."""
    return kernel.Reply(body={"volume": view.volume(request, _row(request))})


def update(request: http.Request) -> kernel.Reply:
    """Change a volume's name, description or metadata."""
    row = _row(request)
    wish = body.item(request, "volume")
    unknown = [name for name in wish if name not in ("name", "description", "metadata")]
    if unknown:
        raise body.unexpected("volume", wish, unknown)
    for name in ("name", "description"):
        body.texts(name, wish.get(name))
    if "metadata" in wish:
        wish["metadata"] = dict(body.metadata(wish["metadata"] or {}))
    state.of(request).change(row, **wish)
    return kernel.Reply(body={"volume": view.volume(request, row, full=False)})


def delete(request: http.Request) -> kernel.Reply:
    """Delete a volume that nothing depends on; with `cascade`, its snapshots as well."""
    volumes = state.of(request)
    row = _row(request)
    if (request.first("cascade") or "").lower() in ("true", "1") and not row["attachments"]:
        for snapshot_id in volumes.snapshots_of.of(row["id"]):
            volumes.snapshots.drop(snapshot_id)
            volumes.snapshots_of.drop(row["id"], snapshot_id)
    if (request.first("force") or "").lower() not in ("true", "1") or not request.caller.admin:
        volumes.refuse_undeletable(row)
    volumes.drop(row)
    return kernel.Reply(status=202)


def zones(request: http.Request) -> kernel.Reply:
    """List the availability zones."""
    names = request.cloud.settings.volume_zones
    zones = [{"zoneName": name, "zoneState": {"available": True}} for name in names]
    return kernel.Reply(body={"availabilityZoneInfo": zones})


def extensions(request: http.Request) -> kernel.Reply:
    """List the extensions."""
    bodies = [
        {
            "name": name,
            "alias": alias,
            "description": f"{name}.",
            "updated": "2020-01-01T00:00:00+00:00",
            "links": [],
        }
        for alias, name in EXTENSIONS.items()
    ]
    return kernel.Reply(body={"extensions": bodies})


def attachments(request: http.Request) -> kernel.Reply:
    """List the caller's attachments."""
    bodies = [
        {
            "id": attachment["attachment_id"],
            "status": "attached",
            "instance": attachment["server_id"],
            "volume_id": row["id"],
        }
        for row in _rows(request)
        for attachment in row["attachments"]
    ]
    return kernel.Reply(body={"attachments": bodies})


def attachment(request: http.Request) -> kernel.Reply:
    """Show an attachment."""
    for row in _rows(request):
        for candidate in row["attachments"]:
            if candidate["attachment_id"] == request.params["id"]:
                body = {
                    "id": candidate["attachment_id"],
                    "status": "attached",
                    "instance": candidate["server_id"],
                    "volume_id": row["id"],
                    "attached_at": candidate["attached_at"],
                    "detached_at": "",
                    "attach_mode": "rw",
                    "connection_info": {},
                }
                return kernel.Reply(body={"attachment": body})
    raise kernel.Refusal(404, f"Volume attachment could not be found with filter: {request.params['id']}.")


def _row(request: http.Request) -> table.Row:
    """Return the volume a request names, or refuse."""
    return state.of(request).seen(request.caller, request.params["id"])


def _rows(request: http.Request) -> Iterable[table.Row]:
    """Return the volumes of a list."""
    volumes = state.of(request).volumes
    if request.caller.admin and request.first("all_tenants") in ("1", "True", "true"):
        return volumes
    return volumes.of(request.caller.project_id)


TABLE = (
    Route("GET", "/limits", quota.limits),
    Route("GET", "/extensions", extensions),
    Route("GET", "/os-availability-zone", zones),
    Route("GET", "/os-quota-sets/{project_id}", quota.show),
    Route("PUT", "/os-quota-sets/{project_id}", quota.update),
    Route("DELETE", "/os-quota-sets/{project_id}", quota.reset),
    Route("GET", "/os-quota-sets/{project_id}/defaults", quota.defaults),
    Route("GET", "/volumes", listing),
    Route("POST", "/volumes", create),
    Route("GET", "/volumes/detail", detail),
    Route("GET", "/volumes/summary", summary),
    Route("GET", "/volumes/{id}", show),
    Route("PUT", "/volumes/{id}", update),
    Route("DELETE", "/volumes/{id}", delete),
    Route("POST", "/volumes/{id}/action", action.act),
    Route("GET", "/volumes/{id}/metadata", volume_metadata.show),
    Route("POST", "/volumes/{id}/metadata", volume_metadata.extend),
    Route("PUT", "/volumes/{id}/metadata", volume_metadata.replace),
    Route("GET", "/volumes/{id}/metadata/{key}", volume_metadata.show_item),
    Route("PUT", "/volumes/{id}/metadata/{key}", volume_metadata.set_item),
    Route("DELETE", "/volumes/{id}/metadata/{key}", volume_metadata.unset_item),
    Route("GET", "/snapshots", snapshot.listing),
    Route("POST", "/snapshots", snapshot.create),
    Route("GET", "/snapshots/detail", snapshot.detail),
    Route("GET", "/snapshots/{id}", snapshot.show),
    Route("PUT", "/snapshots/{id}", snapshot.update),
    Route("DELETE", "/snapshots/{id}", snapshot.delete),
    Route("GET", "/types", types.listing),
    Route("POST", "/types", types.create),
    Route("GET", "/types/default", types.show_default),
    Route("GET", "/types/{id}", types.show),
    Route("PUT", "/types/{id}", types.update),
    Route("DELETE", "/types/{id}", types.delete),
    Route("GET", "/types/{id}/extra_specs", types.specs),
    Route("POST", "/types/{id}/extra_specs", types.set_specs),
    Route("DELETE", "/types/{id}/extra_specs/{key}", types.unset_spec),
    *(
        route
        for word in ("volume-transfers", "os-volume-transfer")
        for route in (
            Route("GET", f"/{word}", transfer.listing),
            Route("POST", f"/{word}", transfer.create),
            Route("GET", f"/{word}/detail", transfer.detail),
            Route("GET", f"/{word}/{{id}}", transfer.show),
            Route("DELETE", f"/{word}/{{id}}", transfer.delete),
            Route("POST", f"/{word}/{{id}}/accept", transfer.accept),
        )
    ),
    Route("GET", "/attachments", attachments),
    Route("GET", "/attachments/detail", attachments),
    Route("GET", "/attachments/{id}", attachment),
    Route("GET", "/messages", message.listing),
    Route("GET", "/messages/{id}", message.show),
    Route("DELETE", "/messages/{id}", message.delete),
)

ROUTES = (
    Route("GET", "/", versions, open=True),
    Route("GET", "/v3", versions, open=True),
    *(route._replace(template=f"/v3{route.template}") for route in TABLE),
    # Older paths contain the project's id, and many clients still send it.
    *(route._replace(template=f"/v3/{{tenant_id}}{route.template}") for route in TABLE),
    *v1.routes(TABLE),
)


KINDS = {
    400: "badRequest",
    403: "forbidden",
    404: "itemNotFound",
    409: "conflictingRequest",
    413: "overLimit",
}


def word(refusal: kernel.Refusal) -> kernel.Reply:
    """Word a refusal the way Cinder does."""
    error: kernel.Json = {"code": refusal.status, "message": refusal.message}
    if refusal.status == 413:
        error["retryAfter"] = refusal.headers.get("Retry-After", "0")
    kind = KINDS.get(refusal.status, "computeFault")
    return kernel.Reply(status=refusal.status, body={kind: error}, headers=refusal.headers)


SERVICE = http.Service(
    name="volume",
    prefix="/volume",
    routes=ROUTES,
    word=word,
    lowest=LOWEST,
    microversion_types=("volume", "block-storage"),
    request_id_header="x-compute-request-id",
    not_found=word(kernel.Refusal(404, "The resource could not be found.")),
)
"""Cinder: its routes and the format of its refusals."""
