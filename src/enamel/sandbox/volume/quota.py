"""Quotas of the volume service: the limits of a project, and how much of them is used."""

from __future__ import annotations

from enamel.sandbox import http, kernel
from enamel.sandbox.volume import body, state


def limits(request: http.Request) -> kernel.Reply:
    """Show the caller's limits, with what is used."""
    volumes, project_id = state.of(request), request.caller.project_id
    absolute = {
        "maxTotalVolumes": volumes.limit(project_id, "volumes"),
        "maxTotalSnapshots": volumes.limit(project_id, "snapshots"),
        "maxTotalVolumeGigabytes": volumes.limit(project_id, "gigabytes"),
        "maxTotalBackups": volumes.limit(project_id, "backups"),
        "maxTotalBackupGigabytes": volumes.limit(project_id, "backup_gigabytes"),
        "totalVolumesUsed": volumes.volumes.count(project_id),
        "totalGigabytesUsed": volumes.gigabytes(project_id),
        "totalSnapshotsUsed": volumes.snapshots.count(project_id),
        "totalBackupsUsed": 0,
        "totalBackupGigabytesUsed": 0,
    }
    return kernel.Reply(body={"limits": {"rate": [], "absolute": absolute}})


def show(request: http.Request) -> kernel.Reply:
    """Show a project's limits, with what is used when `usage` is true."""
    volumes, project_id = state.of(request), _project(request)
    limits: kernel.Json = {name: volumes.limit(project_id, name) for name in _names(volumes)}
    if (request.first("usage") or "").lower() in ("true", "1"):
        used = _used(volumes, project_id)
        limits = {
            name: {"limit": limit, "in_use": used.get(name, 0), "reserved": 0}
            for name, limit in limits.items()
        }
    return kernel.Reply(body={"quota_set": {**limits, "id": project_id}})


def defaults(request: http.Request) -> kernel.Reply:
    """Show what a project has before an administrator sets something else."""
    volumes, cloud = state.of(request), request.cloud
    limits = {name: cloud.quota(name, default=state.QUOTAS.get(name, -1)) for name in _names(volumes)}
    return kernel.Reply(body={"quota_set": {**limits, "id": _project(request)}})


def update(request: http.Request) -> kernel.Reply:
    """Set a project's limits."""
    if not request.caller.admin:
        raise kernel.Refusal(403, "Policy doesn't allow volume_extension:quotas:update to be performed.")
    volumes, project_id = state.of(request), request.params["project_id"]
    wish = dict(body.item(request, "quota_set"))
    # Clients send these as well; they are not limits.
    for name in ("tenant_id", "project_id", "id", "skip_validation", "force"):
        wish.pop(name, None)
    names = _names(volumes)
    for name, value in wish.items():
        if name not in names:
            raise kernel.Refusal(400, f"Invalid input received: Bad key(s) in quota set: {name}")
        if isinstance(value, bool) or not str(value).lstrip("-").isdecimal() or int(value) < -1:
            raise body.field(name, value, f"{value!r} must be an integer, -1 or more")
    volumes.limits.setdefault(project_id, {}).update({name: int(value) for name, value in wish.items()})
    return kernel.Reply(body={"quota_set": {name: volumes.limit(project_id, name) for name in names}})


def reset(request: http.Request) -> kernel.Reply:
    """Reset a project's limits to the defaults."""
    if not request.caller.admin:
        raise kernel.Refusal(403, "Policy doesn't allow volume_extension:quotas:delete to be performed.")
    state.of(request).limits.pop(request.params["project_id"], None)
    return kernel.Reply()


def _project(request: http.Request) -> str:
    """Return the project a request is about; others' quotas are for administrators."""
    project_id = request.params["project_id"]
    if not request.caller.sees(project_id):
        raise kernel.Refusal(403, "Policy doesn't allow volume_extension:quotas:show to be performed.")
    return project_id


def _names(volumes: state.Volumes) -> list[str]:
    """Return the names of all limits: the common ones, and three for each type."""
    of_types = [
        f"{what}_{row['name']}"
        for row in volumes.types.values()
        for what in ("volumes", "gigabytes", "snapshots")
    ]
    return [*state.QUOTAS, *of_types]


def _used(volumes: state.Volumes, project_id: str) -> dict[str, int]:
    """Return what a project uses."""
    used = {
        "volumes": volumes.volumes.count(project_id),
        "snapshots": volumes.snapshots.count(project_id),
        "gigabytes": volumes.gigabytes(project_id),
    }
    for what, rows in (("volumes", volumes.volumes), ("snapshots", volumes.snapshots)):
        for row in rows.of(project_id):
            name = volumes.types[row["type_id"]]["name"]
            used[f"{what}_{name}"] = used.get(f"{what}_{name}", 0) + 1
            used[f"gigabytes_{name}"] = used.get(f"gigabytes_{name}", 0) + row["size"]
    return used
