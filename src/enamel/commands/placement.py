"""Where servers go: a path of cloud, region and zone, and the spots below it."""

import uuid
from collections.abc import Callable, Sequence

from msgspec import Struct

from enamel.commands.command import Want
from enamel.commands.facts import Facts
from enamel.commands.fleet import Member
from enamel.model.errors import Fault
from enamel.model.launch import Launch

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
    parts = [launch, *([launch.defaults] if launch.defaults else []), *(launch.servers or [])]
    found = {
        name
        for part in parts
        if part.placement is not None and (name := part.placement.split("/")[0]) in want.clouds
    }
    if len(found) > 1:
        listed = ", ".join(sorted(found))
        detail = f"The servers of one launch go to one cloud; these name {listed}. Send one launch for each."
        return None, (Fault(pointer="/placement", detail=detail),)
    return next(iter(found), None), ()


def spots(member: Member, facts: Facts, complain: Callable[[str, str, str], None]) -> tuple[Spot, ...]:
    """Return where a server may go, in order; with no placement the cloud chooses its zone.

    A placement with zones below it means any of them: the next is tried when one has no valid host.
    """
    wish = member.wish
    root = f"{facts.cloud}/{facts.identity.region}"
    paths = {f"{root}/{zone.name}": zone for zone in facts.zones}
    wanted = wish.placement
    pointer = member.at("placement")
    if wish.placement_id is not None:
        pointer = member.at("placement_id")
        known = {id_of(path): path for path in (facts.cloud, root, *paths)}
        if wish.placement_id not in known:
            complain(pointer, f"There is no placement with the id '{wish.placement_id}'.", "unknown")
            return ()
        wanted = known[wish.placement_id]
    if wanted is None:
        return (Spot(path=root),)
    wanted = wanted.strip("/")
    if wanted in (facts.cloud, root):
        return tuple(Spot(path=path, zone=zone.name) for path, zone in paths.items() if zone.available) or (
            Spot(path=root),
        )
    fitting = [path for path in paths if path == wanted or path.endswith("/" + wanted)]
    if not fitting:
        listed = ", ".join([facts.cloud, root, *paths])
        complain(pointer, f"There is no placement '{wanted}'. There are: {listed}.", "unknown")
        return ()
    zone = paths[fitting[0]]
    if not zone.available:
        complain(pointer, f"Zone '{zone.name}' is not available at the moment.", "unavailable")
    return (Spot(path=fitting[0], zone=zone.name),)
