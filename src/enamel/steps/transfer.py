"""Steps that move a server to another project: nobody but its owner may, so it is made there anew, and then ended here."""

from collections.abc import Collection
from datetime import timedelta
from typing import ClassVar

from enamel.clouds import driver
from enamel.clouds.capability import Capability
from enamel.model import cloud
from enamel.model.action import Action
from enamel.model.cloud_reference import CloudReference
from enamel.model.errors import CloudError, Gone, VolumeFailed
from enamel.model.states import ServerState, VolumeState
from enamel.steps import act, attachment, server, volume
from enamel.steps.step import Context, Outputs, Step

_SOON = timedelta(seconds=0.5)


class StopServer(Step, frozen=True, kw_only=True):
    """Shut a server down, so that nothing is written that would be lost; undo starts it again."""

    kind: ClassVar[str] = "transfer.stop"
    action: ClassVar[str] = "POWERING_OFF"
    repeatable: ClassVar[bool] = True
    undoable: ClassVar[bool] = True
    calls: ClassVar[int] = 2
    timeout: ClassVar[timedelta] = timedelta(minutes=15)

    id: str

    async def do(self, at: Context) -> Outputs:
        """Shut it down."""
        await _switch(at, self.id, what=Action.POWER_OFF, goal=ServerState.STOPPED)
        return {"id": self.id}

    async def find_leftovers(self, at: Context) -> Outputs | None:
        """Return the server: undo starts it whatever its state."""
        return {"id": self.id}

    async def undo(self, at: Context, outputs: Outputs, *, only: Collection[int] | None = None) -> None:
        """Start it again."""
        await _switch(at, self.id, what=Action.POWER_ON, goal=ServerState.ACTIVE)


async def _switch(at: Context, id: str, *, what: Action, goal: ServerState) -> None:
    server_now = await act.settle(at, id, what=what, goal=(ServerState.ACTIVE, ServerState.STOPPED))
    if server_now.state is not goal:
        await at.cloud.act(id, what)
        await act.settle(at, id, what=what, goal=(goal,))


class ShareImage(Step, frozen=True, kw_only=True):
    """Let the other project boot from an image; that ends with the image."""

    kind: ClassVar[str] = "transfer.share_image"
    action: ClassVar[str] = "SHARING"
    requires: ClassVar[frozenset[Capability]] = frozenset({Capability.IMAGE_SHARING})
    repeatable: ClassVar[bool] = True
    calls: ClassVar[int] = 3

    id: str
    project_id: str

    async def do(self, at: Context) -> Outputs:
        """Share it."""
        await at.cloud.share_image(self.id, project_id=self.project_id)
        return {"id": self.id}


class UnplugVolume(attachment.DetachVolume, frozen=True, kw_only=True):
    """Detach a volume from the server that is left behind; undo attaches it again."""

    kind: ClassVar[str] = "transfer.unplug"
    undoable: ClassVar[bool] = True
    calls: ClassVar[int] = 2

    async def find_leftovers(self, at: Context) -> Outputs | None:
        """Return the volume: undo attaches it whatever its state."""
        return {"id": self.volume_id}

    async def undo(self, at: Context, outputs: Outputs, *, only: Collection[int] | None = None) -> None:
        """Attach it again."""
        await attachment.AttachVolume(server_id=self.server_id, volume_id=self.volume_id).do(at)


class HandOverVolume(Step, frozen=True, kw_only=True):
    """Give a volume to the other project.

    Offer and acceptance are one step: the key that the one gives and the other takes stands in no record.
    """

    kind: ClassVar[str] = "transfer.volume"
    action: ClassVar[str] = "TRANSFERRING_VOLUME"
    requires: ClassVar[frozenset[Capability]] = frozenset({Capability.VOLUME_TRANSFER})
    repeatable: ClassVar[bool] = True
    undoable: ClassVar[bool] = True
    calls: ClassVar[int] = 5
    timeout: ClassVar[timedelta] = timedelta(minutes=10)

    id: str
    entry: str
    """The entry of the configuration that leads to the other project."""
    project: str | None = None
    """Id of the other project, if that is not the entry's own."""

    async def do(self, at: Context) -> Outputs:
        """Give it."""
        await _hand_over(self.id, giver=at.cloud, taker=self._other(at))
        return {"id": self.id}

    async def find_leftovers(self, at: Context) -> Outputs | None:
        """Return the volume: it is taken back if it is there."""
        return {"id": self.id}

    async def undo(self, at: Context, outputs: Outputs, *, only: Collection[int] | None = None) -> None:
        """Take it back."""
        await _hand_over(self.id, giver=self._other(at), taker=at.cloud)

    def _other(self, at: Context) -> driver.Cloud:
        """Return the cloud as the other project sees it."""
        return at.elsewhere(CloudReference(entry=self.entry, project=self.project))


async def _hand_over(id: str, *, giver: driver.Cloud, taker: driver.Cloud) -> None:
    """Bring a volume from one project to another, unless it is there."""
    here = await _owned(id, taker)
    if here is None:
        given = await _owned(id, giver)
        if given is not None and given.state is VolumeState.OFFERED:
            # An attempt that was lost has made an offer, whose key is lost as well.
            await giver.withdraw_volume(id)
        await _until_available(id, giver)
        await taker.accept_volume(await giver.offer_volume(id))
    elif here.state is VolumeState.OFFERED:
        await taker.withdraw_volume(id)
    elif here.state is VolumeState.IN_USE:
        return
    await _until_available(id, taker)


async def _owned(id: str, account: driver.Cloud) -> cloud.Volume | None:
    """Return a volume if it is the project's own; administrators see those of others, too."""
    try:
        volume_now = await account.volume(id)
    except Gone:
        return None
    return volume_now if volume_now.project_id == (await account.identity()).project_id else None


async def _until_available(id: str, account: driver.Cloud) -> None:
    def arrived(polled: cloud.Volume | None) -> bool:
        if polled is not None and polled.state in volume.BROKEN:
            raise VolumeFailed(
                f"Volume '{polled.name or id}' went to the state '{polled.status}'.", cloud=account.name
            )
        return polled is None or polled.state is VolumeState.AVAILABLE

    await account.volumes.until(id, arrived, due=_SOON)


class EndOriginal(server.DeleteServer, frozen=True, kw_only=True):
    """Delete the server that was left behind: nothing before it can be undone from here on."""

    kind: ClassVar[str] = "transfer.end_original"
    final: ClassVar[bool] = True

    async def do(self, at: Context) -> Outputs:
        """Delete it; the server of the record is the new one."""
        return {"id": (await super().do(at))["id"]}


class DropImage(Step, frozen=True, kw_only=True):
    """Delete the image that a server came from; where the cloud still needs it, it stays, and the record says so."""

    kind: ClassVar[str] = "transfer.drop_image"
    action: ClassVar[str] = "DELETING_IMAGE"
    repeatable: ClassVar[bool] = True

    id: str

    async def do(self, at: Context) -> Outputs:
        """Delete it."""
        try:
            await at.cloud.delete_image(self.id)
        except CloudError as error:
            at.note(f"Image {self.id} stays: {error.detail}")
        return {"id": self.id}
