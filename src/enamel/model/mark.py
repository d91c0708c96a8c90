"""The mark: what a resource carries that a step has made, so that it can be found again and its task be known."""

from msgspec import Struct

PREFIX = "enamel:"
ADDRESS = "address-reserve"
"""The step that makes an address which belongs to no server …"""
VOLUME = "volume-create"
"""… and the one that makes such a volume. Steps that make things for a server have its name at their end."""
_LASTING = frozenset({ADDRESS, VOLUME})


class Mark(Struct, frozen=True):
    """Who has made a resource."""

    task: str
    step: str

    @property
    def lasting(self) -> bool:
        """Tell whether the resource was asked for by itself, so that it outlives the servers that use it."""
        return self.step in _LASTING


def write(task: str, step: str) -> str:
    """Return the mark as resources carry it."""
    return f"{PREFIX}{task}/{step}"


def read(text: str) -> Mark | None:
    """Return what a text says, or None where it is no mark."""
    task, separator, step = text.removeprefix(PREFIX).partition("/")
    return Mark(task, step) if separator and task and text.startswith(PREFIX) else None


def task_of(text: str) -> str:
    """Return the id of the task that a mark names; empty where it names none."""
    mark = read(text)
    return mark.task if mark is not None else ""


def is_lasting(text: str) -> bool:
    """Tell whether a text marks something that outlives servers."""
    mark = read(text)
    return mark is not None and mark.lasting
