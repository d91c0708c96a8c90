"""The bodies of volumes that are made, and of their snapshots."""

from typing import Annotated

from msgspec import Meta, Struct

from enamel.model.launch import Gigabytes, Name


class SnapshotRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A snapshot of a volume, as it is at that moment."""

    name: Name
    description: Annotated[str, Meta(max_length=255)] | None = None
    """What it is for."""


class VolumeRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A volume, empty or with the bytes of an image."""

    name: Name
    size_gb: Gigabytes
    type: Name | None = None
    """Volume type; the cloud chooses where none is named."""
    template: Name | None = None
    """Name or id of an image; the volume can then be booted from."""
