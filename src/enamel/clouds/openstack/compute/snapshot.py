"""Images that are made of servers: asked for in Nova, waited for and deleted in Glance."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from msgspec import Struct

from enamel.clouds.openstack import service, transport
from enamel.clouds.openstack.compute import server
from enamel.clouds.openstack.storage import image
from enamel.clouds.watch import snapshot, watcher
from enamel.model import cloud
from enamel.model.errors import CloudConflict, Gone
from enamel.model.states import ImageState

AT_ONCE = 100
"""As many ids as a query holds on any cloud."""


class _Taken(Struct):
    image_id: str = ""


class _Visible(Struct):
    visibility: str = ""


class Snapshots(server.Servers, image.Images):
    """The images that a project has made of its servers."""

    snapshots: watcher.Watcher[cloud.Image]

    async def take_image(
        self, server_id: str, *, name: str, mark: str, series: Mapping[str, Any] | None = None
    ) -> str:
        """Begin to make an image of a server and return its id; empty if the cloud is too old to return it.

        Args:
            server_id: The server.
            name: What the image is called.
            mark: Goes into its properties under the key `enamel`.
            series: Of a backup: its `kind`, and how many of it to `keep`.
        """
        # From 2.45 on, Nova tells the image's id in the body.
        version = await self._version("2.45")
        what: dict[str, Any] = {"name": name, "metadata": {"enamel": mark}}
        if series is not None:
            what |= {"backup_type": series["kind"], "rotation": series["keep"]}
        taken = await self._post(
            server.SERVICE,
            f"/servers/{service.checked(server_id)}/action",
            body={"createBackup" if series is not None else "createImage": what},
            answer=_Taken if version else Any,
            version=version,
        )
        await self.servers.changed()
        await self.kept.forget(image.IMAGES)
        return taken.image_id if isinstance(taken, _Taken) else ""

    async def images_marked(self, mark: str) -> Sequence[cloud.Image]:
        """Return the images whose property `enamel` has this value."""
        return [entry.neutral() for entry in await self.listed((("enamel", mark),)) if entry.mark == mark]

    async def share_image(self, id: str, *, project_id: str) -> None:
        """Let another project boot from an image, if it cannot already."""
        image_now = await self._get(image.SERVICE, f"/images/{service.checked(id)}", answer=_Visible)
        if image_now.visibility == "private":
            # Nova makes its images so that nobody else can be let in.
            want = transport.HttpCall(
                service=image.SERVICE,
                method="PATCH",
                path=f"/images/{service.checked(id)}",
                body=[{"op": "replace", "path": "/visibility", "value": "shared"}],
                media_type="application/openstack-images-v2.1-json-patch",
                repeatable=True,
            )
            await self.calls.call(want, answer=transport.Nothing)
        try:
            body = {"member": project_id}
            await self._post(
                image.SERVICE, f"/images/{service.checked(id)}/members", body=body, answer=transport.Nothing
            )
        except CloudConflict:
            # It is let in already.
            pass

    async def delete_image(self, id: str) -> None:
        """Delete an image."""
        await self._delete(image.SERVICE, "/images", id)
        await self.kept.forget(image.IMAGES)

    async def images_of(self, ids: Collection[str]) -> Sequence[cloud.Image]:
        """Return some images, as many of them at once as a query holds."""
        ordered = sorted(ids)
        chunks = [ordered[start : start + AT_ONCE] for start in range(0, len(ordered), AT_ONCE)]
        pages = await asyncio.gather(*(self._images_at_once(chunk) for chunk in chunks))
        return [entry for page in pages for entry in page]

    async def _images_at_once(self, ids: Collection[str]) -> list[cloud.Image]:
        listed = await self.listed((("id", f"in:{','.join(ids)}"),))
        images = {entry.id: entry.neutral() for entry in listed if entry.id in ids}
        # Before 2016, Glance takes no more than one id: those that the list leaves out are asked for one by one.
        single = await asyncio.gather(*(self.image(id) for id in {*ids} - {*images}), return_exceptions=True)
        for entry in single:
            if isinstance(entry, BaseException) and not isinstance(entry, Gone):
                raise entry
        return [*images.values(), *(entry for entry in single if isinstance(entry, cloud.Image))]


class _Of(Protocol):
    """The cloud, as far as the watcher of images needs it."""

    async def images_of(self, ids: Collection[str]) -> Sequence[cloud.Image]: ...
    async def image(self, id: str) -> cloud.Image: ...


class Source:
    """What the watcher of images that are being made polls."""

    tells_changes = False

    def __init__(self, of: _Of) -> None:
        self._cloud = of

    async def look(self, *, since: datetime | None, ids: Collection[str]) -> snapshot.Poll[cloud.Image]:
        """Poll those that are waited for."""
        images = await self._cloud.images_of(ids)
        return snapshot.Poll(
            seen=[snapshot.Seen(id=entry.id, updated=None, value=entry) for entry in images], at=None
        )

    async def one(self, id: str) -> cloud.Image:
        """Return one. Raises Gone."""
        return await self._cloud.image(id)

    def kind(self, value: cloud.Image) -> str | None:
        """Return what those that take about as long as this one share."""
        return "image" if value.state is ImageState.SAVING else None

    def leaves(self, value: cloud.Image) -> bool:
        """Tell whether it is being deleted."""
        return value.state is ImageState.DELETED
