"""The webhook: a URL to which a task's events are sent."""

import enum
from datetime import datetime

from msgspec import Struct


class State(enum.Enum):
    """How far a webhook is."""

    ACTIVE = "ACTIVE"
    """There is more to tell, now or later."""
    DELIVERED = "DELIVERED"
    """The task has ended, and all events were sent."""
    STOPPED = "STOPPED"
    """The receiver refused further events (410), or its address is not allowed."""
    FAILED = "FAILED"
    """It was tried for days."""


class Notification(Struct, frozen=True, kw_only=True):
    """How far a webhook is, as callers see it."""

    url: str
    """Without the values of its query, which may be tokens."""
    events: tuple[str, ...] = ()
    """Types of events, or families such as `task.*`; all where none is named."""
    state: State = State.ACTIVE
    sent: int = 0
    """Number of the last event that was sent, or skipped because it was not requested."""
    attempts: int = 0
    """How often the next event was tried in vain."""
    last_status: int | None = None
    """What the receiver answered last; none where it did not answer."""
    last_error: str | None = None
    """Why the last attempt failed."""
    next_at: datetime | None = None
    """When the next attempt is made."""


class Webhook(Notification, frozen=True, kw_only=True):
    """A webhook, as it is stored."""

    id: str
    task: str
    secrets: tuple[str, ...] = ()
    """References into the key store: with each of them, what is sent is signed; the newest first."""
    address: str | None = None
    """Reference to the whole URL in the key store, where its query holds what nobody else may see."""

    @property
    def references(self) -> tuple[str, ...]:
        """All references into the key store."""
        return self.secrets if self.address is None else (*self.secrets, self.address)


def wants(notification: Notification, type: str) -> bool:
    """Tell whether a type of event is to be sent."""
    return not notification.events or any(
        type.startswith(asked[:-1]) if asked.endswith(".*") else type == asked
        for asked in notification.events
    )


def shown(hook: Webhook) -> Notification:
    """Return what callers see of a webhook."""
    return Notification(**{name: getattr(hook, name) for name in Notification.__struct_fields__})
