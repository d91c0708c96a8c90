"""The step that deletes an orphan after checking it once more."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import ClassVar

from enamel.model import cloud, states
from enamel.model.cloud import AddressKind
from enamel.model.errors import CloudConflict, CloudForbidden, CloudRefused, Gone, VolumeFailed
from enamel.model.orphan import Kind
from enamel.model.states import VolumeState
from enamel.steps import address, security_group, server, volume
from enamel.steps.step import Context, Outputs, Retry, Step

_FREE_VOLUME = frozenset({VolumeState.AVAILABLE, VolumeState.ERROR})


class RemoveOrphan(Step, frozen=True, kw_only=True):
    """Delete one orphan, unless somebody uses it by now.

    An orphan that stays is no failure: the task reports the outcome of each.
    """

    kind: ClassVar[str] = "orphan.remove"
    action: ClassVar[str] = "CLEANING_UP"
    repeatable: ClassVar[bool] = True
    calls: ClassVar[int] = 2
    retry: ClassVar[Retry] = Retry(maximum_attempts=5, maximum_interval=timedelta(seconds=5))

    what: Kind
    id: str
    name: str
    mark: str
    """The mark that it carried when it was found to be an orphan."""

    async def do(self, at: Context) -> Outputs:
        """Check it once more, and delete it."""
        try:
            reason = await _REASONS[self.what](at, self)
            if reason:
                return self._told("kept", why=reason)
            await _WAYS[self.what](at, self.id)
        except Gone:
            return self._told("gone")
        except (CloudConflict, CloudRefused, CloudForbidden, VolumeFailed) as exc:
            return self._told("kept", why=exc.detail)
        return self._told("removed")

    def _told(self, outcome: str, *, why: str = "") -> Outputs:
        thing = {"kind": self.what.value, "id": self.id, "name": self.name}
        return {"id": self.id, "data": {outcome: [thing | ({"why": why} if why else {})]}}


OTHER = "It carries another mark now."


async def _server(at: Context, orphan: RemoveOrphan) -> str:
    server_now = await at.cloud.server(orphan.id)
    if server_now.state in states.DELETED:
        raise Gone
    return OTHER if server_now.mark != orphan.mark else ""


async def _port(at: Context, orphan: RemoveOrphan) -> str:
    port = await at.cloud.port(orphan.id)
    if (port.server_id or port.owner) and not await _held_by_deleted(at, port):
        return f"It has been attached to {port.server_id or port.owner} meanwhile."
    return OTHER if port.mark != orphan.mark else ""


async def _held_by_deleted(at: Context, port: cloud.Port) -> bool:
    """Tell whether a port is that of a server which was deleted, and not of a router or the like."""
    return port.owner.startswith("compute:") and await server.leaves(at, port.server_id)


async def _address(at: Context, orphan: RemoveOrphan) -> str:
    address_now = await at.cloud.address(orphan.id)
    if not await address.is_free(at, address_now):
        return f"It has been attached to port {address_now.port_id} meanwhile."
    return OTHER if address_now.mark != orphan.mark else ""


async def _volume(at: Context, orphan: RemoveOrphan) -> str:
    volume_now = await at.cloud.volume(orphan.id)
    users = [id for id in volume_now.attached_to if not await server.leaves(at, id)]
    if users:
        return f"It has been attached to server {', '.join(users)} meanwhile."
    if volume_now.state not in _FREE_VOLUME and not volume_now.attached_to:
        return f"Its state is '{volume_now.status}'."
    return OTHER if volume_now.mark != orphan.mark else ""


async def _security_group(at: Context, orphan: RemoveOrphan) -> str:
    # Whether ports use it is for the cloud to say, which refuses; rules of others would go with it in silence.
    others = await at.cloud.groups_letting_in(orphan.id)
    if (await security_group.listed(at, orphan.id)).description != orphan.mark:
        return OTHER
    return f"Rules of security group {', '.join(sorted(set(others)))} name it." if others else ""


async def _server_group(at: Context, orphan: RemoveOrphan) -> str:
    group = await at.cloud.server_group_named(orphan.name)
    if group is None or group.id != orphan.id:
        raise Gone
    return f"It has {len(group.members)} members now." if group.members else ""


async def _network(at: Context, orphan: RemoveOrphan) -> str:
    return ""


_REASONS: dict[Kind, Callable[[Context, RemoveOrphan], Awaitable[str]]] = {
    Kind.SERVER: _server,
    Kind.ADDRESS: _address,
    Kind.PORT: _port,
    Kind.VOLUME: _volume,
    Kind.SECURITY_GROUP: _security_group,
    Kind.SERVER_GROUP: _server_group,
    Kind.NETWORK: _network,
}
"""Why a thing has to stay; an empty text if it need not. Raises Gone."""

_WAYS: dict[Kind, Callable[[Context, str], Awaitable[None]]] = {
    Kind.SERVER: server.remove,
    Kind.ADDRESS: lambda at, id: address.give_back(at, id, way=AddressKind.FLOATING),
    Kind.PORT: lambda at, id: address.give_back(at, id, way=AddressKind.PORT),
    Kind.VOLUME: volume.remove,
    Kind.SECURITY_GROUP: lambda at, id: at.cloud.delete_security_group(id),
    Kind.SERVER_GROUP: lambda at, id: at.cloud.delete_server_group(id),
    Kind.NETWORK: lambda at, id: at.cloud.remove_unfinished_network(id),
}
"""How each kind is deleted. Networks are checked by the driver in the same method."""
