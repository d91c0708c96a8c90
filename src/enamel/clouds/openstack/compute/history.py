"""Nova's record of what was done to a server."""

from collections.abc import Sequence
from datetime import UTC, datetime

from enamel.clouds.openstack import faults, service
from enamel.clouds.openstack.compute import server, server_json
from enamel.model import cloud
from enamel.model.action import Action

SERVICE = server.SERVICE

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


_NEVER = datetime.min.replace(tzinfo=UTC)


class History(server.Servers):
    """The record of what was done to servers."""

    async def server_history(self, server_id: str) -> Sequence[cloud.HistoryEntry]:
        """Return what was done to a server, the latest first; also of one that is gone, where the cloud remembers."""
        version = await self._version("2.58", "2.21")
        path = f"/servers/{service.checked(server_id)}/os-instance-actions"
        actions, _ = await self._pages(SERVICE, path, answer=server_json.Actions, version=version)
        entries = [
            cloud.HistoryEntry(
                id=entry.request_id,
                action=ACTIONS.get(entry.action, entry.action.upper().replace("-", "_")),
                user_id=entry.user_id or "",
                started=server_json.aware(entry.start_time),
                failed=bool(entry.message),
            )
            for entry in actions
        ]
        return sorted(entries, key=lambda entry: entry.started or _NEVER, reverse=True)

    async def why_failed(self, server_id: str) -> cloud.Failure | None:
        """Return what the newest failed instance action says, or None where none has failed."""
        version = await self._version("2.84", "2.51", "2.21")
        path = f"/servers/{service.checked(server_id)}/os-instance-actions"
        actions, _ = await self._pages(SERVICE, path, answer=server_json.Actions, version=version)
        failed = [action for action in actions if action.message]
        if not failed:
            return None
        newest = max(failed, key=lambda action: server_json.aware(action.start_time) or _NEVER)
        action = await self._get(
            SERVICE, f"{path}/{newest.request_id}", answer=server_json.ActionBody, version=version
        )
        errors = [event for event in action.action.events or [] if event.result == "Error"]
        sentences = dict.fromkeys(words for event in errors if (words := event.words()))
        kinds = " ".join(event.exception for event in errors)
        return faults.failure("; ".join(sentences) or newest.reason, kind=kinds)
