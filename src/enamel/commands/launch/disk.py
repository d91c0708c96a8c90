"""The disk: the volume that a server boots from, and the further ones that it gets."""

from msgspec import Struct

from enamel.commands.launch.server_request import RequestedServer
from enamel.commands.lookup import Lookup
from enamel.model import cloud
from enamel.model.launch import VolumeChoice
from enamel.model.states import VolumeState


class Data(Struct, frozen=True, kw_only=True):
    """A volume of a server: one to be made, or one that is there."""

    size_gb: int = 0
    name: str = ""
    type: str | None = None
    volume_id: str | None = None
    delete_with_server: bool = True
    boot: bool = False


def disks(member: RequestedServer, start: cloud.Volume | None, look: Lookup) -> tuple[Data, ...]:
    """Return a server's volumes, the one that it boots from first."""
    boot = member.wish.boot_volume
    found = []
    if start is not None:
        found.append(Data(volume_id=start.id, boot=True, delete_with_server=False))
    if boot is not None:
        found.append(
            Data(
                size_gb=boot.size_gb,
                name=f"{member.hostname}-boot",
                type=_type(boot.type, f"{member.at('boot_volume')}/type", look),
                delete_with_server=boot.delete_with_server,
                boot=True,
            )
        )
    for number, choice in enumerate(member.wish.volumes or ()):
        pointer = f"{member.at('volumes')}/{number}"
        if choice.volume is not None:
            there = _existing(member, choice, f"{pointer}/volume", look)
            found += [there] if there else []
        elif choice.size_gb is not None:
            found.append(
                Data(
                    size_gb=choice.size_gb,
                    name=choice.name or f"{member.hostname}-{number + 1}",
                    type=_type(choice.type, f"{pointer}/type", look),
                    delete_with_server=choice.delete_with_server is not False,
                )
            )
    return tuple(found)


def _existing(member: RequestedServer, choice: VolumeChoice, pointer: str, look: Lookup) -> Data | None:
    """Return a volume that is there, if the server can have it."""
    volume = look.find(look.facts.volumes, choice.volume or "", what="volume", pointer=pointer)
    if volume is None:
        return None
    usable = {VolumeState.AVAILABLE, VolumeState.IN_USE} if volume.multiattach else {VolumeState.AVAILABLE}
    if volume.state not in usable:
        detail = f"Volume '{volume.name}' cannot be used: its state is '{volume.status}'."
        look.fault(pointer, detail, "in_use" if volume.state is VolumeState.IN_USE else "invalid")
    if volume.multiattach:
        look.claim("volume", f"{volume.id} {member.hostname}", pointer=pointer)
    else:
        look.claim("volume", volume.id, pointer=pointer)
    return Data(volume_id=volume.id, delete_with_server=choice.delete_with_server or False)


def _type(wanted: str | None, pointer: str, look: Lookup) -> str | None:
    if wanted is None:
        return None
    found = look.find(look.facts.volume_types, wanted, what="volume type", pointer=pointer)
    return found.name if found else None
