"""Ownership: whether what has an id on a cloud is what a step has made.

An id alone proves nothing: a list may be stale or unfiltered, and a proxy may answer one request with the reply to another.
So the mark and the name are compared before something is taken over, and again before it is deleted.
"""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from enamel.model import mark as marks
from enamel.model.errors import Gone, OutcomeUnknown
from enamel.steps.step import Context, Outputs


class Labels(NamedTuple):
    """What a resource carries now."""

    mark: str
    name: str
    """Its name; of an address, the address itself."""


def mark_of(at: Context, outputs: Outputs) -> str:
    """Return the mark that a step's resources were made with: of a step that was taken over, an earlier task's."""
    mark: str = outputs.get("mark", at.mark)
    return mark


def is_own(labels: Labels, at: Context, outputs: Outputs, *, name: str) -> bool:
    """Tell whether a resource is what a step has made: it has the step's mark, or no mark and still the name."""
    by = marks.read(labels.mark)
    if by is None:
        # Clouds before 2016 hold no marks of addresses, and people change descriptions.
        return labels.name == name
    if "mark" in outputs:
        return labels.mark == mark_of(at, outputs)
    # Earlier releases have not recorded whose mark it was, this task's or that of the one that it has restarted.
    own = marks.read(at.mark)
    if own is None or by.task == own.task:
        return own is None or _place(by.step) == _place(own.step)
    return _place(by.step) == _place(own.step) and labels.name == name


def _place(step: str) -> str:
    """Return the name of a step without the number of its placement."""
    return step.partition("~")[0]


def note_other(at: Context, kind: str, id: str, labels: Labels) -> None:
    """Leave a note that something is not deleted, because another has made it."""
    by = f"carries the mark '{labels.mark}'" if marks.read(labels.mark) else f"is called '{labels.name}'"
    at.note(f"The {kind} {id} stays: it {by}, so it was not created by this step.")


async def is_own_or_gone(
    at: Context, outputs: Outputs, kind: str, id: str, *, name: str, labels: Callable[[], Awaitable[Labels]]
) -> bool:
    """Tell whether the thing of an id is one that a step has made, and note if it is not; one that is gone counts as such.

    Args:
        at: The step's context.
        outputs: The step's outputs.
        kind: What the thing is called in sentences.
        id: Its id.
        name: The name it was made with.
        labels: Returns what it carries now, or raises Gone.
    """
    try:
        now = await labels()
    except Gone:
        return True
    if is_own(now, at, outputs, name=name):
        return True
    note_other(at, kind, id, now)
    return False


def check_created(at: Context, kind: str, id: str, mark: str) -> None:
    """Refuse an answer that shows what another step has made.

    Raises:
        OutcomeUnknown: It carries the mark of another step: what this one has made has to be searched for.
    """
    if marks.read(mark) is not None and mark != at.mark:
        raise OutcomeUnknown(
            f"A {kind} was requested, but the answer shows {id}, which was created by '{mark}'.",
            cloud=at.cloud.name,
        )
