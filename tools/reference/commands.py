"""The page of commands."""

import inspect

from enamel.commands import COMMANDS
from enamel.commands.command import Command
from tools.reference import page


def text() -> str:
    """Return the page: one heading for each command, with how it goes about its work."""
    return page.compose(
        title="Commands",
        source="`enamel.commands`",
        intro="What can be asked for. A task's `type` is its command; workers listen for it under the same name.",
        parts=[_entry(name, command=command) for name, command in COMMANDS.items()],
    )


def _entry(name: str, *, command: Command) -> str:
    body = command.body
    takes = (
        f"Takes a [{body.__name__}](bodies.md#{page.anchor(body.__name__)})." if body else "Takes no body."
    )
    module = inspect.getmodule(command.plan)
    said = (inspect.getdoc(module) or "").partition("\n\n")[2]
    return "\n\n".join(filter(None, [f"## {page.code(name)}", command.summary, takes, page.unwrap(said)]))
