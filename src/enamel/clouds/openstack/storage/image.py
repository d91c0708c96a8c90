"""Images of the image service."""

from collections.abc import Collection, Sequence

from msgspec import Struct

from enamel.clouds.methods import storage as methods
from enamel.clouds.openstack import service
from enamel.model import cloud
from enamel.model.errors import Gone
from enamel.model.states import ImageState

SERVICE = "image"
PAGE = "1000"
IMAGES = "images"
"""What the list of images is kept under."""

STATES: dict[str, ImageState] = {
    "queued": ImageState.SAVING,
    "saving": ImageState.SAVING,
    "uploading": ImageState.SAVING,
    "importing": ImageState.SAVING,
    "active": ImageState.ACTIVE,
    "killed": ImageState.FAILED,
    "deleted": ImageState.DELETED,
    "pending_delete": ImageState.DELETED,
}
"""What Glance's statuses mean; what is not here, as `deactivated`, is OTHER."""


class Image(Struct):
    """An image as Glance shows it."""

    id: service.Id
    name: str | None = ""
    status: str = ""
    min_disk: int | None = 0
    min_ram: int | None = 0
    size: int | None = 0
    virtual_size: int | None = 0
    image_type: str | None = ""
    block_device_mapping: str | None = ""
    created_at: str = ""
    enamel: str = ""
    properties: dict[str, str] = {}
    """Where the first API tells what was set beside the rest; later ones tell it in between."""

    @property
    def mark(self) -> str:
        """What Enamel has marked it with."""
        return self.enamel or self.properties.get("enamel", "")

    def neutral(self) -> cloud.Image:
        """Return it in Enamel's words."""
        image_type = self.image_type or self.properties.get("image_type")
        disks = self.block_device_mapping or self.properties.get("block_device_mapping")
        return cloud.Image(
            id=self.id,
            name=self.name or "",
            state=STATES.get(self.status.lower(), ImageState.OTHER),
            status=self.status.lower(),
            min_disk_gb=self.min_disk or 0,
            min_memory_mb=self.min_ram or 0,
            size_bytes=self.size or 0,
            virtual_size_bytes=self.virtual_size or 0,
            snapshot=image_type == "snapshot",
            volume_backed=not self.size and (disks or "[]") != "[]",
            created_at=self.created_at,
            mark=self.mark,
        )


class _Images(service.Page):
    images: list[Image]
    next: str | None = None


class Images(service.Service, methods.Images):
    """The images that a project may boot."""

    async def images(self) -> Sequence[cloud.Image]:
        """Return every image the project may boot, in any state."""
        return await self.kept.get(IMAGES, self._images, keep=service.OFTEN_CHANGED, answer=list[cloud.Image])

    async def images_named(self, names: Collection[str]) -> Sequence[cloud.Image]:
        """Return the images, and those that have one of the ids and that the list does not show."""
        # Hidden, community and offered images are in no list, and can be booted all the same.
        return await self._with(await self.images(), names, self.image)

    async def image(self, id: str) -> cloud.Image:
        """Return one image. Raises Gone."""
        if not await self._is_first():
            return (await self._get(SERVICE, f"/images/{service.checked(id)}", answer=Image)).neutral()
        for entry in await self.listed():
            if entry.id == id:
                return entry.neutral()
        raise Gone(f"Cloud '{self.name}' has no image {id}.", cloud=self.name)

    async def listed(self, params: service.Params = ()) -> list[Image]:
        """Return the images that parameters choose; those of the first API choose none, and all are returned."""
        if not await self._is_first():
            try:
                return await self._of_later_apis(tuple(params))
            except Gone:
                # Glance of 2012 says so of every path but those of its first API.
                await self.keystone.ask_versions(SERVICE)
                if not await self._is_first():
                    raise
        return await self._of_first_api()

    async def _is_first(self) -> bool:
        """Tell whether Glance is known to have its first API only."""
        return (await self.keystone.endpoint(SERVICE)).version[:1] == (1,)

    async def _images(self) -> list[cloud.Image]:
        return [image.neutral() for image in await self.listed()]

    async def _of_later_apis(self, params: tuple[tuple[str, str], ...]) -> list[Image]:
        entries, _ = await self._pages(SERVICE, "/images", answer=_Images, params=(("limit", PAGE), *params))
        return entries

    async def _of_first_api(self) -> list[Image]:
        """Return the images of an API whose pages show no way to the next one."""
        images: dict[str, Image] = {}
        marker: tuple[tuple[str, str], ...] = ()
        while True:
            page = await self._get(
                SERVICE, "/images/detail", answer=_Images, params=(("limit", PAGE), *marker)
            )
            fresh = {image.id: image for image in page.images}
            if fresh.keys() <= images.keys():
                return list(images.values())
            images |= fresh
            marker = (("marker", page.images[-1].id),)
