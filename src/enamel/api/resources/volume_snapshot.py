"""The routes of a volume's snapshots."""

from msgspec import Struct, field

from enamel.api import collection, command, links
from enamel.api.collection import Window
from enamel.api.links import Links
from enamel.api.request import Request, Response
from enamel.api.route import CLOUD_ERRORS, Route
from enamel.model import errors, ids
from enamel.model.volume import SnapshotRequest
from enamel.service.resources import volume_snapshot


class VolumeSnapshot(volume_snapshot.VolumeSnapshot, frozen=True, kw_only=True):
    """What was on a volume at some time."""

    links: Links = field(name="_links")


class VolumeSnapshots(Struct, frozen=True, kw_only=True):
    """A page of a volume's snapshots, by name."""

    snapshots: tuple[VolumeSnapshot, ...]
    links: Links = field(name="_links")


async def list_snapshots(request: Request) -> Response:
    """List the snapshots of a volume."""
    page = await request.services.volume_snapshots.list(
        request.ctx, request.params["id"], **collection.window(request)
    )
    own = collection.page_links(request, page, schema="volume_snapshots", key=lambda snapshot: snapshot.id)
    snapshots = tuple(_shown(request, record) for record in page.entries)
    return Response(body=VolumeSnapshots(snapshots=snapshots, links=own))


async def create_snapshot(request: Request) -> Response:
    """Create a snapshot."""
    return await command.submit(
        request, "volume.snapshot", params={"volume": ids.canonical(request.params["id"])}
    )


async def delete_snapshot(request: Request) -> Response:
    """Delete a snapshot."""
    params = {
        "volume": ids.canonical(request.params["id"]),
        "snapshot": ids.canonical(request.params["snapshot"]),
    }
    return await command.submit(request, "volume.delete_snapshot", params=params)


def _shown(request: Request, record: volume_snapshot.VolumeSnapshot) -> VolumeSnapshot:
    here = f"/volumes/{record.volume_id}/snapshots"
    own = links.of(
        here,
        schema="volume_snapshot",
        volume=f"/volumes/{record.volume_id}",
        delete=links.permitted(request.ctx, "enamel:volume_snapshot:delete", f"DELETE {here}/{record.id}"),
    )
    return links.added(VolumeSnapshot, record, own)


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/volumes/{id}/snapshots",
        name="list_volume_snapshots",
        relation="volume_snapshots",
        handler=list_snapshots,
        summary="List the snapshots of a volume.",
        query=Window,
        responses={200: (VolumeSnapshots,)},
        errors=(errors.NotFound, errors.CapabilityMissing, *CLOUD_ERRORS),
        rules=("enamel:volume_snapshot:list",),
    ),
    Route(
        method="POST",
        path="/volumes/{id}/snapshots",
        name="create_volume_snapshot",
        relation="volume_snapshots",
        handler=create_snapshot,
        summary="Create a snapshot of a volume.",
        query=command.DryRun,
        request=SnapshotRequest,
        responses=command.RESPONSES,
        errors=(errors.NotFound, errors.WrongState, errors.QuotaExceeded, *CLOUD_ERRORS),
        rules=("enamel:volume_snapshot:create",),
    ),
    Route(
        method="DELETE",
        path="/volumes/{id}/snapshots/{snapshot}",
        name="delete_volume_snapshot",
        relation="volume_snapshot",
        handler=delete_snapshot,
        summary="Delete a snapshot of a volume.",
        query=command.Deletion,
        responses=command.RESPONSES,
        errors=(errors.NotFound, *CLOUD_ERRORS),
        rules=("enamel:volume_snapshot:delete",),
    ),
)
"""The rows of the table that these handlers serve."""
