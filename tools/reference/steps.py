"""The page of steps."""

import inspect

from enamel.steps import KINDS
from enamel.steps.step import Step
from tools.reference import page, struct


def text() -> str:
    """Return the page: one heading for each kind of step."""
    return page.compose(
        title="Steps",
        source="`enamel.steps`",
        intro="Plans are made of these. The kind stands in a plan and in a task's items. A step that is *uncertain* is "
        "looked up before it is done again, unless it may be repeated.",
        parts=[_entry(kind, step=step) for kind, step in sorted(KINDS.items())],
    )


def _entry(kind: str, *, step: type[Step]) -> str:
    facts = [
        f"Shown as {page.code(step.action)}.",
        "May be repeated." if step.repeatable else "Looked up when uncertain.",
        "Undone when the task is." if step.undoable else "Leaves nothing to undo.",
        f"Takes {_calls(step.calls)}; tried up to {step.retry.maximum_attempts} times;"
        f" one attempt may take {_time(step.timeout.total_seconds())}.",
    ]
    said = page.sentence(inspect.getdoc(step) or "")
    inner = [
        f"### {struct.spell(part).capitalize()}\n\n{struct.describe(part)}" for part in struct.inner(step)
    ]
    return "\n\n".join(
        filter(None, [f"## {page.code(kind)}", said, " ".join(facts), struct.table(step), *inner])
    )


def _calls(number: int) -> str:
    return {0: "no request", 1: "one request"}.get(number, f"about {number} requests")


def _time(seconds: float) -> str:
    return f"{seconds / 60:g} minutes" if seconds >= 60 else f"{seconds:g} seconds"
