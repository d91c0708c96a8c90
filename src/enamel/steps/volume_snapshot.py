"""Steps on snapshots of volumes."""

from datetime import timedelta
from typing import ClassVar

from enamel.clouds.capability import Capability
from enamel.model import cloud, task
from enamel.model.errors import EnamelError, Gone, StepTimedOut, VolumeFailed
from enamel.model.states import VolumeState
from enamel.steps import ownership
from enamel.steps.maker import Maker, now
from enamel.steps.ownership import Labels
from enamel.steps.step import IN_USE, Context, Outputs, Retry, Step, insist

BROKEN = frozenset({VolumeState.ERROR, VolumeState.DELETE_FAILED})


class CreateVolumeSnapshot(Maker, frozen=True, kw_only=True):
    """Make a snapshot of a volume."""

    kind: ClassVar[str] = "volume_snapshot.create"
    action: ClassVar[str] = "SNAPSHOTTING"
    requires: ClassVar[frozenset[Capability]] = frozenset({Capability.VOLUME_SNAPSHOTS})
    noun: ClassVar[str] = "snapshot"

    volume_id: str
    name: str
    size_gb: int = 0
    """Size of the volume, which counts against the quota once more."""
    description: str = ""

    def needs(self) -> dict[str, int]:
        """Return how much of each quota it uses up."""
        return {"gigabytes": self.size_gb}

    async def do(self, at: Context) -> Outputs:
        """Begin it; the snapshot is not finished when the cloud answers."""
        snapshot = await at.cloud.create_volume_snapshot(
            self.volume_id, name=self.name, description=self.description, mark=at.mark
        )
        ownership.check_created(at, self.noun, snapshot.id, snapshot.mark)
        return self._outputs(at, snapshot)

    async def marked(self, at: Context) -> list[Outputs]:
        """Return the snapshots with this mark."""
        return [self._outputs(at, snapshot) for snapshot in await at.cloud.volume_snapshots_marked(at.mark)]

    def _outputs(self, at: Context, snapshot: cloud.VolumeSnapshot) -> Outputs:
        return {"id": snapshot.id, "name": snapshot.name, "mark": at.mark}

    async def labels(self, at: Context, id: str) -> Labels:
        """Return the mark and the name of a snapshot. Raises Gone."""
        snapshot = await now(at.cloud.volume_snapshots, id)
        return Labels(snapshot.mark, snapshot.name)

    async def take_away(self, at: Context, id: str) -> None:
        """Delete one and wait until it is gone."""
        await remove(at, id)

    @staticmethod
    def made(outputs: Outputs) -> list[task.Made]:
        """Return the snapshot."""
        return [task.Made(kind="volume_snapshot", id=outputs["id"], name=outputs["name"])]


class AwaitVolumeSnapshot(Step, frozen=True, kw_only=True):
    """Wait until a snapshot of a volume is available."""

    kind: ClassVar[str] = "volume_snapshot.await"
    action: ClassVar[str] = "UPLOADING"
    repeatable: ClassVar[bool] = True
    waits: ClassVar[bool] = True
    waits_for: ClassVar[str] = "id"
    timeout: ClassVar[timedelta] = timedelta(minutes=30)

    id: str

    def timeout_error(self, seconds: float) -> EnamelError:
        """Say which snapshot took so long."""
        return StepTimedOut(f"Snapshot {self.id} was not available after {seconds:.0f} s.")

    async def do(self, at: Context) -> Outputs:
        """Wait for it."""

        def there(polled: cloud.VolumeSnapshot | None) -> bool:
            if polled is not None and polled.state in BROKEN:
                raise VolumeFailed(
                    f"Snapshot '{polled.name}' went to the state '{polled.status}'.", cloud=at.cloud.name
                )
            return polled is None or polled.state is VolumeState.AVAILABLE

        snapshot = await at.cloud.volume_snapshots.until(self.id, there, due=timedelta(seconds=0.7))
        if snapshot is None:
            raise Gone(f"Snapshot {self.id} has gone before it was available.", cloud=at.cloud.name)
        return {"id": snapshot.id}


class DeleteVolumeSnapshot(Step, frozen=True, kw_only=True):
    """Delete a snapshot of a volume and wait until it is gone."""

    kind: ClassVar[str] = "volume_snapshot.delete"
    action: ClassVar[str] = "DELETING_SNAPSHOT"
    repeatable: ClassVar[bool] = True
    calls: ClassVar[int] = 2
    retry: ClassVar[Retry] = Retry(maximum_attempts=10, maximum_interval=timedelta(seconds=5), errors=IN_USE)

    id: str

    async def do(self, at: Context) -> Outputs:
        """Delete it."""
        await remove(at, self.id)
        return {"id": self.id}


async def remove(at: Context, id: str) -> None:
    """Delete a snapshot and wait until the cloud has forgotten it.

    Raises:
        VolumeFailed: The cloud could not delete it.
    """

    def gone(polled: cloud.VolumeSnapshot | None) -> bool:
        if polled is not None and polled.state is VolumeState.DELETE_FAILED:
            raise VolumeFailed(f"Snapshot '{polled.name}' could not be deleted.", cloud=at.cloud.name)
        return polled is None

    await insist(
        at,
        lambda: at.cloud.delete_volume_snapshot(id),
        lambda: at.cloud.volume_snapshots.until(id, gone, due=timedelta(seconds=0.5)),
    )
