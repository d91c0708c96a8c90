"""Progress: a task drawn live, a line for each server, from the stream of its events."""

import time
from collections.abc import Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from enamel.cli import show, timeline
from enamel.cli.client import Client
from enamel.cli.failure import Exit, Failure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console, RenderableType


@dataclass
class Row:
    """What is known of one server."""

    state: str = "WAITING"
    doing: dict[str, str] = field(default_factory=dict)
    """The steps that run, each with the word that people read."""
    said: str = ""
    """The last thing that was said of it."""
    address: str = ""


class Board:
    """Folds events into rows."""

    def __init__(self, task: Mapping[str, Any], plan: Mapping[str, Any]) -> None:
        self.task = task
        self.rows = {server["hostname"]: Row() for server in task["servers"]}
        self.shared = Row()
        self.total = len(plan["nodes"])
        self.finished: set[str] = set()
        self.reverting = False
        self._timeline = timeline.Timeline(timeline.groups(plan))
        self._began = time.monotonic()

    def take(self, event: Mapping[str, Any]) -> str:
        """Take in an event, and return its line."""
        data, item = event.get("data", {}), event.get("item") or ""
        row = self.rows.get(self._timeline.server(event) or "", self.shared)
        match event["type"]:
            case "item.started":
                # What serves all servers is known by its own name: three may be undone at once.
                row.doing[item] = item if row is self.shared else timeline.human(data.get("action", ""))
                if row.state == "WAITING":
                    row.state = "BUILDING"
            case "item.completed" | "item.failed" | "item.reverted":
                row.doing.pop(item, None)
                self.finished.add(item)
            case "server.addressed":
                row.address = data.get("public_address", "")
            case "server.active":
                row.state = "ACTIVE"
            case "server.reachable":
                row.state = "READY"
            case "server.moved_on":
                row.state = "WAITING"
            case "server.failed":
                row.state = "FAILED"
                row.doing.clear()
            case "task.reverting":
                self.reverting = True
        row.said = self._timeline.says(event)
        return self._timeline.line(event)

    def __rich__(self) -> "RenderableType":
        """Return the board as it is drawn."""
        from rich import box
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table

        head = Table.grid(padding=(0, 2))
        doing = "undoing" if self.reverting else self.task["action"].lower()
        bar = ProgressBar(total=max(self.total, 1), completed=len(self.finished), width=32)
        seconds = f"{time.monotonic() - self._began:.1f} s"
        head.add_row(f"[bold]{doing}[/bold]", bar, f"{len(self.finished)}/{self.total} steps", seconds)
        body = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim")
        for name in ("server", "state", "address", "now"):
            body.add_column(name, no_wrap=True, overflow="ellipsis")
        for name, row in self.rows.items():
            body.add_row(show.plain(name), show.state(row.state), show.plain(row.address), _now(row))
        if self.shared.doing or not self.rows:
            body.add_row("[dim]all[/dim]", "", "", _now(self.shared))
        return Group(head, body) if body.row_count else head


def _now(row: Row) -> str:
    if row.doing:
        return show.plain(", ".join(dict.fromkeys(row.doing.values())))
    return f"[dim]{show.plain(row.said)}[/dim]"


def follow(client: Client, task: Mapping[str, Any], *, quiet: bool = False) -> dict[str, Any]:
    """Draw a task until its end, and return it as it is then.

    Where standard error is no terminal, each event is a line.

    Raises:
        Failure: The service stayed away, or the user has seen enough.

    """
    id = task["id"]
    try:
        plan = client.get(f"/tasks/{id}/plan")
        events = client.stream(f"/tasks/{id}/events", after=0)
        board = Board(task, plan)
        if quiet:
            for event in events:
                board.take(event)
        else:
            _draw(board, events, show.console(stderr=True))
        found: dict[str, Any] = client.get(f"/tasks/{id}")
        return found
    except KeyboardInterrupt:
        raise Failure(
            "The task goes on without you.",
            f"Watch it:  enamel task watch {id}",
            f"Cancel it: enamel task cancel {id}",
            code=Exit.INTERRUPTED,
        ) from None


def _draw(board: Board, events: Iterable[Mapping[str, Any]], console: "Console") -> None:
    if not console.is_terminal:
        for event in events:
            console.print(show.plain(board.take(event)), soft_wrap=True)
        return
    with _live(board, console) as refresh:
        for event in events:
            board.take(event)
            refresh()


@contextmanager
def _live(board: Board, console: "Console") -> "Iterator[Any]":
    from rich.live import Live

    with Live(board, console=console, refresh_per_second=8, transient=True) as live:
        yield live.refresh


def verdict(task: Mapping[str, Any]) -> Exit:
    """Return the exit code that a task's end means: 0 only where everything that was asked for is there."""
    return Exit.DONE if task["state"] == "COMPLETED" and not task["error"] else Exit.FAILED
