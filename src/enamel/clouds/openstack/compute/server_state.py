"""What Nova's words for a server's state mean: one table for each of its three words."""

from enamel.model.states import PowerState, ServerActivity, ServerState

STATES: dict[str, ServerState] = {
    "BUILD": ServerState.BUILDING,
    "REBUILD": ServerState.BUILDING,
    "ACTIVE": ServerState.ACTIVE,
    "REBOOT": ServerState.ACTIVE,
    "HARD_REBOOT": ServerState.ACTIVE,
    "PASSWORD": ServerState.ACTIVE,
    "MIGRATING": ServerState.ACTIVE,
    "RESIZE": ServerState.ACTIVE,
    "PAUSED": ServerState.PAUSED,
    "SUSPENDED": ServerState.SUSPENDED,
    "SHUTOFF": ServerState.STOPPED,
    "RESCUE": ServerState.RESCUED,
    "VERIFY_RESIZE": ServerState.RESIZED,
    "REVERT_RESIZE": ServerState.RESIZED,
    "SHELVED": ServerState.SHELVED,
    "SHELVED_OFFLOADED": ServerState.SHELVED_OFFLOADED,
    "ERROR": ServerState.ERROR,
    "SOFT_DELETED": ServerState.SOFT_DELETED,
    "DELETED": ServerState.DELETED,
}
"""The state behind each status. Some statuses name a state and what is done in it; that half is in TRANSITIONS."""

TRANSITIONS: dict[str, ServerActivity] = {
    "REBUILD": ServerActivity.REBUILDING,
    "REBOOT": ServerActivity.REBOOTING,
    "HARD_REBOOT": ServerActivity.REBOOTING,
    "PASSWORD": ServerActivity.CHANGING_PASSWORD,
    "MIGRATING": ServerActivity.MIGRATING,
    "RESIZE": ServerActivity.RESIZING,
    "REVERT_RESIZE": ServerActivity.REVERTING_RESIZE,
}
"""The activity that a status shows, for clouds that show no task state."""

TASKS: dict[str, ServerActivity] = {
    "scheduling": ServerActivity.SCHEDULING,
    "networking": ServerActivity.SPAWNING,
    "block_device_mapping": ServerActivity.SPAWNING,
    "spawning": ServerActivity.SPAWNING,
    "rebooting": ServerActivity.REBOOTING,
    "reboot_pending": ServerActivity.REBOOTING,
    "reboot_started": ServerActivity.REBOOTING,
    "rebooting_hard": ServerActivity.REBOOTING,
    "reboot_pending_hard": ServerActivity.REBOOTING,
    "reboot_started_hard": ServerActivity.REBOOTING,
    "pausing": ServerActivity.PAUSING,
    "unpausing": ServerActivity.UNPAUSING,
    "suspending": ServerActivity.SUSPENDING,
    "resuming": ServerActivity.RESUMING,
    "powering-off": ServerActivity.POWERING_OFF,
    "powering-on": ServerActivity.POWERING_ON,
    "rescuing": ServerActivity.RESCUING,
    "unrescuing": ServerActivity.UNRESCUING,
    "rebuilding": ServerActivity.REBUILDING,
    "rebuild_block_device_mapping": ServerActivity.REBUILDING,
    "rebuild_spawning": ServerActivity.SPAWNING,
    "resize_prep": ServerActivity.RESIZING,
    "resize_migrating": ServerActivity.RESIZING,
    "resize_migrated": ServerActivity.RESIZING,
    "resize_finish": ServerActivity.RESIZING,
    "resize_confirming": ServerActivity.CONFIRMING_RESIZE,
    "resize_reverting": ServerActivity.REVERTING_RESIZE,
    "migrating": ServerActivity.MIGRATING,
    "image_snapshot": ServerActivity.SNAPSHOTTING,
    "image_snapshot_pending": ServerActivity.SNAPSHOTTING,
    "image_backup": ServerActivity.SNAPSHOTTING,
    "image_pending_upload": ServerActivity.SNAPSHOTTING,
    "image_uploading": ServerActivity.UPLOADING,
    "shelving": ServerActivity.SHELVING,
    "shelving_image_pending_upload": ServerActivity.SHELVING,
    "shelving_image_uploading": ServerActivity.UPLOADING,
    "shelving_offloading": ServerActivity.OFFLOADING,
    "unshelving": ServerActivity.UNSHELVING,
    "updating_password": ServerActivity.CHANGING_PASSWORD,
    "deleting": ServerActivity.DELETING,
    "soft-deleting": ServerActivity.DELETING,
    "restoring": ServerActivity.RESTORING,
}
"""The activity behind each task state; what is not here is OTHER."""

POWER: dict[int, PowerState] = {
    1: PowerState.RUNNING,
    3: PowerState.PAUSED,
    4: PowerState.SHUTDOWN,
    6: PowerState.CRASHED,
    7: PowerState.SUSPENDED,
}
"""The power state behind each number; 0 and what is not here say nothing."""


def state(status: str) -> ServerState:
    """Return the state that a server of this status is in."""
    return STATES.get(status, ServerState.UNKNOWN)


def activity(status: str, task_state: str | None) -> ServerActivity | None:
    """Return what Nova is doing to a server; None while it does nothing."""
    if task_state is not None:
        return TASKS.get(task_state, ServerActivity.OTHER)
    return TRANSITIONS.get(status)
