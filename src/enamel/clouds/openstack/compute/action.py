"""Actions on existing servers: Nova's names for them and for their arguments."""

from collections.abc import Mapping
from typing import Any

from enamel.clouds.openstack import service, transport
from enamel.clouds.openstack.compute import server
from enamel.model.action import Action

SERVICE = server.SERVICE

Arguments = Mapping[str, Any]

NAMES: dict[Action, str] = {
    Action.UPDATE_PASSWORD: "changePassword",
    Action.RESIZE: "resize",
    Action.CONFIRM_RESIZE: "confirmResize",
    Action.REVERT_RESIZE: "revertResize",
    Action.REBOOT: "reboot",
    Action.HARD_REBOOT: "reboot",
    Action.PAUSE: "pause",
    Action.UNPAUSE: "unpause",
    Action.SUSPEND: "suspend",
    Action.RESUME: "resume",
    Action.POWER_OFF: "os-stop",
    Action.POWER_ON: "os-start",
    Action.RESCUE: "rescue",
    Action.UNRESCUE: "unrescue",
    Action.REBUILD: "rebuild",
    Action.RESTORE: "restore",
    Action.SHELVE: "shelve",
    Action.SHELVE_OFFLOAD: "shelveOffload",
    Action.UNSHELVE: "unshelve",
    Action.LOCK: "lock",
    Action.UNLOCK: "unlock",
}
"""What Nova calls the actions; MOVE has two names, and what makes images has an answer: these are methods of their own."""

WORDS: dict[Action, dict[str, str]] = {
    Action.UPDATE_PASSWORD: {"password": "adminPass"},
    Action.RESIZE: {"flavor_id": "flavorRef"},
    Action.RESCUE: {"image_id": "rescue_image_ref", "password": "adminPass"},
    Action.REBUILD: {"image_id": "imageRef", "password": "adminPass"},
    Action.LOCK: {"reason": "locked_reason"},
}
"""What Nova calls the arguments."""


class Actions(server.Servers):
    """What can be done to a project's servers."""

    def actions(self) -> frozenset[Action]:
        """Return the actions that Nova knows: all of them."""
        return frozenset(Action)

    async def act(self, server_id: str, action: Action, *, arguments: Arguments | None = None) -> None:
        """Begin an action; its end shows in the server's state."""
        given = {WORDS[action][name]: value for name, value in (arguments or {}).items() if value is not None}
        version = None
        if action is Action.REBUILD:
            # From 2.93 on, a server that boots from a volume can be rebuilt from another image.
            version = await self._version("2.93")
        if "locked_reason" in given and (version := await self._version("2.73")) is None:
            # Older clouds lock as well, they only cannot keep the reason.
            del given["locked_reason"]
        if action in (Action.REBOOT, Action.HARD_REBOOT):
            given = {"type": "HARD" if action is Action.HARD_REBOOT else "SOFT"}
        # Without arguments Nova expects null, not an empty object.
        await self._act_on(server_id, NAMES[action], given or None, version=version)

    async def move(self, server_id: str, *, live: bool) -> None:
        """Begin to move a server to another host; the cloud chooses the host."""
        if not live:
            await self._act_on(server_id, "migrate", None, version=None)
            return
        version = await self._version("2.25")
        # Before 2.25 Nova did not find out by itself whether the disks have to be copied.
        block = "auto" if version else False
        body: dict[str, Any] = {"host": None, "block_migration": block}
        if version is None:
            body["disk_over_commit"] = False
        await self._act_on(server_id, "os-migrateLive", body, version=version)

    async def _act_on(self, server_id: str, name: str, body: Any, *, version: str | None) -> None:
        await self._post(
            SERVICE,
            f"/servers/{service.checked(server_id)}/action",
            body={name: body},
            answer=transport.Nothing,
            version=version,
        )
        await self.servers.changed()
