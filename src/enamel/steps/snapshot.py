"""Steps on images that are made of servers."""

from datetime import timedelta
from typing import Any, ClassVar

from enamel.clouds.capability import Capability
from enamel.model import cloud, task
from enamel.model.errors import EnamelError, Gone, ImageFailed, OutcomeUnknown, StepTimedOut
from enamel.model.states import ImageState
from enamel.steps.maker import Maker, now
from enamel.steps.ownership import Labels
from enamel.steps.step import Context, Outputs, Step

_ENDED = frozenset({ImageState.ACTIVE, ImageState.FAILED, ImageState.DELETED})
"""Where the making of an image ends."""


class TakeImage(Maker, frozen=True, kw_only=True):
    """Make an image of a server, by itself or as one of a series of backups."""

    kind: ClassVar[str] = "image.take"
    action: ClassVar[str] = "SNAPSHOTTING"
    requires: ClassVar[frozenset[Capability]] = frozenset({Capability.SERVER_IMAGES})
    noun: ClassVar[str] = "image"

    server_id: str
    name: str
    series: dict[str, Any] | None = None
    """Of a backup: its `kind`, and how many of it to `keep`."""

    async def do(self, at: Context) -> Outputs:
        """Begin it."""
        id = await at.cloud.take_image(self.server_id, name=self.name, mark=at.mark, series=self.series)
        if id:
            return self._outputs(at, id)
        outputs = await self.find(at)
        if outputs is None:
            raise OutcomeUnknown(
                f"Image '{self.name}' was asked for, but cannot be found.", cloud=at.cloud.name
            )
        return outputs

    async def marked(self, at: Context) -> list[Outputs]:
        """Return the images with this mark; an image of a server that was booted from one inherits it, but not its name."""
        images = await at.cloud.images_marked(at.mark)
        return [self._outputs(at, image.id) for image in images if image.name == self.name]

    def _outputs(self, at: Context, id: str) -> Outputs:
        return {
            "id": id,
            "name": self.name,
            "mark": at.mark,
            "entry": {"id": self.server_id},
            "data": {"image_id": id},
        }

    async def labels(self, at: Context, id: str) -> Labels:
        """Return the mark and the name of an image. Raises Gone."""
        image = await now(at.cloud.snapshots, id)
        return Labels(image.mark, image.name)

    async def take_away(self, at: Context, id: str) -> None:
        """Delete one."""
        await at.cloud.delete_image(id)

    @staticmethod
    def made(outputs: Outputs) -> list[task.Made]:
        """Return the image."""
        return [task.Made(kind="image", id=outputs["id"], name=outputs["name"])]


class AwaitImage(Step, frozen=True, kw_only=True):
    """Wait until an image can be booted."""

    kind: ClassVar[str] = "image.await"
    action: ClassVar[str] = "UPLOADING"
    repeatable: ClassVar[bool] = True
    waits: ClassVar[bool] = True
    waits_for: ClassVar[str] = "id"
    calls: ClassVar[int] = 0
    timeout: ClassVar[timedelta] = timedelta(hours=1)

    id: str

    def timeout_error(self, seconds: float) -> EnamelError:
        """Return the error that names the image."""
        return StepTimedOut(f"Image {self.id} was not active after {seconds:.0f} s.")

    async def do(self, at: Context) -> Outputs:
        """Wait for it."""

        def ended(image: cloud.Image | None) -> bool:
            return image is None or image.state in _ENDED

        image = await at.cloud.snapshots.until(self.id, ended, due=timedelta(seconds=1))
        # Nova deletes the image again where the host could not upload it.
        if image is None:
            raise Gone(
                f"Image {self.id} has gone before it was active: the cloud could not upload it.",
                cloud=at.cloud.name,
            )
        if image.state is not ImageState.ACTIVE:
            raise ImageFailed(
                f"Image '{image.name}' went to the state '{image.status}'.", cloud=at.cloud.name
            )
        return {"id": self.id}
