"""Where servers go: a path of cloud, region and zone, and the spots below it."""

import uuid
from collections.abc import Sequence

from msgspec import Struct

from enamel.commands.command import Want
from enamel.commands.lookup import Lookup
from enamel.commands.member import Member
from enamel.model.errors import Fault
from enamel.model.launch import Launch, ServerWish

SPACE = uuid.UUID("5c6f2f6e-7f0a-5e0c-9d57-3a9a3f1f8a52")
"""Namespace of placement ids: the same path has the same id in every run."""


class Spot(Struct, frozen=True, kw_only=True):
    """One place where a server can be tried."""

    path: str
    zone: str | None = None
    """Availability zone; None leaves it to the cloud."""


def id_of(path: str) -> str:
    """Return the id of the placement with a path."""
    return str(uuid.uuid5(SPACE, path))


def cloud_of(want: Want) -> tuple[str | None, Sequence[Fault]]:
    """Return the cloud that a launch names by its placements; None where it names none."""
    launch = want.body
    if not isinstance(launch, Launch):
        return None, ()
    parts: list[tuple[str, ServerWish]] = [("", launch)]
    parts += [("/defaults", launch.defaults)] if launch.defaults else []
    parts += [(f"/servers/{number}", one) for number, one in enumerate(launch.servers or ())]
    named = [
        (pointer, name)
        for pointer, part in parts
        if part.placement is not None and (name := part.placement.strip("/").split("/")[0]) in want.clouds
    ]
    if not named:
        return None, ()
    first = named[0][1]
    detail = "The servers of one launch go to one cloud; send one launch for each."
    others = [pointer for pointer, name in named if name != first]
    return first, tuple(Fault(pointer=f"{pointer}/placement", detail=detail) for pointer in others)


def spots(member: Member, look: Lookup) -> tuple[Spot, ...]:
    """Return where a server may go, in order; with no placement the cloud chooses its zone.

    A placement with zones below it means any of them: the next is tried when one has no valid host.
    """
    facts, wanted = look.facts, member.wish.placement
    pointer = member.at_either("placement")
    root = f"{facts.cloud}/{facts.identity.region}"
    zones = {f"{root}/{zone.name}": zone for zone in facts.zones}
    if member.wish.placement_id is not None:
        known = {id_of(path): path for path in (facts.cloud, root, *zones)}
        wanted = known.get(member.wish.placement_id)
        if wanted is None:
            detail = f"There is no placement with the id '{member.wish.placement_id}'."
            look.fault(pointer, detail, "unknown")
            return ()
    if wanted is None:
        return (Spot(path=root),)
    wanted = wanted.strip("/")
    if wanted in (facts.cloud, root, facts.identity.region):
        usable = [Spot(path=path, zone=zone.name) for path, zone in zones.items() if zone.available]
        if zones and not usable:
            look.fault(pointer, f"No zone of '{wanted}' is available at the moment.", "unavailable")
        return tuple(usable) or (Spot(path=root),)
    path = next((path for path in zones if wanted == path or path.endswith("/" + wanted)), None)
    if path is None:
        listed = ", ".join([facts.cloud, root, *zones])
        look.fault(pointer, f"There is no placement '{wanted}'. There are: {listed}.", "unknown")
        return ()
    zone = zones[path]
    if not zone.available:
        look.fault(pointer, f"Zone '{zone.name}' is not available at the moment.", "unavailable")
    return (Spot(path=path, zone=zone.name),)
