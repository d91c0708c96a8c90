"""Volumes and snapshots as the API shows them; later microversions show more."""

from __future__ import annotations

from enamel.sandbox import http, kernel, table
from enamel.sandbox.volume import state


def summary(request: http.Request, row: table.Row) -> kernel.Json:
    """Return a volume without details."""
    return {"id": row["id"], "name": row["name"], "links": _links(request, row)}


def volume(request: http.Request, row: table.Row, *, full: bool = True) -> kernel.Json:
    """Return a volume in detail; attributes that only `GET` of one volume shows are left out unless `full`."""
    volumes, version, admin = state.of(request), request.version, request.caller.admin
    kind = volumes.types.get(row["type_id"])
    body = {
        "id": row["id"],
        "status": row["status"],
        "size": row["size"],
        "availability_zone": row["zone"],
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "name": row["name"],
        "description": row["description"],
        "volume_type": kind["name"] if kind else None,
        "snapshot_id": row["snapshot_id"],
        "source_volid": row["source_volid"],
        "metadata": row["metadata"],
        "links": _links(request, row),
        "user_id": row["user_id"],
        "bootable": str(row["bootable"]).lower(),
        "encrypted": False,
        "replication_status": None,
        "consistencygroup_id": None,
        "multiattach": row["multiattach"],
        "attachments": [
            attachment if admin else {**attachment, "host_name": None} for attachment in row["attachments"]
        ],
    }
    if admin and full:
        body["migration_status"] = None
    if version >= (3, 13):
        body["group_id"] = None
    if version >= (3, 21) and admin and full:
        body["provider_id"] = None
    if version >= (3, 48):
        body["shared_targets"] = not row["placed"]
        body["service_uuid"] = volumes.backend if row["placed"] else None
    if version >= (3, 61) and admin and full:
        body["cluster_name"] = None
    if version >= (3, 63):
        body["volume_type_id"] = row["type_id"]
    if version >= (3, 65):
        body["consumes_quota"] = True
    if row["image"]:
        body["volume_image_metadata"] = row["image"]
    if full:
        body["os-vol-tenant-attr:tenant_id"] = row["project_id"]
        if admin:
            body["os-vol-mig-status-attr:migstat"] = None
            body["os-vol-mig-status-attr:name_id"] = None
            body["os-vol-host-attr:host"] = "sandbox@sandbox#sandbox" if row["placed"] else None
    return body


def snapshot(request: http.Request, row: table.Row, *, full: bool = True, brief: bool = False) -> kernel.Json:
    """Return a snapshot: `brief` in a list without details, `full` when it is read."""
    version = request.version
    body = {
        "id": row["id"],
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "name": row["name"],
        "description": row["description"],
        "volume_id": row["volume_id"],
        "status": row["status"],
        "size": row["size"],
        "metadata": row["metadata"],
    }
    if brief:
        return body
    if version >= (3, 14):
        body["group_snapshot_id"] = None
    if version >= (3, 41):
        body["user_id"] = row["user_id"]
    if version >= (3, 65):
        body["consumes_quota"] = True
    if full:
        body["os-extended-snapshot-attributes:project_id"] = row["project_id"]
        body["os-extended-snapshot-attributes:progress"] = "100%" if row["status"] == "available" else "0%"
    return body


def _links(request: http.Request, row: table.Row) -> list[dict[str, str]]:
    """Return the links of a volume."""
    return [
        {"rel": "self", "href": f"{request.root}/v3/volumes/{row['id']}"},
        {"rel": "bookmark", "href": f"{request.root}/volumes/{row['id']}"},
    ]
