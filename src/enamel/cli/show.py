"""Output: tables and sentences for people, JSON for programs."""

import shutil
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from enamel.cli import pointers, refusal, safe_text

if TYPE_CHECKING:
    from rich.console import Console

Record = Mapping[str, Any]
"""What the service answers with for one resource."""
Columns = Mapping[str, Callable[[Record], str]]
"""The columns of a list: the text of each for a record, by its heading."""

_WIDE = 200
"""Columns of an output that is no terminal: wide enough that nothing a program may read is folded."""

COLOURS = {
    "COMPLETED": "green",
    "ACTIVE": "green",
    "DONE": "green",
    "TERMINATED": "dim",
    "RUNNING": "cyan",
    "BUILDING": "cyan",
    "WAITING": "dim",
    "ABORTED": "red",
    "ERROR": "red",
    "FAILED": "red",
    "TIMED_OUT": "red",
    "REVERTED": "yellow",
}
SERVER_STATES = {"READY": "ACTIVE", "FAILED": "ERROR", "GONE": "TERMINATED"}
"""States that a task gives its servers, by the state that `enamel server list` shows for such a server."""


def command(words: str) -> str:
    """Return a command line of this program as it can be typed: with its path, if the shell would not find it."""
    own = sys.argv[0] if sys.argv else ""
    found = Path(own).name != "enamel" or shutil.which("enamel") is not None
    return f"{'enamel' if found else own} {words}"


def as_json(data: Any) -> None:
    """Print data for programs."""
    click.echo(safe_text.as_json(data, indent=2))


def console(*, stderr: bool = False) -> "Console":
    """Return a console on standard output, or on standard error."""
    from rich.console import Console

    terminal = Console(stderr=stderr, highlight=False)
    return terminal if terminal.is_terminal else Console(stderr=stderr, highlight=False, width=_WIDE)


def table(header: Sequence[str], rows: Iterable[Sequence[str]], *, empty: str) -> None:
    """Print a table, or a sentence in place of one without rows."""
    from enamel.cli.table import Table

    listed = list(rows)
    if listed:
        Table(header, listed).print(console())
    else:
        click.echo(empty)


def records(listed: Sequence[Record], columns: Columns, *, empty: str) -> None:
    """Print a table of resources; the column `cloud` is added if they say on which cloud they are."""
    columns = dict(columns)
    if any(record.get("cloud") for record in listed):
        columns = {"cloud": lambda record: plain(record.get("cloud")), **columns}
        columns = {heading: columns[heading] for heading in sorted(columns, key=_place(columns))}
    rows = [[text(record) for text in columns.values()] for record in listed]
    table(list(columns), rows, empty=empty)


def _place(columns: Columns) -> Callable[[str], int]:
    """Return the order of columns: `cloud` stands before the last one."""
    headings = [heading for heading in columns if heading != "cloud"]
    return lambda heading: 2 * (len(headings) - 1) - 1 if heading == "cloud" else 2 * headings.index(heading)


def facts(pairs: Iterable[tuple[str, str]]) -> None:
    """Print names with their values; pairs without a value are left out."""
    from rich.text import Text

    known = [(name, value) for name, value in pairs if value]
    width = max((len(name) for name, _ in known), default=0)
    for name, value in known:
        line = Text.assemble((f"{name:{width}}", "bold"), "  ", Text.from_markup(value))
        console().print(line, soft_wrap=True)


def state(word: str) -> str:
    """Return a state in its colour."""
    colour = COLOURS.get(word)
    return f"[{colour}]{word}[/{colour}]" if colour else word


def server_state(word: str) -> str:
    """Return the state that a task gives a server, in the words and colours of all server states."""
    return state(SERVER_STATES.get(word, word))


def plain(text: object) -> str:
    """Return a text of which rich takes nothing for markup."""
    from rich.markup import escape

    return escape("" if text is None else str(text))


def listed(texts: Iterable[object]) -> str:
    """Return texts separated by commas."""
    return plain(", ".join(map(str, texts)))


def pairs(values: Mapping[str, object]) -> str:
    """Return names with their values, separated by commas."""
    return listed(f"{name}={value}" for name, value in values.items())


def count(number: int, noun: str) -> str:
    """Return a number of things: `1 step`, `3 steps`, `2 addresses`."""
    plural = f"{noun}es" if noun.endswith("s") else f"{noun}s"
    return f"{number} {noun if number == 1 else plural}"


def moment(text: str | None) -> datetime | None:
    """Return the time that a text of the service means."""
    return datetime.fromisoformat(text) if text else None


def clock(text: str | None) -> str:
    """Return a time in the local time zone."""
    time = moment(text)
    return time.astimezone().strftime("%Y-%m-%d %H:%M:%S") if time else ""


def lasted(start: str | None, end: str | None) -> str:
    """Return the time between two moments, in seconds."""
    first, last = moment(start), moment(end)
    return f"{(last - first).total_seconds():.1f} s" if first and last else ""


def addresses(server: Record) -> str:
    """Return the addresses at which a server can be reached."""
    access = server["networking"]["access"]
    return ", ".join([*access["ip4"], *access["ip6"]])


def fault(fault: Record) -> str:
    """Return a fault as a line that begins with the option at fault."""
    pointer = fault.get("pointer")
    detail = str(fault.get("detail") or fault.get("title") or "refused")
    return f"{pointers.spelled(pointer)}: {detail}" if pointer else detail


def cause(error: Record | None, *, of: Record | None) -> str:
    """Return why a part of a task failed, unless the error of the whole task says the same below."""
    if error is None:
        return ""
    detail = str(error["detail"])
    return "see below" if of is not None and detail in of["detail"] else plain(detail)


def problem(error: Record) -> list[str]:
    """Return an error of a task as lines: what happened, what is left over, what to do, and the request ids."""
    lines = [error["detail"]]
    lines += [fault(entry) for entry in error.get("faults", ()) if entry["detail"] not in error["detail"]]
    lines += [f"Not removed: {sentence}" for sentence in error.get("left", ())]
    if error.get("remedy"):
        lines.append(refusal.spelled(error["remedy"]))
    if error.get("request_ids"):
        lines.append(f"Request ids of the cloud: {', '.join(error['request_ids'])}")
    return lines
