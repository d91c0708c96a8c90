"""Progress: a task on screen while it runs, one row for each server, from the stream of its events."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from enamel.cli import show, timeline
from enamel.cli.client import Client
from enamel.cli.failure import Exit, Failure

if TYPE_CHECKING:
    from rich.console import Console, RenderableType


@dataclass
class Row:
    """What is known of one server."""

    state: str = "WAITING"
    running: dict[str, str] = field(default_factory=dict)
    """The steps that run, each with its name on screen."""
    latest: str = ""
    """The sentence of the latest event."""
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
        self._timeline = timeline.Timeline(plan)
        self._began = time.monotonic()

    def take(self, event: Mapping[str, Any]) -> str:
        """Update the rows by an event, and return its line."""
        data, item = event.get("data", {}), event.get("item") or ""
        row = self.rows.get(self._timeline.server(event) or "", self.shared)
        match event["type"]:
            case "item.started":
                # Steps of all servers are shown with their own names: three of one kind may run at once.
                row.running[item] = item if row is self.shared else self._timeline.step(event)
                if row.state == "WAITING":
                    row.state = "BUILDING"
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
            case "task.reverting":
                self.reverting = True
        row.latest = self._timeline.sentence(event)
        return self._timeline.line(event)

    def __rich__(self) -> "RenderableType":
        """Return the board as rich draws it."""
        from rich import box
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table

        head = Table.grid(padding=(0, 2))
        phase = "rolling back" if self.reverting else self.task["action"].lower()
        bar = ProgressBar(total=max(self.total, 1), completed=len(self.finished), width=32)
        seconds = f"{time.monotonic() - self._began:.1f} s"
        head.add_row(f"[bold]{phase}[/bold]", bar, f"{len(self.finished)}/{self.total} steps", seconds)
        body = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim")
        for name in ("server", "state", "address", "now"):
            body.add_column(name, no_wrap=True, overflow="ellipsis")
        for name, row in self.rows.items():
            body.add_row(show.plain(name), show.state(row.state), show.plain(row.address), _now(row))
        if self.shared.running or not self.rows:
            body.add_row("[dim]all[/dim]", "", "", _now(self.shared))
        return Group(head, body) if body.row_count else head


def _now(row: Row) -> str:
    if row.running:
        # A copy, because the next event may change the steps while the board is drawn.
        return show.listed(dict.fromkeys(list(row.running.values())))
    return f"[dim]{show.plain(row.latest)}[/dim]"


def follow(client: Client, task: Mapping[str, Any], *, quiet: bool = False) -> dict[str, Any]:
    """Show a task until its end, and return it as it is then.

    If standard error is not a terminal, each event is a line.

    Raises:
        Failure: The service became unreachable, or the user pressed Ctrl-C.

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
        ended: dict[str, Any] = client.get(f"/tasks/{id}")
        return ended
    except KeyboardInterrupt:
        raise Failure(
            "The task goes on in the background.",
            f"Watch it:  enamel task watch {id}",
            f"Cancel it: enamel task cancel {id}",
            code=Exit.INTERRUPTED,
        ) from None


def _draw(board: Board, events: Iterable[Mapping[str, Any]], console: "Console") -> None:
    if not console.is_terminal or console.is_dumb_terminal:
        for event in events:
            console.print(show.plain(board.take(event)), soft_wrap=True)
        return
    from rich.live import Live

    # A thread of its own redraws the board: a redraw for each event would take longer than a large task.
    with Live(board, console=console, refresh_per_second=8, transient=True):
        for event in events:
            board.take(event)


def verdict(task: Mapping[str, Any]) -> Exit:
    """Return the exit code of an ended task: 0 only if everything that was asked for is done."""
    return Exit.DONE if task["state"] == "COMPLETED" and not task["error"] else Exit.FAILED
