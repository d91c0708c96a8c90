"""Volumes, their snapshots and their transfer; images."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

from enamel.clouds.capability import Capability
from enamel.clouds.methods.base import Methods, Unwatched, Watch
from enamel.model import cloud


class Volumes(Methods, Protocol):
    """Volumes. Capabilities VOLUME; ATTACH_VOLUMES; VOLUME_TRANSFER."""

    volumes: Watch[cloud.Volume] = Unwatched(Capability.VOLUME)
    """The watcher of the project's volumes."""

    async def volume(self, id: str) -> cloud.Volume:
        """Return one volume. Raises Gone."""
        raise self.missing("volume")

    async def volumes_list(self) -> Sequence[cloud.Volume]:
        """Return all of the project's volumes."""
        raise self.missing("volumes_list")

    async def volumes_named(self, names: Collection[str]) -> Sequence[cloud.Volume]:
        """Return the volumes, and those that have one of the ids and that the list does not show."""
        return await self.volumes_list()

    async def volumes_marked(self, mark: str) -> Sequence[cloud.Volume]:
        """Return the volumes that carry a mark."""
        raise self.missing("volumes_marked")

    async def volume_types(self) -> Sequence[cloud.VolumeType]:
        """Return the kinds of volumes; cached."""
        raise self.missing("volume_types")

    async def volume_types_named(self, names: Collection[str]) -> Sequence[cloud.VolumeType]:
        """Return the kinds of volumes, and those that have one of the ids and that the list does not show."""
        return await self.volume_types()

    async def create_volume(self, want: cloud.VolumeSpec) -> cloud.Volume:
        """Begin to make a volume."""
        raise self.missing("create_volume")

    async def delete_volume(self, id: str) -> None:
        """Begin to delete a volume. Raises CloudConflict while a server has it."""
        raise self.missing("delete_volume")

    async def attach_volume(
        self, server_id: str, *, volume_id: str, delete_with_server: bool = False
    ) -> None:
        """Begin to attach a volume to a server; one that is attached is not a fault."""
        raise self.missing("attach_volume")

    async def detach_volume(self, server_id: str, *, volume_id: str) -> None:
        """Begin to detach a volume from a server; one that is not attached is not a fault."""
        raise self.missing("detach_volume")

    async def offer_volume(self, volume_id: str) -> cloud.Offer:
        """Offer a volume to whoever has the key."""
        raise self.missing("offer_volume")

    async def withdraw_volume(self, volume_id: str) -> None:
        """Withdraw the offer of a volume; none is not a fault."""
        raise self.missing("withdraw_volume")

    async def accept_volume(self, offer: cloud.Offer) -> None:
        """Accept the volume that another project offers."""
        raise self.missing("accept_volume")


class VolumeSnapshots(Methods, Protocol):
    """Snapshots of volumes. Capability VOLUME_SNAPSHOTS."""

    volume_snapshots: Watch[cloud.VolumeSnapshot] = Unwatched(Capability.VOLUME_SNAPSHOTS)
    """The watcher of the snapshots of volumes."""

    async def volume_snapshots_list(self) -> Sequence[cloud.VolumeSnapshot]:
        """Return all of the project's snapshots."""
        raise self.missing("volume_snapshots_list")

    async def volume_snapshots_marked(self, mark: str) -> Sequence[cloud.VolumeSnapshot]:
        """Return the snapshots that carry a mark."""
        raise self.missing("volume_snapshots_marked")

    async def create_volume_snapshot(
        self, volume_id: str, *, name: str, description: str, mark: str
    ) -> cloud.VolumeSnapshot:
        """Begin to make a snapshot of a volume, also of one that a server has."""
        raise self.missing("create_volume_snapshot")

    async def delete_volume_snapshot(self, id: str) -> None:
        """Begin to delete a snapshot."""
        raise self.missing("delete_volume_snapshot")


class Images(Methods, Protocol):
    """Images. Capabilities IMAGE; SERVER_IMAGES where they are made of servers; IMAGE_SHARING."""

    snapshots: Watch[cloud.Image] = Unwatched(Capability.SERVER_IMAGES)
    """The watcher of images that are being made."""

    async def images(self) -> Sequence[cloud.Image]:
        """Return the images that the project may boot, in any state; cached.

        A driver whose cloud has too many to list returns those that belong to the project or that it uses often.
        """
        raise self.missing("images")

    async def images_named(self, names: Collection[str]) -> Sequence[cloud.Image]:
        """Return at least the images that have one of the names or ids; where the list is at hand, all of it.

        With the whole list, a misspelt name is answered with the one that was meant.
        """
        return await self.images()

    async def images_marked(self, mark: str) -> Sequence[cloud.Image]:
        """Return the images that carry a mark."""
        raise self.missing("images_marked")

    async def take_image(
        self, server_id: str, *, name: str, mark: str, series: Mapping[str, Any] | None = None
    ) -> str:
        """Begin to make an image of a server and return its id; empty where the cloud does not say it.

        A `series` makes it a backup: its `kind`, and how many of it to `keep`.
        """
        raise self.missing("take_image")

    async def delete_image(self, id: str) -> None:
        """Delete an image."""
        raise self.missing("delete_image")

    async def share_image(self, id: str, *, project_id: str) -> None:
        """Let another project boot from an image; one that can already is not a fault."""
        raise self.missing("share_image")
