"""Steps on volumes: made before the server, so that they carry a mark and can be found again."""

from datetime import timedelta
from typing import ClassVar

from enamel.clouds.capability import Capability
from enamel.model import cloud, task
from enamel.model.errors import CloudConflict, EnamelError, Gone, Obstructed, StepTimedOut, VolumeFailed
from enamel.model.states import ServerActivity, ServerState, VolumeState
from enamel.steps import ownership
from enamel.steps.maker import Maker, now
from enamel.steps.ownership import Labels
from enamel.steps.step import ASK_AGAIN_AFTER, IN_USE, Context, Outputs, Retry, Step, in_time, insist

USABLE = frozenset({VolumeState.AVAILABLE, VolumeState.IN_USE})
BROKEN = frozenset({VolumeState.ERROR, VolumeState.DELETE_FAILED})


class CreateVolume(Maker, frozen=True, kw_only=True):
    """Make a volume, empty or from an image."""

    kind: ClassVar[str] = "volume.create"
    action: ClassVar[str] = "CREATING_VOLUME"
    requires: ClassVar[frozenset[Capability]] = frozenset({Capability.VOLUME})
    noun: ClassVar[str] = "volume"

    size_gb: int
    name: str
    type: str | None = None
    image_id: str | None = None
    zone: str | None = None

    def needs(self) -> dict[str, int]:
        """Return how much of each quota it uses up."""
        return {"volumes": 1, "gigabytes": self.size_gb}

    async def do(self, at: Context) -> Outputs:
        """Make it; it is not usable yet when the cloud answers."""
        volume = await at.cloud.create_volume(
            cloud.VolumeSpec(
                size_gb=self.size_gb,
                name=self.name,
                type=self.type,
                image_id=self.image_id,
                zone=self.zone,
                mark=at.mark,
            )
        )
        ownership.check_created(at, self.noun, volume.id, volume.mark)
        return self._outputs(at, volume)

    async def marked(self, at: Context) -> list[Outputs]:
        """Return the volumes with this mark."""
        return [self._outputs(at, volume) for volume in await at.cloud.volumes_marked(at.mark)]

    def _outputs(self, at: Context, volume: cloud.Volume) -> Outputs:
        return {"id": volume.id, "name": volume.name, "mark": at.mark}

    async def labels(self, at: Context, id: str) -> Labels:
        """Return the mark and the name of a volume. Raises Gone."""
        volume = await now(at.cloud.volumes, id)
        return Labels(volume.mark, volume.name)

    async def take_away(self, at: Context, id: str) -> None:
        """Delete one and wait until it is gone."""
        await remove(at, id)

    @staticmethod
    def made(outputs: Outputs) -> list[task.Made]:
        """Return the volume."""
        return [task.Made(kind="volume", id=outputs["id"], name=outputs["name"])]


class AwaitVolume(Step, frozen=True, kw_only=True):
    """Wait until a volume can be used."""

    kind: ClassVar[str] = "volume.await"
    action: ClassVar[str] = "BLOCK_DEVICE_MAPPING"
    repeatable: ClassVar[bool] = True
    waits: ClassVar[bool] = True
    waits_for: ClassVar[str] = "id"
    timeout: ClassVar[timedelta] = timedelta(minutes=30)

    id: str

    def timeout_error(self, seconds: float) -> EnamelError:
        """Say which volume took so long."""
        return StepTimedOut(f"Volume {self.id} could not be used after {seconds:.0f} s.")

    async def do(self, at: Context) -> Outputs:
        """Wait for it."""

        def usable(volume: cloud.Volume | None) -> bool:
            if volume is not None and volume.state in BROKEN:
                raise VolumeFailed(
                    f"Volume '{volume.name}' ({volume.size_gb} GB"
                    + (f", type '{volume.type}'" if volume.type else "")
                    + f") went to the state '{volume.status}'.",
                    cloud=at.cloud.name,
                )
            return volume is None or volume.state in USABLE

        volume = await at.cloud.volumes.until(self.id, usable, due=timedelta(seconds=0.7))
        if volume is None:
            raise Gone(f"Volume {self.id} has gone before it could be used.", cloud=at.cloud.name)
        return {"id": volume.id}


class DeleteVolume(Step, frozen=True, kw_only=True):
    """Delete a volume and wait until it is gone."""

    kind: ClassVar[str] = "volume.delete"
    action: ClassVar[str] = "DELETING_VOLUME"
    repeatable: ClassVar[bool] = True
    calls: ClassVar[int] = 2
    retry: ClassVar[Retry] = Retry(maximum_attempts=10, maximum_interval=timedelta(seconds=5), errors=IN_USE)

    id: str

    async def do(self, at: Context) -> Outputs:
        """Delete it."""
        await remove(at, self.id)
        return {"id": self.id}


async def remove(at: Context, id: str) -> None:
    """Delete a volume as soon as nothing is attached to it, and wait until the cloud has forgotten it.

    Raises:
        VolumeFailed: The cloud could not delete it.
        Obstructed: A server that stays has it, or it has snapshots.
        CloudConflict: It is in use.
    """

    def gone(volume: cloud.Volume | None) -> bool:
        if volume is not None and volume.state is VolumeState.DELETE_FAILED:
            raise VolumeFailed(f"Volume '{volume.name}' could not be deleted.", cloud=at.cloud.name)
        return volume is None

    await insist(
        at,
        lambda: _delete(at, id),
        lambda: at.cloud.volumes.until(id, gone, due=timedelta(seconds=0.5)),
    )


async def _delete(at: Context, id: str) -> None:
    """Begin to delete a volume; one that is about to be released is waited for."""
    try:
        await at.cloud.delete_volume(id)
        return
    except CloudConflict as exc:
        refusal = exc
    try:
        await _check_obstacles(at, await at.cloud.volume(id))
    except Gone:
        return

    # A server that was deleted a moment ago releases its volumes a little later.
    def free(volume: cloud.Volume | None) -> bool:
        return volume is None or volume.state in BROKEN | {VolumeState.AVAILABLE}

    try:
        released = await in_time(at, at.cloud.volumes.until(id, free), seconds=ASK_AGAIN_AFTER)
    except TimeoutError:
        raise refusal from None
    if released is not None:
        await at.cloud.delete_volume(id)


async def _check_obstacles(at: Context, volume: cloud.Volume) -> None:
    """Raise Obstructed where something stands in the way of a volume's deletion that does not go by itself."""
    for server_id in volume.attached_to:
        try:
            server = await at.cloud.server(server_id)
        except Gone:
            continue
        if server.state is not ServerState.DELETED and server.activity is not ServerActivity.DELETING:
            raise Obstructed(
                f"Volume '{volume.name or volume.id}' is attached to server '{server.name}'.",
                cloud=at.cloud.name,
                remedy="Detach it from the server, or delete the server.",
            )
    if Capability.VOLUME_SNAPSHOTS not in await at.cloud.capabilities():
        return
    snapshots = [
        snapshot.name or snapshot.id
        for snapshot in await at.cloud.volume_snapshots_list()
        if snapshot.volume_id == volume.id and snapshot.state is not VolumeState.DELETING
    ]
    if snapshots:
        raise Obstructed(
            f"Volume '{volume.name or volume.id}' has snapshots: {', '.join(snapshots[:5])}.",
            cloud=at.cloud.name,
            remedy="Delete its snapshots first.",
        )
