"""Sources of a new volume, and the size that they require."""

from __future__ import annotations

from typing import Any

from enamel.sandbox import kernel, seams, state, table


def image(cloud: state.Cloud, caller: kernel.Caller, image_id: str) -> seams.Image:
    """Return the image a volume is to be made from, or refuse."""
    image = cloud.image.find(caller, image_id)
    if image is None:
        raise kernel.Refusal(400, "Invalid image identifier or unable to access requested image.")
    if image.status != "active":
        raise kernel.Refusal(400, f"Invalid image: Image {image_id} is not active.")
    return image


def size(
    requested: Any, *, snapshot: table.Row | None, source: table.Row | None, image: seams.Image | None
) -> int:
    """Return the size of a new volume, or refuse one that is too small for what it is made from."""
    if requested is None:
        if snapshot or source:
            return int((snapshot or source or {})["size"])
        raise kernel.Refusal(
            400,
            "The server could not comply with the request since it is either malformed or otherwise incorrect.",
        )
    gigabytes = int(requested)
    if snapshot and gigabytes < snapshot["size"]:
        raise _input(
            f"Volume size '{gigabytes}'GB cannot be smaller than the snapshot size {snapshot['size']}GB. They must be >="
            " original snapshot size."
        )
    if source and gigabytes < source["size"]:
        raise _input(
            f"Volume size '{gigabytes}'GB cannot be smaller than original volume size  {source['size']}GB. They must be"
            " >= original volume size."
        )
    if image and gigabytes < image.min_disk:
        raise _input(
            f"Volume size {gigabytes}GB cannot be smaller than the image minDisk size {image.min_disk}GB."
        )
    if image and gigabytes << 30 < image.size:
        needed = -(-image.size >> 30)
        raise _input(f"Size of specified image {needed}GB is larger than volume size {gigabytes}GB.")
    return gigabytes


def image_metadata(image: seams.Image) -> kernel.Json:
    """Return the image metadata of a volume."""
    return {
        "signature_verified": "False",
        **image.properties,
        "image_id": image.id,
        "image_name": image.name,
        "container_format": image.container_format,
        "disk_format": image.disk_format,
        "min_disk": str(image.min_disk),
        "min_ram": str(image.min_ram),
        "size": str(image.size),
    }


def _input(message: str) -> kernel.Refusal:
    """Return the refusal of a request."""
    return kernel.Refusal(400, f"Invalid input received: {message}")
