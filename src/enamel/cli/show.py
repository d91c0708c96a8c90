"""Showing: tables and sentences for people, JSON for programs."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console

_WIDE = 200
"""Columns where the output is no terminal: nothing that a program may cut out is folded."""

COLOURS = {
    "COMPLETED": "green",
    "READY": "green",
    "ACTIVE": "green",
    "DONE": "green",
    "GONE": "dim",
    "RUNNING": "cyan",
    "BUILDING": "cyan",
    "WAITING": "dim",
    "ABORTED": "red",
    "FAILED": "red",
    "ERROR": "red",
    "TIMED_OUT": "red",
    "REVERTED": "yellow",
}


def as_json(data: Any) -> None:
    """Print data for programs."""
    click.echo(json.dumps(data, indent=2, ensure_ascii=False))


def console(*, stderr: bool = False) -> "Console":
    """Return a console on standard output, or on standard error."""
    from rich.console import Console

    made = Console(stderr=stderr, highlight=False)
    return made if made.is_terminal else Console(stderr=stderr, highlight=False, width=_WIDE)


def table(header: Sequence[str], rows: Iterable[Sequence[str]], *, empty: str) -> None:
    """Print a table, or a sentence where it has no rows."""
    from rich import box
    from rich.table import Table

    shown = Table(*header, box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for column in shown.columns:
        column.overflow = "fold"
    for row in rows:
        shown.add_row(*row)
    if shown.row_count:
        console().print(shown)
    else:
        click.echo(empty)


def facts(pairs: Iterable[tuple[str, str]]) -> None:
    """Print names with their values; what has no value is left out."""
    from rich.table import Table

    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold")
    grid.add_column(overflow="fold")
    for name, value in pairs:
        if value:
            grid.add_row(name, value)
    console().print(grid)


def state(word: str) -> str:
    """Return a state in its colour."""
    colour = COLOURS.get(word)
    return f"[{colour}]{word}[/{colour}]" if colour else word


def plain(text: object) -> str:
    """Return a text in which nothing is taken for markup."""
    from rich.markup import escape

    return escape("" if text is None else str(text))


def moment(text: str | None) -> datetime | None:
    """Return the time that a text of the service means."""
    return datetime.fromisoformat(text) if text else None


def clock(text: str | None) -> str:
    """Return a time as people here read it."""
    found = moment(text)
    return found.astimezone().strftime("%Y-%m-%d %H:%M:%S") if found else ""


def lasted(start: str | None, end: str | None) -> str:
    """Return how long something took."""
    first, last = moment(start), moment(end)
    return f"{(last - first).total_seconds():.1f} s" if first and last else ""


def addresses(server: Mapping[str, Any]) -> str:
    """Return where a server of the API can be reached."""
    access = server["networking"]["access"]
    return ", ".join([*access["ip4"], *access["ip6"]])


def problem(found: Mapping[str, Any]) -> list[str]:
    """Return a problem as lines: what happened, what is left, what to do, and the request ids."""
    lines = [found["detail"]]
    lines += [f"{fault['pointer']}: {fault['detail']}" for fault in found.get("faults", ())]
    lines += [f"Still there: {sentence}" for sentence in found.get("left", ())]
    if found.get("remedy"):
        lines.append(found["remedy"])
    if found.get("request_ids"):
        lines.append(f"Request ids of the cloud: {', '.join(found['request_ids'])}")
    return lines
