"""States of servers, volumes and images, and reasons of failures: the same words for all clouds.

Each driver maps its cloud's words to these; what the floors above decide, they decide by these alone.
"""

import enum

from enamel.model.choice import Choice


class ServerState(enum.Enum):
    """The state that a server is in, or was in before the cloud began to work on it."""

    BUILDING = "BUILDING"
    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"
    SUSPENDED = "SUSPENDED"
    STOPPED = "STOPPED"
    RESCUED = "RESCUED"
    RESIZED = "RESIZED"
    """It runs with its new type until the resize is confirmed or reverted."""
    SHELVED = "SHELVED"
    SHELVED_OFFLOADED = "SHELVED_OFFLOADED"
    ERROR = "ERROR"
    SOFT_DELETED = "SOFT_DELETED"
    """Deleted, and restorable for a while."""
    DELETED = "DELETED"
    UNKNOWN = "UNKNOWN"
    """The cloud cannot say, or uses a word that the driver does not know."""

    @classmethod
    def _missing_(cls, value: object) -> "ServerState | None":
        # Plans that were stored before 0.2 name Nova's statuses.
        return _STORED_STATES.get(value)


_STORED_STATES: dict[object, ServerState] = {
    "BUILD": ServerState.BUILDING,
    "SHUTOFF": ServerState.STOPPED,
    "RESCUE": ServerState.RESCUED,
    "VERIFY_RESIZE": ServerState.RESIZED,
}

DELETED = frozenset({ServerState.DELETED, ServerState.SOFT_DELETED})
"""The states of a server that nobody uses any more."""


class ServerActivity(enum.Enum):
    """What a cloud is doing to a server; while it does, the server's state says nothing of the outcome."""

    SCHEDULING = "scheduling"
    SPAWNING = "spawning"
    REBOOTING = "rebooting"
    PAUSING = "pausing"
    UNPAUSING = "unpausing"
    SUSPENDING = "suspending"
    RESUMING = "resuming"
    POWERING_OFF = "powering-off"
    POWERING_ON = "powering-on"
    RESCUING = "rescuing"
    UNRESCUING = "unrescuing"
    REBUILDING = "rebuilding"
    """Up to the moment in which the new virtual machine is spawned."""
    RESIZING = "resizing"
    CONFIRMING_RESIZE = "confirming-resize"
    REVERTING_RESIZE = "reverting-resize"
    MIGRATING = "migrating"
    SNAPSHOTTING = "snapshotting"
    SHELVING = "shelving"
    """Up to the moment in which its image is uploaded."""
    UPLOADING = "uploading"
    OFFLOADING = "offloading"
    UNSHELVING = "unshelving"
    CHANGING_PASSWORD = "changing-password"  # noqa: S105 - a word, no secret
    DELETING = "deleting"
    RESTORING = "restoring"
    OTHER = "other"

    @classmethod
    def _missing_(cls, value: object) -> "ServerActivity | None":
        # Plans that were stored before 0.2 name Nova's task states.
        return _STORED_ACTIVITIES.get(value)


_STORED_ACTIVITIES: dict[object, ServerActivity] = {
    "shelving_image_pending_upload": ServerActivity.SHELVING,
    "rebuild_block_device_mapping": ServerActivity.REBUILDING,
}


class PowerState(enum.Enum):
    """What a server's virtual machine is doing."""

    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    SHUTDOWN = "SHUTDOWN"
    CRASHED = "CRASHED"
    SUSPENDED = "SUSPENDED"


class VolumeState(Choice):
    """The state of a volume, or of a snapshot of one."""

    CREATING = "CREATING"
    AVAILABLE = "AVAILABLE"
    ATTACHING = "ATTACHING"
    IN_USE = "IN_USE"
    DETACHING = "DETACHING"
    OFFERED = "OFFERED"
    """Offered to another project, which has not accepted it yet."""
    DELETING = "DELETING"
    ERROR = "ERROR"
    DELETE_FAILED = "DELETE_FAILED"
    OTHER = "OTHER"
    """The cloud works on it in another way: it is extended, copied, backed up …"""


class ImageState(Choice):
    """The state of an image."""

    SAVING = "SAVING"
    ACTIVE = "ACTIVE"
    """It can be booted."""
    FAILED = "FAILED"
    DELETED = "DELETED"
    OTHER = "OTHER"
    """It exists and cannot be booted: an operator has deactivated it."""


class FailureReason(enum.Enum):
    """Why a cloud failed to do something, as far as its driver can tell."""

    NO_CAPACITY = "no-capacity"
    """No host has room."""
    QUOTA = "quota"
    IMAGE = "image"
    NETWORK = "network"
    VOLUME = "volume"
    UNKNOWN = "unknown"
