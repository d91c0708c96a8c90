"""The routes of a volume's snapshots: what was on it at some time."""

from datetime import datetime

from msgspec import Struct, field

from enamel.api import collection, links
from enamel.api.links import Links
from enamel.api.request import Request, Response
from enamel.api.resources import task
from enamel.model import cloud, ids
from enamel.model.errors import NotFound


class VolumeSnapshot(Struct, frozen=True, kw_only=True):
    """What was on a volume at some time."""

    id: str
    volume_id: str
    name: str
    description: str
    size_gb: int
    state: str
    """creating, available, deleting, error …"""
    created_at: datetime | None
    links: Links = field(name="_links")


class VolumeSnapshots(Struct, frozen=True, kw_only=True):
    """A page of a volume's snapshots, by name."""

    snapshots: tuple[VolumeSnapshot, ...]
    links: Links = field(name="_links")


async def list_snapshots(request: Request) -> Response:
    """Answer with the snapshots of a volume."""
    found = await request.services.catalogue.volume_snapshots(_id(request, "id", what="volume"))
    shown, own = collection.page(
        request, found, what="snapshot", schema="volume_snapshots", key=lambda one: one.id
    )
    return Response(body=VolumeSnapshots(snapshots=tuple(map(_of, shown)), links=own))


async def create_snapshot(request: Request) -> Response:
    """Have a snapshot made."""
    return await task.command(
        request, "volume.snapshot", params={"volume": _id(request, "id", what="volume")}
    )


async def delete_snapshot(request: Request) -> Response:
    """Have a snapshot deleted."""
    params = {
        "volume": _id(request, "id", what="volume"),
        "snapshot": _id(request, "snapshot", what="snapshot"),
    }
    return await task.command(request, "volume.delete_snapshot", params=params)


def _id(request: Request, name: str, *, what: str) -> str:
    """Return an id of the path in its one form."""
    told: str = request.params[name]
    if not ids.is_id(told):
        raise NotFound(f"There is no {what} '{told[:64]}'.")
    return told.lower()


def _of(found: cloud.VolumeSnapshot) -> VolumeSnapshot:
    here = f"/volumes/{found.volume_id}/snapshots"
    return VolumeSnapshot(
        id=found.id,
        volume_id=found.volume_id,
        name=found.name,
        description=found.description,
        size_gb=found.size_gb,
        state=found.status,
        created_at=found.created,
        links=links.of(
            here,
            schema="volume_snapshot",
            volume=f"/volumes/{found.volume_id}",
            delete=f"DELETE {here}/{found.id}",
        ),
    )
