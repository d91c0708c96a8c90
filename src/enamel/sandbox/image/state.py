"""The state of the image service, and what it offers to other services."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import cast

from msgspec import Struct, field

from enamel.sandbox import http, kernel, seams, state

SNAPSHOT_BYTES = 4096
"""How many bytes of a snapshot are really kept."""


class Record(Struct, kw_only=True):
    """One image."""

    base: kernel.Json
    """The attributes every image has."""
    properties: dict[str, str] = field(default_factory=dict)
    """Everything else that was set on it."""
    data: bytes = b""
    """The data, once it is active."""
    staged: bytes = b""
    """Staged data that waits for an import."""
    members: dict[str, kernel.Json] = field(default_factory=dict)
    """Projects it is shared with."""
    tasks: list[kernel.Json] = field(default_factory=list)
    """Imports so far."""

    def shown(self) -> kernel.Json:
        """Return the image as its API shows it."""
        place = f"/v2/images/{self.base['id']}"
        body = {
            **self.properties,
            **self.base,
            "self": place,
            "file": f"{place}/file",
            "schema": "/v2/schemas/image",
        }
        if self.base["status"] == "active":
            body["stores"] = "files"
        return body


class Images:
    """All images, and what other services read of them."""

    def __init__(self, cloud: state.Cloud) -> None:
        """Create the images every sandbox has: cirros, raw, and ubuntu, qcow2, public and a few bytes small."""
        self.cloud = cloud
        self.records: dict[str, Record] = {}
        admin = cloud.identity.project_named("admin").id
        small = {
            "cirros": ("raw", {"os_distro": "cirros"}),
            "ubuntu": ("qcow2", {"os_distro": "ubuntu", "os_version": "24.04"}),
        }
        for name, (disk_format, properties) in small.items():
            wish = {
                "name": name,
                "disk_format": disk_format,
                "container_format": "bare",
                "visibility": "public",
            }
            record = self.make(owner=admin, wish=wish, properties=properties)
            self.fill(record, f"This would be {name}, if anything ran here.\n".encode() * 128)

    def inventory(self) -> dict[str, list[kernel.Json]]:
        """Return everything that exists, by kind."""
        return {
            "images": [
                record.shown() | {"project_id": record.base["owner"]} for record in self.records.values()
            ]
        }

    def stamp(self) -> str:
        """Return the time as the image service writes it."""
        return self.cloud.now().strftime("%Y-%m-%dT%H:%M:%SZ")

    def make(self, *, owner: str, wish: kernel.Json, properties: dict[str, str]) -> Record:
        """Create an image without data."""
        now = self.stamp()
        record = Record(
            base={
                "name": wish.get("name"),
                "disk_format": wish.get("disk_format"),
                "container_format": wish.get("container_format"),
                "visibility": wish.get("visibility", "shared"),
                "size": None,
                "virtual_size": None,
                "status": "queued",
                "checksum": None,
                "protected": wish.get("protected", False),
                "min_ram": wish.get("min_ram", 0),
                "min_disk": wish.get("min_disk", 0),
                "owner": wish.get("owner", owner),
                "os_hidden": wish.get("os_hidden", False),
                "os_hash_algo": None,
                "os_hash_value": None,
                "id": wish.get("id") or self.cloud.new_id(),
                "created_at": now,
                "updated_at": now,
                "tags": sorted(set(wish.get("tags", ()))),
            },
            properties=properties,
        )
        self.records[record.base["id"]] = record
        return record

    def fill(self, record: Record, data: bytes) -> None:
        """Set an image's data, which makes it active."""
        record.data = data
        record.base.update(
            size=len(data),
            virtual_size=len(data),
            status="active",
            checksum=hashlib.md5(data, usedforsecurity=False).hexdigest(),
            os_hash_algo="sha512",
            os_hash_value=hashlib.sha512(data).hexdigest(),
            updated_at=self.stamp(),
        )

    def sees(self, caller: kernel.Caller, record: Record) -> bool:
        """Return whether the caller sees an image."""
        if record.base["visibility"] in ("public", "community"):
            return True
        return caller.sees(record.base["owner"]) or caller.project_id in record.members

    def visible(self, caller: kernel.Caller) -> Iterator[Record]:
        """Yield the images that the caller sees."""
        return (record for record in self.records.values() if self.sees(caller, record))

    def find(self, caller: kernel.Caller, image_id: str) -> seams.Image | None:
        """Return the image when the caller may use it, or None."""
        record = self.records.get(image_id)
        if record is None or not self.sees(caller, record):
            return None
        base = record.base
        return seams.Image(
            id=base["id"],
            name=base["name"] or "",
            status=base["status"],
            min_disk=base["min_disk"],
            min_ram=base["min_ram"],
            size=base["size"] or 0,
            disk_format=base["disk_format"] or "",
            container_format=base["container_format"] or "",
            properties=record.properties,
        )

    def snapshot(
        self,
        caller: kernel.Caller,
        *,
        name: str,
        properties: dict[str, str],
        base: seams.Image | None,
        size: int,
    ) -> str:
        """Start an image made from a server; it is `queued`, then `active` a moment later. Return its id."""
        wish = {
            "name": name,
            "disk_format": base.disk_format if base else "raw",
            "container_format": base.container_format if base else "bare",
            "visibility": "private",
            "min_disk": max(base.min_disk if base else 0, size >> 30),
            "min_ram": base.min_ram if base else 0,
        }
        inherited = dict(base.properties) if base else {}
        record = self.make(owner=caller.project_id, wish=wish, properties={**inherited, **properties})

        def upload() -> None:
            if self.records.get(record.base["id"]) is record:
                record.base["status"] = "saving"
                self.cloud.later(self.cloud.between(0.05, 0.2), arrive)

        def arrive() -> None:
            if self.records.get(record.base["id"]) is record:
                self.fill(record, bytes(SNAPSHOT_BYTES))

        self.cloud.later(self.cloud.between(0.1, 0.4), upload)
        return str(record.base["id"])


def of(request: http.Request) -> Images:
    """Return the images of the cloud that a request is for."""
    return cast(Images, request.cloud.image)


def named(request: http.Request) -> Record:
    """Return the image a request names, or refuse."""
    record = of(request).records.get(request.params["id"])
    if record is None or not of(request).sees(request.caller, record):
        raise kernel.Refusal(404, f"No image found with ID {request.params['id']}")
    return record


def owned(request: http.Request, *, action: str) -> Record:
    """Return the image that a request changes, or refuse those of other projects."""
    record = named(request)
    if not request.caller.sees(record.base["owner"]):
        raise kernel.Refusal(403, f"You are not authorized to complete {action} action.")
    return record
