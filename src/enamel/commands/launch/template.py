"""The template and the type: what a server starts from, how large it is, and whether the one fits the other."""

from collections.abc import Iterable

from enamel.clouds.capability import Capability
from enamel.commands.launch.server_request import RequestedServer
from enamel.commands.lookup import Lookup, Named
from enamel.model import cloud
from enamel.model.launch import SizeRequest
from enamel.model.states import ImageState, VolumeState

GIB = 1024**3


def flavor(member: RequestedServer, lookup: Lookup, *, from_volume: bool) -> cloud.Flavor | None:
    """Return the server type that a server names, or the smallest that has what it asks for.

    Args:
        member: The server.
        lookup: The facts.
        from_volume: Whether the server boots from a volume, and needs no disk of the type.
    """
    body, pointer = member.request, member.at_either("type")
    if isinstance(body.type, SizeRequest):
        return _smallest(body.type, pointer, lookup, from_volume=from_volume)
    named = body.type_id or body.type
    if named is None:
        return None
    ids_only = body.type_id is not None
    return lookup.find(lookup.facts.flavors, named, what="server type", pointer=pointer, ids_only=ids_only)


def _smallest(size: SizeRequest, pointer: str, lookup: Lookup, *, from_volume: bool) -> cloud.Flavor | None:
    fitting = [
        flavor
        for flavor in lookup.facts.flavors
        if flavor.memory_mb >= size.memory_mb
        and flavor.vcpus >= size.cpu_units
        and (flavor.disk_gb >= max(size.root_disk_gb, 1) or (from_volume and not flavor.disk_gb))
    ]
    if not fitting:
        largest = max(lookup.facts.flavors, key=lambda flavor: (flavor.memory_mb, flavor.vcpus), default=None)
        hint = (
            f" The largest, '{largest.name}', has {largest.memory_mb} MB, {largest.vcpus} cores and "
            f"{largest.disk_gb} GB."
            if largest
            else ""
        )
        lookup.fault(pointer, f"No server type is that large.{hint}", "unknown")
        return None
    return min(fitting, key=lambda flavor: (flavor.memory_mb, flavor.vcpus, flavor.disk_gb, flavor.name))


def template(member: RequestedServer, lookup: Lookup) -> tuple[cloud.Image | None, cloud.Volume | None]:
    """Return the image or the volume that a server starts from; where a name fits both, it means the image."""
    body, pointer = member.request, member.at_either("template")
    named = body.template_id or body.template
    if named is None:
        return None, None
    ids_only = body.template_id is not None
    images, volumes = lookup.facts.images, lookup.facts.volumes
    if not _means(images, named, ids_only=ids_only) and _means(volumes, named, ids_only=ids_only):
        volume = lookup.find(volumes, named, what="volume", pointer=pointer, ids_only=ids_only)
        return None, volume if volume and _bootable(member, volume, pointer, lookup) else None
    image = lookup.find(images, named, what="template", pointer=pointer, ids_only=ids_only)
    if image is not None and image.state is not ImageState.ACTIVE:
        lookup.fault(pointer, f"Image '{image.name}' cannot be booted: its state is '{image.status}'.")
        return None, None
    return image, None


def _means(things: Iterable[Named], text: str, *, ids_only: bool) -> bool:
    """Tell whether a text is the id of one of some things, or its name."""
    return any(thing.id == text or (thing.name == text and not ids_only) for thing in things)


def _bootable(member: RequestedServer, volume: cloud.Volume, pointer: str, lookup: Lookup) -> bool:
    """Tell whether a server can start from a volume."""
    trouble = None
    if not volume.bootable:
        trouble = f"Volume '{volume.name}' is not bootable."
    elif volume.state is not VolumeState.AVAILABLE:
        trouble = f"Volume '{volume.name}' is not available: its state is '{volume.status}'."
    elif member.request.boot_volume is not None:
        trouble = f"'{volume.name}' is a volume: the server boots from it, leave `boot_volume` out."
    if trouble:
        lookup.fault(pointer, trouble)
    else:
        lookup.claim("volume", volume.id, pointer=pointer)
    return trouble is None


def check_fit(member: RequestedServer, lookup: Lookup, *, size: cloud.Flavor, image: cloud.Image) -> None:
    """Find out whether an image fits the disk and the memory."""
    boot = member.request.boot_volume
    if not (size.disk_gb or boot or image.volume_backed or Capability.ZERO_DISK in lookup.facts.capabilities):
        detail = (
            f"Server type '{size.name}' has no disk: give the server a `boot_volume`, or choose another type."
        )
        lookup.fault(member.at_either("type"), detail, "too_small")
    room = boot.size_gb if boot else size.disk_gb
    needed = needed_gb(image)
    if room and needed > room:
        pointer = f"{member.at('boot_volume')}/size_gb" if boot else member.at_either("template")
        disk = "the boot volume" if boot else f"the disk of '{size.name}'"
        lookup.fault(pointer, f"Template '{image.name}' needs {needed} GB; {disk} has {room}.", "too_small")
    if image.min_memory_mb > size.memory_mb:
        detail = f"Template '{image.name}' needs {image.min_memory_mb} MB of memory; '{size.name}' has {size.memory_mb}."
        lookup.fault(member.at_either("type"), detail, "too_small")


def needed_gb(image: cloud.Image) -> int:
    """Return how large the disk has to be that an image is put on."""
    if image.volume_backed:
        return image.min_disk_gb
    return max(image.min_disk_gb, -(-max(image.size_bytes, image.virtual_size_bytes) // GIB))
