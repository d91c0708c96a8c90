"""What a cloud tells of a server beside its state: what was done to it, its consoles, its diagnostics, its tags."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from msgspec import Struct, field

from enamel.clouds.openstack import transport
from enamel.clouds.openstack.compute import action, server, server_json
from enamel.clouds.openstack.compute import tag as tags
from enamel.model import cloud
from enamel.model.action import Action
from enamel.model.errors import CapabilityMissing, Gone

SERVICE = server.SERVICE

TYPES = {"rdp": "rdp-html5", "spice": "spice-html5", "mks": "webmks"}
"""Nova's names of those types of console that it calls otherwise than Enamel."""

PROTOCOLS = {
    "novnc": "vnc",
    "xvpvnc": "vnc",
    "spice-html5": "spice",
    "rdp-html5": "rdp",
    "serial": "serial",
    "webmks": "mks",
}
"""The protocol of each of Nova's types of console."""

OLD = {
    "novnc": "os-getVNCConsole",
    "xvpvnc": "os-getVNCConsole",
    "spice-html5": "os-getSPICEConsole",
    "rdp-html5": "os-getRDPConsole",
    "serial": "os-getSerialConsole",
}
"""The actions by which clouds before 2.6 are asked for a console."""


ACTIONS: dict[str, str] = {
    "create": "CREATE",
    "delete": "TERMINATE",
    "start": Action.POWER_ON.value,
    "stop": Action.POWER_OFF.value,
    "changePassword": Action.UPDATE_PASSWORD.value,
    "createImage": Action.SNAPSHOT.value,
    "createBackup": Action.BACKUP.value,
    "confirmResize": Action.CONFIRM_RESIZE.value,
    "revertResize": Action.REVERT_RESIZE.value,
    "shelveOffload": Action.SHELVE_OFFLOAD.value,
    "migrate": Action.MOVE.value,
    "live-migration": Action.MOVE.value,
    "attach_volume": Action.ATTACH_BLOCK_DEVICE.value,
    "detach_volume": Action.DETACH_BLOCK_DEVICE.value,
    "attach_interface": Action.ATTACH_NETWORK_INTERFACE.value,
    "detach_interface": Action.DETACH_NETWORK_INTERFACE.value,
}
"""What Nova calls the actions in its record, in Enamel's words; others are spelled alike."""


class _Address(Struct):
    url: str


class _Console(Struct):
    console: _Address = field(name="remote_console")


class _OldConsole(Struct):
    console: _Address


class _Tags(Struct):
    tags: list[str]


class _Metadata(Struct):
    metadata: dict[str, str]


class History(action.Actions):
    """What is known of servers beside their state."""

    async def server_history(self, server_id: str) -> Sequence[cloud.HistoryEntry]:
        """Return what was done to a server, the latest first; also of one that is gone, where the cloud remembers."""
        version = await self._version("2.58", "2.21")
        path = f"/servers/{server_id}/os-instance-actions"
        found = await self._get(SERVICE, path, answer=server_json.Actions, version=version)
        entries = [
            cloud.HistoryEntry(
                id=one.request_id,
                action=ACTIONS.get(one.action, one.action.upper().replace("-", "_")),
                user_id=one.user_id or "",
                started=_moment(one.start_time),
                failed=bool(one.message),
            )
            for one in found.actions
        ]
        return sorted(entries, key=lambda one: (one.started is not None, one.started), reverse=True)

    async def console(self, server_id: str, *, type: str) -> str:
        """Return the URL of a server's console."""
        type = TYPES.get(type, type)
        version = await self._version("2.8", "2.6")
        if version is not None:
            body = {"remote_console": {"protocol": PROTOCOLS[type], "type": type}}
            path = f"/servers/{server_id}/remote-consoles"
            made = await self._post(
                SERVICE, path, body=body, answer=_Console, version=version, repeatable=True
            )
            return made.console.url
        if type not in OLD:
            raise CapabilityMissing(f"Cloud '{self.name}' has no consoles of type '{type}'.", cloud=self.name)
        got = await self._post(
            SERVICE,
            f"/servers/{server_id}/action",
            body={OLD[type]: {"type": type}},
            answer=_OldConsole,
            repeatable=True,
        )
        return got.console.url

    async def diagnostics(self, server_id: str) -> dict[str, Any]:
        """Return what the hypervisor measures; its words are the same on all clouds from 2.48 on."""
        version = await self._version("2.48")
        return await self._get(
            SERVICE, f"/servers/{server_id}/diagnostics", answer=dict[str, Any], version=version
        )

    async def set_tags(self, server_id: str, wanted: Collection[str]) -> None:
        """Give a server just these tags; on clouds that are too old for tags they go into its metadata."""
        version = await self._version("2.26")
        if version is not None:
            want = transport.HttpCall(
                service=SERVICE,
                method="PUT",
                path=f"/servers/{server_id}/tags",
                body={"tags": sorted(wanted)},
                version=version,
                repeatable=True,
            )
            await self.calls.call(want, answer=_Tags)
        if await self._version("2.52") is None:
            # What was given at boot is in the metadata.
            await self._keep_tags(server_id, () if version is not None else sorted(wanted))
        await self.servers.changed()

    async def add_tag(self, server_id: str, tag: str) -> None:
        """Give a server one more tag; one that it has already is not a fault."""
        version = await self._version("2.26")
        if version is None:
            kept = list(tags.read(await self._metadata(server_id)))
            await self._keep_tags(server_id, [*kept, *({tag} - {*kept})])
        elif tag.isascii():
            await self._tag("PUT", server_id, tag, version=version)
        else:
            await self.set_tags(server_id, {*await self._tags(server_id, version=version), tag})
        await self.servers.changed()

    async def remove_tag(self, server_id: str, tag: str) -> None:
        """Take a tag from a server. Raises Gone."""
        version = await self._version("2.26")
        kept = []
        if await self._version("2.52") is None:
            kept = list(tags.read(await self._metadata(server_id)))
        if tag in kept:
            await self._keep_tags(server_id, [one for one in kept if one != tag])
        elif version is not None and tag.isascii():
            await self._tag("DELETE", server_id, tag, version=version)
        else:
            there = set() if version is None else await self._tags(server_id, version=version)
            if tag not in there:
                raise Gone(f"The server has no tag '{tag}'.", cloud=self.name)
            await self.set_tags(server_id, there - {tag})
        await self.servers.changed()

    async def _tags(self, server_id: str, *, version: str) -> set[str]:
        """Return a server's tags as the cloud has them now.

        Nova reads the bytes of a path as Latin-1: a tag beyond ASCII would become another one there. In a body it stays
        what it is, so such a tag is put into the set, or taken from it, as a whole.
        """
        found = await self._get(SERVICE, f"/servers/{server_id}/tags", answer=_Tags, version=version)
        return set(found.tags)

    async def _tag(self, method: str, server_id: str, tag: str, *, version: str) -> None:
        path = f"/servers/{server_id}/tags/{quote(tag, safe='')}"
        want = transport.HttpCall(service=SERVICE, method=method, path=path, version=version, repeatable=True)
        await self.calls.call(want, answer=transport.Nothing)

    async def _metadata(self, server_id: str) -> dict[str, str]:
        return (await self._get(SERVICE, f"/servers/{server_id}/metadata", answer=_Metadata)).metadata

    async def _keep_tags(self, server_id: str, wanted: Sequence[str]) -> None:
        """Have a server's metadata hold these tags and no others."""
        there = await self._metadata(server_id)
        texts = tags.written(wanted)
        if texts.items() - there.items():
            body = {"metadata": texts}
            path = f"/servers/{server_id}/metadata"
            await self._post(SERVICE, path, body=body, answer=transport.Nothing, repeatable=True)
        for key in [one for one in there if tags.is_key(one) and one not in texts]:
            await self._delete(SERVICE, f"/servers/{server_id}/metadata/{key}")


def _moment(text: str) -> datetime | None:
    return server_json.aware(datetime.fromisoformat(text)) if text else None
