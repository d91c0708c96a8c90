"""Images of the image service."""

from collections.abc import Sequence
from urllib.parse import parse_qsl, urlsplit

from msgspec import Struct

from enamel.clouds.openstack import part
from enamel.model import cloud

SERVICE = "image"
PAGE = "1000"


class _Image(Struct):
    id: str
    name: str | None = ""
    status: str = ""
    min_disk: int | None = 0
    min_ram: int | None = 0
    size: int | None = 0
    virtual_size: int | None = 0
    image_type: str | None = ""
    block_device_mapping: str | None = ""
    created_at: str = ""

    def told(self) -> cloud.Image:
        return cloud.Image(
            id=self.id,
            name=self.name or "",
            status=self.status.lower(),
            min_disk_gb=self.min_disk or 0,
            min_memory_mb=self.min_ram or 0,
            size_bytes=self.size or 0,
            virtual_size_bytes=self.virtual_size or 0,
            snapshot=self.image_type == "snapshot",
            volume_backed=not self.size and (self.block_device_mapping or "[]") != "[]",
            created_at=self.created_at,
        )


class _Images(Struct):
    images: list[_Image]
    next: str | None = None


class Images(part.Part):
    """The images that a project may boot."""

    async def images(self) -> Sequence[cloud.Image]:
        """Return every image the project may boot, in any state."""
        return await self.kept.get("images", self._images, keep=part.OFTEN_CHANGED)

    async def _images(self) -> list[cloud.Image]:
        found: list[_Image] = []
        params: tuple[tuple[str, str], ...] = (("limit", PAGE),)
        while True:
            page = await self._get(SERVICE, "/images", answer=_Images, params=params)
            found += page.images
            if page.next is None or not page.images:
                break
            params = tuple(parse_qsl(urlsplit(page.next).query))
        return [image.told() for image in found]
