"""The page of commands."""

import inspect

from enamel.api import schemas
from enamel.commands import COMMANDS
from enamel.commands.command import Command
from tools.reference import page


def text() -> str:
    """Return the page: one heading for each command, with what its plan does."""
    return page.compose(
        title="Commands",
        source="`enamel.commands`",
        intro="What can be asked for. A task's `type` is its command; workers listen for it under the same name.",
        parts=[_entry(name, command=command) for name, command in COMMANDS.items()],
    )


def _entry(name: str, *, command: Command) -> str:
    body = command.body
    takes = (
        f"Takes a [{schemas.name_of(body)}](bodies.md#{page.anchor(schemas.name_of(body))})."
        if body
        else "Takes no body."
    )
    module = inspect.getmodule(command.planner)
    said = (inspect.getdoc(module) or "").partition("\n\n")[2]
    return "\n\n".join(filter(None, [f"## {page.code(name)}", command.summary, takes, page.unwrap(said)]))
