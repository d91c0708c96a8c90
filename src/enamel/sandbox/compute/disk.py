"""The disks a server boots with: new and existing volumes, and the image of a local disk."""

from __future__ import annotations

from typing import Any

from enamel.sandbox import http, kernel, seams
from enamel.sandbox.compute import schema, server

GIB = 1 << 30
ZERO_DISK_SINCE = (2, 72)
"""From this version on, policy keeps flavors without a disk to servers that boot from volumes."""


def block_devices(request: http.Request, asked: dict[str, Any], *, most: int) -> list[server.BlockDevice]:
    """Return the volumes the servers are to be booted with; local disks need no record."""
    devices = [_mapped_volume(request, item, most=most) for item in asked.get("block_device_mapping", [])]
    for item in asked.get("block_device_mapping_v2", []):
        source, source_id = item.get("source_type", "blank"), item.get("uuid", "")
        target = item.get("destination_type", "volume" if source in ("volume", "snapshot") else "local")
        if source != "blank" and not source_id:
            raise kernel.Refusal(400, "Block Device Mapping is Invalid: Missing device UUID.")
        if source in ("volume", "snapshot") and target != "volume":
            raise kernel.Refusal(
                400, "Block Device Mapping is Invalid: Mapping volume to local is not supported."
            )
        if "volume_type" in item and item["volume_type"] and request.version < (2, 67):
            raise kernel.Refusal(
                400,
                f"Invalid input for field/attribute {asked['block_device_mapping_v2'].index(item)}. Value: {item}."
                " Additional properties are not allowed ('volume_type' was unexpected)",
            )
        if target != "volume":
            continue
        index = item.get("boot_index")
        device = server.BlockDevice(
            source=source,
            source_id=source_id,
            size=int(item.get("volume_size") or 0),
            boot_index=None if index is None else int(index),
            delete_on_termination=schema.truth(item.get("delete_on_termination", False)),
            volume_type=item.get("volume_type") or "",
            device=item.get("device_name") or "",
            tag=item.get("tag"),
        )
        _check_disk(request, device, most=most, zone=_zone(asked))
        devices.append(device)
    return devices


def _zone(asked: dict[str, Any]) -> str:
    """Return the zone that a server is to be in, without a host."""
    return str(asked.get("availability_zone") or "").partition(":")[0]


def _mapped_volume(request: http.Request, item: dict[str, Any], *, most: int) -> server.BlockDevice:
    """Return a volume from the `block_device_mapping` of the first API, which names it by its device."""
    device, id = str(item.get("device_name") or ""), str(item.get("volume_id") or "")
    if not device or not id:
        raise kernel.Refusal(400, "Block Device Mapping is Invalid: Missing device UUID.")
    mapped = server.BlockDevice(
        source="volume",
        source_id=id,
        size=int(item.get("volume_size") or 0),
        boot_index=0 if device.rpartition("/")[2] == "vda" else None,
        delete_on_termination=schema.truth(item.get("delete_on_termination", False)),
        volume_type="",
        device=device,
        tag=None,
    )
    _check_disk(request, mapped, most=most)
    return mapped


def _check_disk(request: http.Request, device: server.BlockDevice, *, most: int, zone: str = "") -> None:
    """Refuse a volume that cannot be used as requested."""
    cloud, source_id = request.cloud, device.source_id
    if device.source == "volume":
        volume = cloud.volume.find(request.caller, source_id)
        if volume is None:
            raise kernel.Refusal(400, f"Block Device Mapping is Invalid: failed to get volume {source_id}.")
        if volume.status != "available" and not (volume.multiattach and volume.status == "in-use"):
            raise kernel.Refusal(
                400,
                f"Invalid volume: status must be 'available' to attach. Volume {source_id} is '{volume.status}'."
                if volume.status != "in-use"
                else f"Invalid volume: volume {source_id} already attached",
            )
        if device.boot_index == 0 and not volume.bootable:
            raise kernel.Refusal(400, f"Block Device {source_id} is not bootable.")
        if zone and volume.zone != zone and not cloud.settings.cross_az_attach:
            raise kernel.Refusal(
                400,
                f"Invalid volume: Server and volumes are not in the same availability zone. Server is in: {zone}."
                f" Volumes are in: {volume.zone}",
            )
        if most > 1 and not volume.multiattach:
            raise kernel.Refusal(400, "Cannot attach one or more volumes to multiple instances")
        return
    if device.source == "snapshot" and not cloud.volume.has_snapshot(request.caller, source_id):
        raise kernel.Refusal(400, f"Block Device Mapping is Invalid: failed to get snapshot {source_id}.")
    if device.source == "image" and cloud.image.find(request.caller, source_id) is None:
        raise kernel.Refusal(400, f"Block Device Mapping is Invalid: failed to get image {source_id}.")
    if device.source in ("image", "blank") and not device.size:
        raise kernel.Refusal(
            400,
            "Images with destination_type 'volume' need to have a non-zero size specified"
            if device.source == "image"
            else "Blank volumes (source: 'blank', dest: 'volume') need to have non-zero size",
        )


def root_image(
    request: http.Request,
    asked: dict[str, Any],
    *,
    flavor: server.Flavor,
    devices: list[server.BlockDevice],
) -> seams.Image | None:
    """Return the image the servers' local root disks are made from, or None when they boot from volumes."""
    roots = [item for item in devices if item.boot_index == 0]
    image_id = asked.get("imageRef", "")
    if not image_id:
        local = [
            item
            for item in asked.get("block_device_mapping_v2", [])
            if str(item.get("boot_index")) == "0" and item.get("destination_type") == "local"
        ]
        if not roots and not local:
            raise kernel.Refusal(
                400,
                "Missing imageRef attribute"
                if not asked.get("block_device_mapping_v2")
                else "Block Device Mapping is Invalid: Boot sequence for the instance and image/block device"
                " mapping combination is not valid.",
            )
        if roots:
            _check_root(request, roots[0], flavor=flavor)
        return None
    image = request.cloud.image.find(request.caller, image_id)
    if image is None:
        raise kernel.Refusal(400, "Can not find requested image")
    if image.status != "active":
        raise kernel.Refusal(400, f"Image {image_id} is not active.")
    if len(roots) > 1:
        raise kernel.Refusal(
            400,
            "Block Device Mapping is Invalid: Boot sequence for the instance and image/block device mapping"
            " combination is not valid.",
        )
    if roots:
        _check_root(request, roots[0], flavor=flavor)
        return None
    fits(image, flavor)
    newest = request.cloud.era.compute
    if not flavor.disk and not request.caller.admin and newest is not None and newest[1] >= ZERO_DISK_SINCE:
        raise kernel.Refusal(403, "Only volume-backed servers are allowed for flavors with zero disk.")
    return image


def _check_root(request: http.Request, root: server.BlockDevice, *, flavor: server.Flavor) -> None:
    """Refuse a root volume that is smaller than its image needs."""
    if root.source != "image":
        return
    image = request.cloud.image.find(request.caller, root.source_id)
    if image is None:
        return
    if flavor.ram < image.min_ram:
        raise kernel.Refusal(400, "Flavor's memory is too small for requested image.")
    if root.size < image.min_disk:
        raise kernel.Refusal(
            400,
            "Volume is smaller than the minimum size specified in image metadata. Volume size is"
            f" {root.size * GIB} bytes, minimum size is {image.min_disk * GIB} bytes.",
        )


def fits(image: seams.Image, flavor: server.Flavor) -> None:
    """Refuse an image that needs more memory or disk than the flavor has."""
    if flavor.ram < image.min_ram:
        raise kernel.Refusal(400, "Flavor's memory is too small for requested image.")
    if not flavor.disk:
        return
    if image.size > flavor.disk * GIB:
        raise kernel.Refusal(
            400,
            "Flavor's disk is too small for requested image. Flavor disk is"
            f" {flavor.disk * GIB} bytes, image is {image.size} bytes.",
        )
    if image.min_disk > flavor.disk:
        raise kernel.Refusal(
            400,
            "Flavor's disk is smaller than the minimum size specified in image metadata. Flavor disk is"
            f" {flavor.disk * GIB} bytes, minimum size is {image.min_disk * GIB} bytes.",
        )
