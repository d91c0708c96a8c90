"""Where servers go: a path of cloud, region and zone, or a container over them, and the spots below it."""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from enamel.commands.command import CommandRequest
from enamel.commands.launch.server_request import RequestedServer
from enamel.commands.lookup import Lookup
from enamel.model.cloud import Zone
from enamel.model.errors import Fault
from enamel.model.launch import Launch, ServerRequest
from enamel.model.placement import Container, Containers, clouds_at, id_of, root_of


class Spot(Struct, frozen=True, kw_only=True):
    """One place where a server can be tried."""

    path: str
    zone: str | None = None
    """Availability zone; None leaves it to the cloud."""


def cloud_of(request: CommandRequest) -> tuple[str | None, Sequence[Fault]]:
    """Return the cloud that a launch names by its placements; None where it names none."""
    reached, faults = clouds_of(request)
    return (reached[0] if reached else None), faults


def elsewhere(request: CommandRequest) -> Sequence[str]:
    """Return the further clouds that a launch can go to."""
    return clouds_of(request)[0][1:]


def clouds_of(request: CommandRequest) -> tuple[tuple[str, ...], Sequence[Fault]]:
    """Return the clouds that a launch can go to by its placements, the first choice first; none where it names none."""
    launch = request.body
    if not isinstance(launch, Launch):
        return (), ()
    parts: list[tuple[str, ServerRequest]] = [("", launch)]
    parts += [("/defaults", launch.defaults)] if launch.defaults else []
    parts += [(f"/servers/{number}", server) for number, server in enumerate(launch.servers or ())]
    common: tuple[str, ...] = ()
    faults = []
    for pointer, part in parts:
        name = "placement" if part.placement_id is None else "placement_id"
        reached = _reached(part, request)
        if not reached:
            continue
        both = tuple(cloud for cloud in common if cloud in reached) if common else reached
        if not both:
            detail = "The servers of one launch go to one cloud; send one launch for each."
            faults.append(Fault(pointer=f"{pointer}/{name}", detail=detail))
        common = both or common
    return common, tuple(faults)


def _reached(body: ServerRequest, request: CommandRequest) -> tuple[str, ...]:
    """Return the clouds that a server request's placement is in; none where it names no cloud."""
    container = _container(body, request.containers)
    if container is not None:
        return request.containers.clouds(container, among=request.clouds)
    if body.placement is None:
        if body.placement_id is None:
            return ()
        # Which region or zone has the id, only the clouds know.
        return tuple(cloud for cloud in request.clouds if _is_of(body.placement_id, cloud)) or request.clouds
    path = request.containers.below(body.placement.strip("/")) or ""
    return clouds_at(path, request.clouds) if path else ()


def _is_of(placement_id: str, cloud: str) -> bool:
    """Tell whether an id is that of a cloud, or of the entry whose region it is."""
    return placement_id in {id_of(cloud), id_of(cloud.partition("/")[0])}


def _container(body: ServerRequest, containers: Containers) -> Container | None:
    """Return the container that a request names by its id, its name or a path."""
    if body.placement_id is not None:
        return containers.with_id(body.placement_id)
    if body.placement is None:
        return None
    container = containers.with_id(body.placement)
    return container or containers.named(containers.below(body.placement.strip("/")) or "")


def spots(member: RequestedServer, lookup: Lookup) -> tuple[Spot, ...]:
    """Return where a server may go on the cloud that is planned for, in order; with no placement the cloud chooses.

    A placement with zones below it means any of them: the next is tried when one has no valid host.
    """
    facts, body = lookup.facts, member.request
    pointer = member.at_either("placement")
    root = root_of(facts.cloud, facts.identity.region)
    entry = facts.cloud.partition("/")[0]
    zones = {f"{root}/{zone.name}": zone for zone in facts.zones}
    container = _container(body, facts.containers)
    if container is not None:
        leaves = facts.containers.leaves(container)
        below = _below(leaves, zones, above=(entry, facts.cloud, root))
        if not below:
            here = any(clouds_at(path, (facts.cloud,)) for path in leaves)
            detail = f"No member of '{container.name}' is available at the moment"
            lookup.fault(pointer, f"{detail} on '{facts.cloud}'." if here else f"{detail}.", "unavailable")
        return below
    path_wanted = body.placement
    if body.placement_id is not None:
        known = {id_of(path): path for path in (entry, facts.cloud, root, *zones)}
        path_wanted = known.get(body.placement_id)
        if path_wanted is None:
            detail = f"There is no placement with the id '{body.placement_id}'."
            lookup.fault(pointer, detail, "unknown")
            return ()
    if path_wanted is None:
        return (Spot(path=root),)
    path_wanted = facts.containers.below(path_wanted.strip("/"))
    if path_wanted in (entry, facts.cloud, root, facts.identity.region):
        usable = _below([root], zones, above=(root,))
        if not usable:
            lookup.fault(pointer, f"No zone of '{path_wanted}' is available at the moment.", "unavailable")
        return usable or (Spot(path=root),)
    path = next(
        (path for path in zones if path_wanted and (path_wanted == path or path.endswith("/" + path_wanted))),
        None,
    )
    if path is None:
        listed = ", ".join(
            [*(container_listed.name for container_listed in facts.containers), facts.cloud, root, *zones]
        )
        lookup.fault(
            pointer, f"There is no placement '{member.request.placement}'. There are: {listed}.", "unknown"
        )
        return ()
    zone = zones[path]
    if not zone.available:
        lookup.fault(pointer, f"Zone '{zone.name}' is not available at the moment.", "unavailable")
    return (Spot(path=path, zone=zone.name),)


def _below(paths: Iterable[str], zones: dict[str, Zone], *, above: Sequence[str]) -> tuple[Spot, ...]:
    """Return the spots in and below some paths that can be used now, in the order of the paths.

    Args:
        paths: Clouds, regions and zones.
        zones: The zones of the cloud that is planned for, by their paths.
        above: The paths of that cloud and its region.
    """
    spots: dict[str, Spot] = {}
    for path in paths:
        for at, zone in zones.items():
            if zone.available and (at == path or path in above):
                spots.setdefault(at, Spot(path=at, zone=zone.name))
        if path in above and not zones:
            # A cloud without zones chooses by itself.
            spots.setdefault(above[-1], Spot(path=above[-1]))
    return tuple(spots.values())
