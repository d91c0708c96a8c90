"""The body of a volume that is made."""

from msgspec import Struct

from enamel.model.launch import Gigabytes, Name


class VolumeWish(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A volume, empty or with the bytes of an image."""

    name: Name
    size_gb: Gigabytes
    type: Name | None = None
    """Volume type; the cloud chooses where none is named."""
    template: Name | None = None
    """Name or id of an image; the volume can then be booted from."""
