"""The template and the type: what a server starts from, how large it is, and whether the one fits the other."""

from collections.abc import Iterable

from enamel.commands.launch.server_request import RequestedServer
from enamel.commands.lookup import Lookup, Named
from enamel.model import cloud
from enamel.model.launch import SizeRequest
from enamel.model.states import ImageState, VolumeState

GIB = 1024**3


def flavor(member: RequestedServer, look: Lookup) -> cloud.Flavor | None:
    """Return the server type that a server names, or the smallest that has what it asks for."""
    wish, pointer = member.wish, member.at_either("type")
    if isinstance(wish.type, SizeRequest):
        return _smallest(wish.type, pointer, look)
    wanted = wish.type_id or wish.type
    if wanted is None:
        return None
    ids_only = wish.type_id is not None
    return look.find(look.facts.flavors, wanted, what="server type", pointer=pointer, ids_only=ids_only)


def _smallest(size: SizeRequest, pointer: str, look: Lookup) -> cloud.Flavor | None:
    fitting = [
        one
        for one in look.facts.flavors
        if one.memory_mb >= size.memory_mb
        and one.vcpus >= size.cpu_units
        and (one.disk_gb >= size.root_disk_gb or not one.disk_gb)
    ]
    if not fitting:
        largest = max(look.facts.flavors, key=lambda one: (one.memory_mb, one.vcpus), default=None)
        hint = (
            f" The largest, '{largest.name}', has {largest.memory_mb} MB, {largest.vcpus} cores and "
            f"{largest.disk_gb} GB."
            if largest
            else ""
        )
        look.fault(pointer, f"No server type is that large.{hint}", "unknown")
        return None
    return min(fitting, key=lambda one: (one.memory_mb, one.vcpus, one.disk_gb, one.name))


def template(member: RequestedServer, look: Lookup) -> tuple[cloud.Image | None, cloud.Volume | None]:
    """Return the image or the volume that a server starts from; where a name fits both, it means the image."""
    wish, pointer = member.wish, member.at_either("template")
    wanted = wish.template_id or wish.template
    if wanted is None:
        return None, None
    ids_only = wish.template_id is not None
    images, volumes = look.facts.images, look.facts.volumes
    if not _means(images, wanted, ids_only=ids_only) and _means(volumes, wanted, ids_only=ids_only):
        volume = look.find(volumes, wanted, what="volume", pointer=pointer, ids_only=ids_only)
        return None, volume if volume and _bootable(member, volume, pointer, look) else None
    image = look.find(images, wanted, what="template", pointer=pointer, ids_only=ids_only)
    if image is not None and image.state is not ImageState.ACTIVE:
        look.fault(pointer, f"Image '{image.name}' cannot be booted: its state is '{image.status}'.")
        return None, None
    return image, None


def _means(things: Iterable[Named], wanted: str, *, ids_only: bool) -> bool:
    """Tell whether a text is the id of one of some things, or its name."""
    return any(one.id == wanted or (one.name == wanted and not ids_only) for one in things)


def _bootable(member: RequestedServer, volume: cloud.Volume, pointer: str, look: Lookup) -> bool:
    """Tell whether a server can start from a volume."""
    trouble = None
    if not volume.bootable:
        trouble = f"Volume '{volume.name}' is not bootable."
    elif volume.state is not VolumeState.AVAILABLE:
        trouble = f"Volume '{volume.name}' is not available: its state is '{volume.status}'."
    elif member.wish.boot_volume is not None:
        trouble = f"'{volume.name}' is a volume: the server boots from it, leave `boot_volume` out."
    if trouble:
        look.fault(pointer, trouble)
    else:
        look.claim("volume", volume.id, pointer=pointer)
    return trouble is None


def check_fit(member: RequestedServer, look: Lookup, *, size: cloud.Flavor, image: cloud.Image) -> None:
    """Find out whether an image fits the disk and the memory."""
    boot = member.wish.boot_volume
    room = boot.size_gb if boot else size.disk_gb
    needed = needed_gb(image)
    if room and needed > room:
        where = f"{member.at('boot_volume')}/size_gb" if boot else member.at_either("template")
        disk = "the boot volume" if boot else f"the disk of '{size.name}'"
        look.fault(where, f"Template '{image.name}' needs {needed} GB; {disk} has {room}.", "too_small")
    if image.min_memory_mb > size.memory_mb:
        detail = f"Template '{image.name}' needs {image.min_memory_mb} MB of memory; '{size.name}' has {size.memory_mb}."
        look.fault(member.at_either("type"), detail, "too_small")


def needed_gb(image: cloud.Image) -> int:
    """Return how large the disk has to be that an image is put on."""
    if image.volume_backed:
        return image.min_disk_gb
    return max(image.min_disk_gb, -(-max(image.size_bytes, image.virtual_size_bytes) // GIB))
