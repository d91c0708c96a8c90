"""The board: what is known of a running task, one row for each server, drawn in the rows that a terminal has."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from enamel.cli import show, timeline

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

_AROUND = 9
"""Lines around the rows: bar, heading with its blank line and rule, the shared row, a blank line, counts, a note, the cursor."""
_URGENCY = {"ERROR": 0, "BUILDING": 1, "RUNNING": 1, "WAITING": 2, "ACTIVE": 3, "DONE": 3}
"""Which states are shown if there is no room for all: the lowest ones."""
_NAMED = 3
"""Most servers that are named in a sentence."""


@dataclass
class Row:
    """What is known of one server."""

    state: str = "WAITING"
    running: dict[str, str] = field(default_factory=dict)
    """The steps that run, each with its name on screen."""
    latest: Mapping[str, Any] | None = None
    """The latest event."""
    address: str = ""


class Board:
    """Folds events into rows."""

    def __init__(self, task: Mapping[str, Any], plan: Mapping[str, Any]) -> None:
        self.task = task
        self.rows = {server["hostname"]: Row() for server in task["servers"]}
        self.shared = Row()
        self.total = len(plan["steps"])
        self.finished: set[str] = set()
        self.claimed = False
        self.reverting = False
        self._timeline = timeline.Timeline(plan)
        self._began = time.monotonic()
        self._working = "BUILDING" if task["action"] == "CREATE" else "RUNNING"

    def take(self, event: Mapping[str, Any]) -> None:
        """Update the rows by an event."""
        data, item = event.get("data", {}), event.get("item") or ""
        row = self.rows.get(self._timeline.server(event) or "", self.shared)
        match event["type"]:
            case "task.claimed" | "task.resumed":
                self.claimed = True
            case "item.started":
                row.running[item] = self._timeline.step(event)
                if row.state == "WAITING":
                    row.state = self._working
            case "item.completed" | "item.failed" | "item.reverted":
                row.running.pop(item, None)
                self.finished.add(item)
            case "server.addressed":
                row.address = data.get("public_address", "")
            case "server.active" | "server.reachable":
                row.state = "ACTIVE"
            case "server.moved_on":
                row.state = "WAITING"
            case "server.failed":
                row.state = "ERROR"
                row.running.clear()
            case "task.reverting" | "task.cancelling":
                self.reverting = True
        row.latest = event

    def line(self, event: Mapping[str, Any]) -> str:
        """Return the line of an event, for an output that cannot be redrawn."""
        return self._timeline.line(event)

    def waits_for(self) -> str:
        """Return what the task waits for, in one sentence."""
        if not self.claimed:
            begin = show.moment(self.task.get("not_before"))
            if begin is not None and begin.timestamp() > time.time():
                return f"The task starts at {show.clock(self.task['not_before'])}."
            return "No worker has claimed the task yet."
        steps: dict[str, list[str]] = {}
        for name, row in (("", self.shared), *self.rows.items()):
            for step in row.running.values():
                steps.setdefault(step, []).append(name)
        if not steps:
            return "No step is running."
        return f"Running: {'; '.join(_step(step, servers) for step, servers in steps.items())}."

    def draw(self, height: int, *, note: str = "") -> "RenderableType":
        """Return the board as rich draws it.

        Args:
            height: Lines of the terminal. If it has no room for all servers, those that failed or move are shown.
            note: A sentence to show below.

        """
        from rich.console import Group
        from rich.text import Text

        room = max(1, height - _AROUND)
        parts: list[RenderableType] = [self._head()]
        if self.rows or self.shared.latest:
            parts.append(self._body(room))
        if len(self.rows) > room:
            parts.append(Text(self._counts(room), style="dim"))
        if note:
            parts.append(Text(note, style="yellow", no_wrap=True, overflow="ellipsis"))
        return Group(*parts)

    def _head(self) -> "Table":
        from rich.progress_bar import ProgressBar
        from rich.table import Table

        head = Table.grid(padding=(0, 2))
        phase = "rolling back" if self.reverting else self.task["action"].replace("_", " ").lower()
        bar = ProgressBar(total=max(self.total, 1), completed=len(self.finished), width=32)
        seconds = f"{time.monotonic() - self._began:.1f} s"
        head.add_row(f"[bold]{phase}[/bold]", bar, f"{len(self.finished)}/{self.total} steps", seconds)
        return head

    def _body(self, room: int) -> "Table":
        from rich import box
        from rich.table import Table

        body = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim", expand=True)
        for name in ("server", "state", "address") if self.rows else ():
            body.add_column(name, no_wrap=True, overflow="ellipsis")
        body.add_column("now", no_wrap=True, overflow="ellipsis", ratio=1)
        for name in self._seen(room):
            row = self.rows[name]
            body.add_row(show.plain(name), show.state(row.state), show.plain(row.address), self._now(row))
        if not self.rows:
            body.add_row(self._now(self.shared))
        elif self.shared.running:
            body.add_row("[dim]all[/dim]", "", "", self._now(self.shared))
        return body

    def _seen(self, room: int) -> list[str]:
        """Return the servers that are shown, in their order: all, or first those that failed and those that move."""
        names = list(self.rows)
        if len(names) <= room:
            return names
        by_urgency: dict[int, list[str]] = {}
        for name, row in self.rows.items():
            by_urgency.setdefault(_URGENCY[row.state], []).append(name)
        # However many have failed, half of the room is for what goes on.
        failed = by_urgency.pop(0, [])
        others = [name for urgency in sorted(by_urgency) for name in by_urgency[urgency]]
        kept = failed[-max(room // 2, room - len(others)) :]
        chosen = {*kept, *others[: room - len(kept)]}
        return [name for name in names if name in chosen]

    def _counts(self, room: int) -> str:
        """Return how many servers are in each state."""
        states = Counter(row.state for row in self.rows.values())
        counts = ", ".join(f"{states[state]} {state}" for state in _URGENCY if states[state])
        return f"{len(self.rows)} servers: {counts}. Shown: {room}."

    def _now(self, row: Row) -> str:
        if row.running:
            # Of the steps that serve no server or all of them, several of one kind may run at once.
            steps = Counter(row.running.values())
            return show.listed(
                step if number == 1 else f"{step} ({number})" for step, number in steps.items()
            )
        if row.latest is None:
            return ""
        return f"[dim]{show.plain(self._timeline.sentence(row.latest))}[/dim]"


def _step(name: str, servers: list[str]) -> str:
    """Return a step with the servers for which it runs."""
    named = list(islice(_known(servers), _NAMED))
    if not named:
        return name
    more = len(servers) - len(named)
    return f"{name} ({', '.join(named)}{f' and {more} more' if more else ''})"


def _known(servers: list[str]) -> Iterator[str]:
    return (server for server in servers if server)
