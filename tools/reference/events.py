"""The page of event types."""

from enamel.model import event
from tools.reference import page, struct


def text() -> str:
    """Return the page: one heading for each type of event, then the fields of one."""
    return page.compose(
        title="Events",
        source="`enamel.model.event`",
        intro="A task's timeline is a list of events, numbered without gaps. The live stream, the list and the "
        "command line all read the same one.",
        parts=[
            *[f"## `{name}`\n\n{meaning}" for name, meaning in event.TYPES.items()],
            f"## Fields of an event\n\n{struct.describe(event.Event)}",
        ],
    )
