"""The commands: each turns a request, and what is known of the cloud, into a plan."""

from enamel.commands.address import attach, create, delete, detach
from enamel.commands.command import Command
from enamel.commands.launch import create_server, placement
from enamel.commands.orphan import clean
from enamel.commands.server import action, terminate, transfer
from enamel.commands.server_type import change
from enamel.commands.task import restart, revert
from enamel.commands.volume import create as volume_create
from enamel.commands.volume import delete as volume_delete
from enamel.commands.volume import delete_snapshot, snapshot
from enamel.model.address import AddressRequest, AttachRequest
from enamel.model.launch import Launch
from enamel.model.orphan import CleanRequest
from enamel.model.restart import Restart
from enamel.model.server_change import ServerChange
from enamel.model.server_type import ServerTypeChange
from enamel.model.volume import SnapshotRequest, VolumeRequest

COMMANDS: dict[str, Command] = {
    "address.attach": Command(
        name="address.attach",
        action="ATTACH_ADDRESS",
        summary="Attach an address to a server.",
        body=AttachRequest,
        ask=attach.ask,
        planner=attach.plan,
    ),
    "address.create": Command(
        name="address.create",
        action="CREATE_ADDRESS",
        summary="Create an address that outlives servers.",
        body=AddressRequest,
        ask=create.ask,
        planner=create.plan,
    ),
    "address.delete": Command(
        name="address.delete",
        action="DELETE_ADDRESS",
        summary="Delete an address.",
        body=None,
        ask=delete.ask,
        planner=delete.plan,
    ),
    "address.detach": Command(
        name="address.detach",
        action="DETACH_ADDRESS",
        summary="Detach an address from its server, and keep it.",
        body=None,
        ask=detach.ask,
        planner=detach.plan,
    ),
    "orphans.clean": Command(
        name="orphans.clean",
        action="CLEAN_UP",
        summary="Delete orphans.",
        body=CleanRequest,
        ask=clean.ask,
        planner=clean.plan,
    ),
    "server.create": Command(
        name="server.create",
        action="CREATE",
        summary="Launch servers, with everything around them.",
        body=Launch,
        cloud=placement.cloud_of,
        elsewhere=placement.elsewhere,
        ask=create_server.ask,
        planner=create_server.plan,
        blank=create_server.blank,
    ),
    "server.terminate": Command(
        name="server.terminate",
        action="TERMINATE",
        summary="Delete a server, with what was made for it.",
        body=None,
        ask=terminate.ask,
        planner=terminate.plan,
    ),
    **action.COMMANDS,
    "server.transfer": Command(
        name="server.transfer",
        action="TRANSFER",
        summary="Transfer a server to another project.",
        body=ServerChange,
        ask=transfer.ask,
        planner=transfer.plan,
    ),
    "server_type.change": Command(
        name="server_type.change",
        action="CHANGE_TYPE",
        summary="Change a server type, by replacing it if the cloud cannot change it.",
        body=ServerTypeChange,
        ask=change.ask,
        planner=change.plan,
    ),
    "task.restart": Command(
        name="task.restart",
        action="RESTART",
        summary="Restart a task that failed, from where it failed or from a named step.",
        body=Restart,
        ask=restart.ask,
        planner=restart.plan,
    ),
    "task.revert": Command(
        name="task.revert",
        action="REVERT",
        summary="Undo what a task has made.",
        body=None,
        ask=revert.ask,
        planner=revert.plan,
    ),
    "volume.create": Command(
        name="volume.create",
        action="CREATE_VOLUME",
        summary="Create a volume.",
        body=VolumeRequest,
        ask=volume_create.ask,
        planner=volume_create.plan,
    ),
    "volume.snapshot": Command(
        name="volume.snapshot",
        action="SNAPSHOT_VOLUME",
        summary="Create a snapshot of a volume.",
        body=SnapshotRequest,
        ask=snapshot.ask,
        planner=snapshot.plan,
    ),
    "volume.delete_snapshot": Command(
        name="volume.delete_snapshot",
        action="DELETE_VOLUME_SNAPSHOT",
        summary="Delete a snapshot of a volume.",
        body=None,
        ask=delete_snapshot.ask,
        planner=delete_snapshot.plan,
    ),
    "volume.delete": Command(
        name="volume.delete",
        action="DELETE_VOLUME",
        summary="Delete a volume.",
        body=None,
        ask=volume_delete.ask,
        planner=volume_delete.plan,
    ),
}
"""Every command by its task's type."""
