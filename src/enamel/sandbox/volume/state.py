"""The state of the volume service, and what it offers to compute."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from enamel.sandbox import http, kernel, seams, state, table
from enamel.sandbox.volume import origin as volume_origin
from enamel.sandbox.volume import type_table

QUOTAS = {
    "volumes": 5000,
    "per_volume_gigabytes": -1,
    "snapshots": 5000,
    "gigabytes": 500000,
    "backups": 5000,
    "backup_gigabytes": 500000,
    "groups": 10,
}
"""The limits of a project, with the lab's values."""

NO_BACKEND = (
    "schedule allocate volume:No storage could be allocated for this volume request. You may be able to try another"
    " size or volume type."
)
UNDELETABLE = (
    "Invalid volume: Volume status must be available or error or error_restoring or error_extending or error_managing"
    " and must not be migrating, attached, belong to a group, have snapshots, awaiting a transfer, or be disassociated"
    " from snapshots after volume transfer."
)
DELETABLE = frozenset({"available", "error", "error_restoring", "error_extending", "error_managing"})


class Volumes:
    """The tables of the volume service, and what it offers to compute."""

    def __init__(self, cloud: state.Cloud) -> None:
        """Start without volumes, with the usual types."""
        self.cloud = cloud
        self.volumes = table.Table()
        self.snapshots = table.Table()
        self.transfers = table.Table()
        self.messages = table.Table()
        self.snapshots_of = table.Index()
        """Snapshots by their volume."""
        self.types = {row["id"]: row for row in type_table.usual(cloud)}
        self.limits: dict[str, dict[str, int]] = {}
        """Limits an administrator set, by project."""
        self.backend = cloud.new_id()
        """The id of the one backend."""

    def inventory(self) -> dict[str, list[table.Row]]:
        """Return everything that exists, by kind."""
        return {"volumes": list(self.volumes), "snapshots": list(self.snapshots)}

    def stamp(self) -> str:
        """Return the time as the volume service writes it."""
        return self.cloud.now().strftime("%Y-%m-%dT%H:%M:%S.%f")

    def limit(self, project_id: str, name: str) -> int:
        """Return a project's limit; -1 is none."""
        own = self.limits.get(project_id, {})
        return own[name] if name in own else self.cloud.quota(name, default=QUOTAS.get(name, -1))

    def gigabytes(self, project_id: str) -> int:
        """Count the GiB of a project's volumes and snapshots."""
        rows = (*self.volumes.of(project_id), *self.snapshots.of(project_id))
        return sum(row["size"] for row in rows)

    def spend(self, project_id: str, *, what: str, count: int, gigabytes: int) -> None:
        """Refuse new volumes or snapshots that exceed a project's quota."""
        allowed = self.limit(project_id, "gigabytes")
        consumed = self.gigabytes(project_id)
        if 0 <= allowed < consumed + gigabytes:
            raise _over(
                "VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed gigabytes quota. Requested"
                f" {gigabytes}G, quota is {allowed}G and {consumed}G has been consumed."
            )
        allowed = self.limit(project_id, what)
        used = self.volumes if what == "volumes" else self.snapshots
        if 0 <= allowed < used.count(project_id) + count:
            kind = "VolumeLimitExceeded" if what == "volumes" else "SnapshotLimitExceeded"
            raise _over(f"{kind}: Maximum number of {what} allowed ({allowed}) exceeded for quota '{what}'.")

    def change(self, row: table.Row, **changes: Any) -> None:
        """Change a row and its timestamp."""
        row.update(changes)
        row["updated_at"] = self.stamp()

    def later(self, row: table.Row, low: float, high: float, *, when: str, act: Callable[[], None]) -> None:
        """Call a function after a while, if the volume or snapshot still exists and has that status."""
        home = self.snapshots if "volume_id" in row else self.volumes

        def fire() -> None:
            if home.get(row["id"]) is row and row["status"] == when:
                act()

        self.cloud.later(self.cloud.between(low, high), fire)

    def settle(self, row: table.Row, low: float, high: float, *, when: str, then: str) -> None:
        """Change the status of a volume or snapshot after a while."""
        self.later(row, low, high, when=when, act=lambda: self.change(row, status=then))

    def seen(self, caller: kernel.Caller, volume_id: str) -> table.Row:
        """Return a volume the caller may see, or refuse."""
        row = self.volumes.get(volume_id)
        if row is None or not caller.sees(row["project_id"]):
            raise kernel.Refusal(404, f"Volume {volume_id} could not be found.")
        return row

    def seen_snapshot(self, caller: kernel.Caller, snapshot_id: str) -> table.Row:
        """Return a snapshot the caller may see, or refuse."""
        row = self.snapshots.get(snapshot_id)
        if row is None or not caller.sees(row["project_id"]):
            raise kernel.Refusal(404, f"Snapshot {snapshot_id} could not be found.")
        return row

    def find(self, caller: kernel.Caller, volume_id: str) -> seams.Volume | None:
        """Return the volume when the caller may use it, or None."""
        row = self.volumes.get(volume_id)
        if row is None or not caller.sees(row["project_id"]):
            return None
        return seams.Volume(
            id=row["id"],
            status=row["status"],
            size=row["size"],
            zone=row["zone"],
            bootable=row["bootable"],
            multiattach=row["multiattach"],
            image=row["image"] or {},
        )

    def create(
        self,
        caller: kernel.Caller,
        *,
        size: int,
        name: str = "",
        image_id: str = "",
        snapshot_id: str = "",
        source_id: str = "",
        volume_type: str = "",
        zone: str = "",
    ) -> str:
        """Start a volume for a server, or refuse in Cinder's words, and return its id."""
        wish = {
            "size": size or None,
            "name": name,
            "description": "",
            "imageRef": image_id or None,
            "snapshot_id": snapshot_id or None,
            "source_volid": source_id or None,
            "volume_type": volume_type or None,
            "availability_zone": zone if zone in self.cloud.settings.volume_zones else None,
        }
        return str(self.make(caller, wish)["id"])

    def _zone(self, name: str | None) -> str:
        """Return the zone that a volume is to be in, or refuse."""
        zones = self.cloud.settings.volume_zones
        if name and name not in zones and self.cloud.settings.cross_az_attach:
            # The lab's Cinder has allow_availability_zone_fallback.
            return zones[0]
        if name and name not in zones:
            raise kernel.Refusal(400, f"Invalid input received: Availability zone '{name}' is invalid.")
        return name or zones[0]

    def has_snapshot(self, caller: kernel.Caller, snapshot_id: str) -> bool:
        """Return whether the caller may use that snapshot."""
        row = self.snapshots.get(snapshot_id)
        return row is not None and caller.sees(row["project_id"])

    def make(self, caller: kernel.Caller, wish: kernel.Json) -> table.Row:
        """Start a volume: it is `creating`, and a moment later `available` or, when no backend fits, `error`."""
        snapshot = self.seen_snapshot(caller, wish["snapshot_id"]) if wish.get("snapshot_id") else None
        source = self.seen(caller, wish["source_volid"]) if wish.get("source_volid") else None
        origin = snapshot or source
        image = volume_origin.image(self.cloud, caller, wish["imageRef"]) if wish.get("imageRef") else None
        size = volume_origin.size(wish.get("size"), snapshot=snapshot, source=source, image=image)
        kind = self._type(wish.get("volume_type"), origin)
        self._refuse_huge(caller.project_id, size)
        self.spend(caller.project_id, what="volumes", count=1, gigabytes=size)
        row = self.volumes.add(
            {
                "id": self.cloud.new_id(),
                "project_id": caller.project_id,
                "user_id": caller.user_id,
                "status": "creating",
                "size": size,
                "zone": self._zone(wish.get("availability_zone")),
                "created_at": self.stamp(),
                "updated_at": None,
                "name": wish.get("name"),
                "description": wish.get("description"),
                "type_id": kind["id"],
                "snapshot_id": snapshot["id"] if snapshot else None,
                "source_volid": source["id"] if source else None,
                "metadata": dict(wish.get("metadata") or {}),
                "bootable": bool(image or (origin and origin["bootable"])),
                "multiattach": kind["extra_specs"].get("multiattach") == "<is> True",
                "attachments": [],
                "image": volume_origin.image_metadata(image)
                if image
                else (dict(origin["image"]) if origin else {}),
                "placed": False,
            }
        )
        broken = self.cloud.faults.creation(kind="volume", name=wish.get("name") or "", zone="")
        if broken or not type_table.has_backend(kind):
            self.later(row, 0.1, 0.3, when="creating", act=lambda: self._fail(row))
        elif image:
            row["bootable"] = False
            self.later(row, 0.05, 0.1, when="creating", act=lambda: self._download(row))
        else:
            self.later(row, 0.1, 0.5, when="creating", act=lambda: self._arrive(row))
        return row

    def reserve(self, volume_id: str) -> None:
        """Mark an available volume as being attached."""
        row = self.volumes[volume_id]
        if not row["attachments"]:
            self.change(row, status="reserved")

    def attach(self, *, volume_id: str, server_id: str, device: str, host: str) -> str:
        """Attach a volume to a server and return the attachment's id."""
        row = self.volumes[volume_id]
        attachment = {
            "id": row["id"],
            "attachment_id": self.cloud.new_id(),
            "volume_id": row["id"],
            "server_id": server_id,
            "host_name": host,
            "device": device,
            "attached_at": self.stamp(),
        }
        self.change(row, status="in-use", attachments=[*row["attachments"], attachment])
        return str(attachment["attachment_id"])

    def detach(self, *, volume_id: str, server_id: str) -> None:
        """Detach a volume (or drop its reservation) from a server; it becomes available again."""
        row = self.volumes.get(volume_id)
        if row is None:
            return
        left = [attachment for attachment in row["attachments"] if attachment["server_id"] != server_id]
        status = "in-use" if left else "available"
        if row["status"] not in ("in-use", "reserved", "attaching", "detaching"):
            status = row["status"]
        self.change(row, attachments=left, status=status)

    def delete(self, volume_id: str) -> None:
        """Delete a volume that is deleted with its server."""
        row = self.volumes.get(volume_id)
        if row is not None and not row["attachments"] and not self.snapshots_of.any(volume_id):
            self.drop(row)

    def drop(self, row: table.Row) -> None:
        """Start deleting a volume: it is `deleting`, and a moment later gone."""
        self.change(row, status="deleting")
        self.later(row, 0.1, 0.3, when="deleting", act=lambda: self._forget(row))

    def drop_snapshot(self, row: table.Row) -> None:
        """Start deleting a snapshot: it is `deleting`, and a moment later gone."""
        self.change(row, status="deleting")

        def forget() -> None:
            self.snapshots.drop(row["id"])
            self.snapshots_of.drop(row["volume_id"], row["id"])

        self.later(row, 0.1, 0.3, when="deleting", act=forget)

    def refuse_undeletable(self, row: table.Row) -> None:
        """Refuse to delete a volume that something depends on."""
        if row["status"] not in DELETABLE or row["attachments"] or self.snapshots_of.any(row["id"]):
            raise kernel.Refusal(400, UNDELETABLE)

    def _forget(self, row: table.Row) -> None:
        """Remove a deleted volume."""
        self.volumes.drop(row["id"])

    def _arrive(self, row: table.Row) -> None:
        """Set a new volume to available."""
        self.change(row, status="available", placed=True)

    def _download(self, row: table.Row) -> None:
        """Start copying the image into a new volume."""

        def finish() -> None:
            self.change(row, status="available", placed=True, bootable=True)

        self.change(row, status="downloading", placed=True)
        self.later(row, 0.1, 0.5, when="downloading", act=finish)

    def _fail(self, row: table.Row) -> None:
        """Set a new volume to error because no backend can serve it, and create a message."""
        self.change(row, status="error")
        self.messages.add(
            {
                "id": self.cloud.new_id(),
                "project_id": row["project_id"],
                "event_id": "VOLUME_VOLUME_001_003",
                "user_message": NO_BACKEND,
                "message_level": "ERROR",
                "resource_type": "VOLUME",
                "resource_uuid": row["id"],
                "request_id": f"req-{self.cloud.new_id()}",
                "created_at": self.stamp(),
                "guaranteed_until": self.cloud.ago(-30 * 86_400).strftime("%Y-%m-%dT%H:%M:%S.%f"),
            }
        )

    def _type(self, name: str | None, origin: table.Row | None) -> table.Row:
        """Return the type of a new volume: the one named, that of its origin, or the default."""
        if name:
            return type_table.named(self.types, name)
        if origin is not None:
            return self.types[origin["type_id"]]
        return type_table.default(self.types)

    def _refuse_huge(self, project_id: str, size: int) -> None:
        """Refuse a volume that exceeds the limit per volume."""
        allowed = self.limit(project_id, "per_volume_gigabytes")
        if 0 <= allowed < size:
            raise _over(f"Requested volume size {size}G is larger than maximum allowed limit {allowed}G.")


def _over(message: str) -> kernel.Refusal:
    """Return the refusal of what exceeds a quota."""
    return kernel.Refusal(413, message, headers={"Retry-After": "0"})


def of(request: http.Request) -> Volumes:
    """Return the volumes of the cloud that a request is for."""
    return cast(Volumes, request.cloud.volume)
