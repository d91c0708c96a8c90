"""The commands: one file turns what a caller wants, and what the cloud is like, into a plan."""

from enamel.commands import (
    create_server,
    create_volume,
    delete_volume,
    placement,
    restart_task,
    revert_task,
    server_action,
    terminate_server,
)
from enamel.commands.command import Command
from enamel.model.launch import Launch
from enamel.model.restart import Restart
from enamel.model.volume import VolumeWish

COMMANDS: dict[str, Command] = {
    "server.create": Command(
        name="server.create",
        action="CREATE",
        summary="Launch servers, with everything around them.",
        body=Launch,
        cloud=placement.cloud_of,
        elsewhere=placement.elsewhere,
        ask=create_server.ask,
        plan=create_server.plan,
        blank=create_server.blank,
    ),
    "server.terminate": Command(
        name="server.terminate",
        action="TERMINATE",
        summary="End a server, with what was made for it.",
        body=None,
        cloud=lambda want: (want.params.get("cloud"), ()),
        ask=terminate_server.ask,
        plan=terminate_server.plan,
    ),
    **server_action.COMMANDS,
    "task.restart": Command(
        name="task.restart",
        action="RESTART",
        summary="Take up a task that failed, from where it failed or from a named step.",
        body=Restart,
        cloud=lambda want: (want.params.get("cloud"), ()),
        ask=restart_task.ask,
        plan=restart_task.plan,
    ),
    "task.revert": Command(
        name="task.revert",
        action="REVERT",
        summary="Undo what a task has made.",
        body=None,
        cloud=lambda want: (want.params.get("cloud"), ()),
        ask=revert_task.ask,
        plan=revert_task.plan,
    ),
    "volume.create": Command(
        name="volume.create",
        action="CREATE_VOLUME",
        summary="Make a volume.",
        body=VolumeWish,
        cloud=lambda want: (want.params.get("cloud"), ()),
        ask=create_volume.ask,
        plan=create_volume.plan,
    ),
    "volume.delete": Command(
        name="volume.delete",
        action="DELETE_VOLUME",
        summary="Delete a volume.",
        body=None,
        cloud=lambda want: (want.params.get("cloud"), ()),
        ask=delete_volume.ask,
        plan=delete_volume.plan,
    ),
}
"""Every command by its task's type."""
