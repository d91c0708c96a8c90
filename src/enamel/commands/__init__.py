"""The commands: one file turns what a caller wants, and what the cloud is like, into a plan."""

from enamel.commands import (
    attach_address,
    change_server_type,
    create_address,
    create_server,
    create_volume,
    delete_address,
    delete_volume,
    detach_address,
    placement,
    restart_task,
    revert_task,
    server_action,
    terminate_server,
)
from enamel.commands.command import Command
from enamel.model.address import AddressWish, AttachWish
from enamel.model.launch import Launch
from enamel.model.restart import Restart
from enamel.model.server_type import ServerTypeChange
from enamel.model.volume import VolumeWish

COMMANDS: dict[str, Command] = {
    "address.attach": Command(
        name="address.attach",
        action="ATTACH_ADDRESS",
        summary="Have an address lead to a server.",
        body=AttachWish,
        cloud=lambda want: (want.params.get("cloud"), ()),
        ask=attach_address.ask,
        plan=attach_address.plan,
    ),
    "address.create": Command(
        name="address.create",
        action="CREATE_ADDRESS",
        summary="Get an address that outlives servers.",
        body=AddressWish,
        cloud=lambda want: (want.params.get("cloud"), ()),
        ask=create_address.ask,
        plan=create_address.plan,
    ),
    "address.delete": Command(
        name="address.delete",
        action="DELETE_ADDRESS",
        summary="Give an address back to the cloud.",
        body=None,
        cloud=lambda want: (want.params.get("cloud"), ()),
        ask=delete_address.ask,
        plan=delete_address.plan,
    ),
    "address.detach": Command(
        name="address.detach",
        action="DETACH_ADDRESS",
        summary="Have an address lead nowhere, and keep it.",
        body=None,
        cloud=lambda want: (want.params.get("cloud"), ()),
        ask=detach_address.ask,
        plan=detach_address.plan,
    ),
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
    "server_type.change": Command(
        name="server_type.change",
        action="CHANGE_TYPE",
        summary="Change a server type, also where the cloud can only make another one in its place.",
        body=ServerTypeChange,
        cloud=lambda want: (want.params.get("cloud"), ()),
        ask=change_server_type.ask,
        plan=change_server_type.plan,
    ),
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
