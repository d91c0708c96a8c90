"""Steps that attach volumes and ports to existing servers, and detach them."""

from collections.abc import Collection, Iterator, Mapping
from datetime import timedelta
from typing import Any, ClassVar

from enamel.clouds.capability import Capability
from enamel.model import cloud
from enamel.model.errors import ActionFailed, Gone, OutcomeUnknown, VolumeFailed
from enamel.model.states import VolumeState
from enamel.model.task_key import Kind, Taken
from enamel.steps import act, volume
from enamel.steps.step import IN_USE, Context, Outputs, Retry, Step, insist

_SOON = timedelta(seconds=0.5)
_AGAIN = Retry(maximum_attempts=10, maximum_interval=timedelta(seconds=5), errors=IN_USE)


class AttachVolume(Step, frozen=True, kw_only=True):
    """Attach a volume to a server, and wait until the cloud has done it."""

    kind: ClassVar[str] = "server.attach_volume"
    action: ClassVar[str] = "ATTACHING_BLOCK_DEVICE"
    requires: ClassVar[frozenset[Capability]] = frozenset({Capability.ATTACH_VOLUMES})
    repeatable: ClassVar[bool] = True
    undoable: ClassVar[bool] = True

    server_id: str
    volume_id: str
    delete_with_server: bool = False
    beside: tuple[str, ...] = ()
    """The volumes that the server had before."""

    @staticmethod
    def takes(inputs: Mapping[str, Any]) -> Iterator[Taken]:
        """Return the volume, unless it is made first."""
        if isinstance(inputs["volume_id"], str):
            yield Taken(Kind.VOLUME, inputs["volume_id"])

    async def do(self, at: Context) -> Outputs:
        """Attach it; an attached one stays attached."""
        await at.cloud.attach_volume(
            self.server_id, volume_id=self.volume_id, delete_with_server=self.delete_with_server
        )

        def settled(polled: cloud.Volume | None) -> bool:
            if polled is None or polled.state in volume.BROKEN:
                return True
            # A volume that several servers may have is in use all the time.
            return polled.state is VolumeState.AVAILABLE or (
                polled.state is VolumeState.IN_USE and self.server_id in polled.attached_to
            )

        attached = await at.cloud.volumes.until(self.volume_id, settled, due=_SOON)
        if attached is None:
            raise Gone(f"Volume {self.volume_id} has gone meanwhile.", cloud=at.cloud.name)
        if self.server_id not in attached.attached_to:
            raise ActionFailed(
                f"Volume '{attached.name or attached.id}' could not be attached: "
                f"{await act.why_failed(at, self.server_id)}. Its state is '{attached.status}'.",
                cloud=at.cloud.name,
            )
        return self._outputs()

    async def find(self, at: Context) -> Outputs | None:
        """Tell by the volume whether it is attached."""
        attached = await at.cloud.volume(self.volume_id)
        return self._outputs() if self.server_id in attached.attached_to else None

    def _outputs(self) -> Outputs:
        entry = {"id": self.server_id, "volumes": [*self.beside, self.volume_id]}
        return {"id": self.volume_id, "entry": entry, "data": {"volume_id": self.volume_id}}

    async def find_leftovers(self, at: Context) -> Outputs | None:
        """Tell whether it is attached, or about to be."""
        attached = await at.cloud.volume(self.volume_id)
        begun = self.server_id in attached.attached_to or attached.state is VolumeState.ATTACHING
        return {"id": self.volume_id} if begun else None

    async def undo(self, at: Context, outputs: Outputs, *, only: Collection[int] | None = None) -> None:
        """Detach it; if it is still being attached, after that."""

        def decided(polled: cloud.Volume | None) -> bool:
            return polled is None or polled.state is not VolumeState.ATTACHING

        await at.cloud.volumes.until(self.volume_id, decided, due=_SOON)
        await _detach_volume(at, self.server_id, self.volume_id)


class DetachVolume(Step, frozen=True, kw_only=True):
    """Detach a volume from a server, and wait until it is free."""

    kind: ClassVar[str] = "server.detach_volume"
    action: ClassVar[str] = "DETACHING_BLOCK_DEVICE"
    requires: ClassVar[frozenset[Capability]] = frozenset({Capability.ATTACH_VOLUMES})
    repeatable: ClassVar[bool] = True
    retry: ClassVar[Retry] = _AGAIN

    server_id: str
    volume_id: str
    beside: tuple[str, ...] = ()
    """The volumes that the server keeps."""

    async def do(self, at: Context) -> Outputs:
        """Detach it."""
        await _detach_volume(at, self.server_id, self.volume_id)
        entry = {"id": self.server_id, "volumes": list(self.beside)}
        return {"id": self.volume_id, "entry": entry, "data": {"volume_id": self.volume_id}}


async def _detach_volume(at: Context, server_id: str, volume_id: str) -> None:
    def free(polled: cloud.Volume | None) -> bool:
        if polled is not None and polled.state in volume.BROKEN:
            raise VolumeFailed(
                f"Volume '{polled.name or polled.id}' went to the state '{polled.status}'.",
                cloud=at.cloud.name,
            )
        return polled is None or server_id not in polled.attached_to

    await insist(
        at,
        lambda: at.cloud.detach_volume(server_id, volume_id=volume_id),
        lambda: at.cloud.volumes.until(volume_id, free, due=_SOON),
    )


class AttachPort(Step, frozen=True, kw_only=True):
    """Attach a port to a server; the cloud answers when that is done."""

    kind: ClassVar[str] = "server.attach_port"
    action: ClassVar[str] = "ATTACHING_NETWORK_INTERFACE"
    requires: ClassVar[frozenset[Capability]] = frozenset({Capability.ATTACH_PORTS})
    undoable: ClassVar[bool] = True

    server_id: str
    port_id: str

    @staticmethod
    def takes(inputs: Mapping[str, Any]) -> Iterator[Taken]:
        """Return the port, unless it is made first."""
        if isinstance(inputs["port_id"], str):
            yield Taken(Kind.PORT, inputs["port_id"])

    async def do(self, at: Context) -> Outputs:
        """Attach it."""
        await at.cloud.attach_port(self.server_id, port_id=self.port_id)
        return await self._outputs(at)

    async def find(self, at: Context) -> Outputs | None:
        """Tell by the port whether it is attached."""
        port = await at.cloud.port(self.port_id)
        return await self._outputs(at) if port.server_id == self.server_id else None

    async def _outputs(self, at: Context) -> Outputs:
        ports = await at.cloud.ports_of([self.server_id])
        if self.port_id not in {port.id for port in ports}:
            raise OutcomeUnknown(
                f"The cloud accepted port {self.port_id} for server {self.server_id}, but has not attached it.",
                cloud=at.cloud.name,
            )
        return {
            "id": self.port_id,
            "entry": {
                "id": self.server_id,
                "fixed_addresses": [address for port in ports for address in port.addresses],
            },
            "data": {"port_id": self.port_id},
        }

    async def undo(self, at: Context, outputs: Outputs, *, only: Collection[int] | None = None) -> None:
        """Detach it."""
        await _detach_port(at, self.server_id, self.port_id)


class DetachPort(Step, frozen=True, kw_only=True):
    """Detach a port from a server, and wait until it is free."""

    kind: ClassVar[str] = "server.detach_port"
    action: ClassVar[str] = "DETACHING_NETWORK_INTERFACE"
    requires: ClassVar[frozenset[Capability]] = frozenset({Capability.ATTACH_PORTS})
    repeatable: ClassVar[bool] = True
    retry: ClassVar[Retry] = _AGAIN

    server_id: str
    port_id: str

    async def do(self, at: Context) -> Outputs:
        """Detach it."""
        await _detach_port(at, self.server_id, self.port_id)
        return {"id": self.port_id, "entry": {"id": self.server_id}, "data": {"port_id": self.port_id}}


async def _detach_port(at: Context, server_id: str, port_id: str) -> None:
    def free(ports: tuple[cloud.Port, ...] | None) -> bool:
        return ports is None or all(port.id != port_id for port in ports)

    await insist(
        at,
        lambda: at.cloud.detach_port(server_id, port_id=port_id),
        lambda: at.cloud.ports.until(server_id, free, due=_SOON),
    )
