"""The disk: the volume that a server boots from, and the further ones that it gets."""

from msgspec import Struct

from enamel.commands.launch.server_request import RequestedServer
from enamel.commands.lookup import Lookup
from enamel.model import cloud
from enamel.model.launch import VolumeChoice
from enamel.model.states import VolumeState


class Data(Struct, frozen=True, kw_only=True):
    """A volume of a server, new or existing."""

    size_gb: int = 0
    name: str = ""
    type: str | None = None
    volume_id: str | None = None
    delete_with_server: bool = True
    boot: bool = False


def disks(
    member: RequestedServer, start: cloud.Volume | None, lookup: Lookup, *, boot_from_new: bool
) -> tuple[Data, ...]:
    """Return a server's volumes, the one that it boots from first.

    Args:
        member: The server.
        start: The existing volume that it boots from.
        lookup: The facts.
        boot_from_new: Whether its `boot_volume` has to be made for it; otherwise the cloud makes what its image names.
    """
    boot = member.request.boot_volume if boot_from_new else None
    volumes = []
    if start is not None:
        volumes.append(Data(volume_id=start.id, boot=True, delete_with_server=False))
    if boot is not None:
        volumes.append(
            Data(
                size_gb=boot.size_gb,
                name=f"{member.hostname}-boot",
                type=_type(boot.type, f"{member.at('boot_volume')}/type", lookup),
                delete_with_server=boot.delete_with_server,
                boot=True,
            )
        )
    for number, choice in enumerate(member.request.volumes or ()):
        pointer = f"{member.at('volumes')}/{number}"
        if choice.volume is not None:
            existing = _existing(member, choice, f"{pointer}/volume", lookup)
            volumes += [existing] if existing else []
        elif choice.size_gb is not None:
            volumes.append(
                Data(
                    size_gb=choice.size_gb,
                    name=choice.name or f"{member.hostname}-{number + 1}",
                    type=_type(choice.type, f"{pointer}/type", lookup),
                    delete_with_server=choice.delete_with_server is not False,
                )
            )
    return tuple(volumes)


def _existing(member: RequestedServer, choice: VolumeChoice, pointer: str, lookup: Lookup) -> Data | None:
    """Return an existing volume, if the server can use it."""
    volume = lookup.find(lookup.facts.volumes, choice.volume or "", what="volume", pointer=pointer)
    if volume is None:
        return None
    usable = {VolumeState.AVAILABLE, VolumeState.IN_USE} if volume.multiattach else {VolumeState.AVAILABLE}
    if volume.state not in usable:
        detail = f"Volume '{volume.name}' cannot be used: its state is '{volume.status}'."
        lookup.fault(pointer, detail, "in_use" if volume.state is VolumeState.IN_USE else "invalid")
    if volume.multiattach:
        lookup.claim("volume", f"{volume.id} {member.hostname}", pointer=pointer)
    else:
        lookup.claim("volume", volume.id, pointer=pointer)
    return Data(volume_id=volume.id, delete_with_server=choice.delete_with_server or False)


def _type(name: str | None, pointer: str, lookup: Lookup) -> str | None:
    if name is None:
        return None
    type = lookup.find(lookup.facts.volume_types, name, what="volume type", pointer=pointer)
    return type.name if type else None
