"""Progress: a task on screen while it runs, from the stream of its events until its end."""

import queue
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from enamel.cli import show
from enamel.cli.board import Board
from enamel.cli.client import Client, Contact
from enamel.cli.failure import Exit, Failure
from enamel.cli.silence import Silence

if TYPE_CHECKING:
    from rich.console import Console

Event = Mapping[str, Any]

_INTERVAL = 0.25
"""Seconds between two drawings, however many events come."""
_END = object()


class Screen(Protocol):
    """Where the progress of a task is shown."""

    def show(self, events: Sequence[Event]) -> None:
        """Show what has happened; called without events, too, so that time goes on."""


class Lines:
    """A screen that cannot be redrawn: each event is a line, and a silence is told now and then."""

    def __init__(self, board: Board, silence: Silence, console: "Console", *, every_event: bool) -> None:
        self._board = board
        self._silence = silence
        self._console = console
        self._every_event = every_event

    def show(self, events: Sequence[Event]) -> None:
        """Print a line for each event."""
        if self._every_event:
            for event in events:
                self._print(self._board.line(event))
        if not events and (note := self._silence.due()):
            self._print(note)

    def _print(self, line: str) -> None:
        self._console.print(show.plain(line), soft_wrap=True)


class Drawing:
    """A terminal: the board is drawn again a few times in a second, and removed at the end."""

    def __init__(self, board: Board, silence: Silence, console: "Console") -> None:
        from rich.live import Live

        self._board = board
        self._silence = silence
        self._console = console
        self._live = Live(console=console, auto_refresh=False, transient=True)
        self._drawn = 0.0

    def __enter__(self) -> "Drawing":
        self._live.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._live.__exit__(*error)

    def show(self, events: Sequence[Event]) -> None:
        """Draw the board, unless it was drawn a moment ago."""
        if time.monotonic() - self._drawn < _INTERVAL:
            return
        board = self._board.draw(self._console.height, note=self._silence.note())
        self._live.update(board, refresh=True)
        # A drawing that takes long, on a slow connection for example, is followed by a longer pause.
        self._drawn = time.monotonic()


def follow(client: Client, task: Mapping[str, Any], *, as_json: bool = False) -> dict[str, Any]:
    """Show a task until its end, and return it as it is then.

    The progress is on standard error: a drawing on a terminal, else a line for each event. With `as_json`, standard error
    that is no terminal gets only what is unusual.

    Raises:
        Failure: The service became unreachable, or the user pressed Ctrl-C.

    """
    id = task["id"]
    with named(id):
        board, contact = Board(task, client.get(f"/tasks/{id}/plan")), Contact()
        silence = Silence(client, board, contact)
        stream = client.stream(f"/tasks/{id}/events", after=0, contact=contact)
        with _screen(board, silence, as_json=as_json) as screen:
            for events in batches(stream):
                for event in events:
                    board.take(event)
                if events:
                    silence.broken()
                screen.show(events)
        ended: dict[str, Any] = client.get(f"/tasks/{id}")
        return ended


def watch(client: Client, task: Mapping[str, Any], *, after: int) -> Iterator[str | Event]:
    """Yield the events of a task that follow a number until its end, and a sentence now and then if there are none.

    Raises:
        Failure: The service became unreachable, or the user pressed Ctrl-C.

    """
    id = task["id"]
    with named(id):
        board, contact = Board(task, client.get(f"/tasks/{id}/plan")), Contact()
        silence = Silence(client, board, contact)
        for events in batches(client.stream(f"/tasks/{id}/events", after=after, contact=contact)):
            for event in events:
                board.take(event)
                silence.broken()
                yield event
            if not events and (note := silence.due()):
                yield note


@contextmanager
def _screen(board: Board, silence: Silence, *, as_json: bool) -> Iterator[Screen]:
    console = show.console(stderr=True)
    if console.is_terminal and not console.is_dumb_terminal:
        with Drawing(board, silence, console) as drawing:
            yield drawing
    else:
        yield Lines(board, silence, console, every_event=console.is_terminal or not as_json)


@contextmanager
def named(id: str) -> Iterator[None]:
    """Have every failure to follow a task name it, and say how to go on."""
    watch = "Watch it:  " + show.command(f"task watch {id}")
    try:
        yield
    except KeyboardInterrupt:
        raise Failure(
            "The task goes on in the background.",
            watch,
            "Cancel it: " + show.command(f"task cancel {id}"),
            code=Exit.INTERRUPTED,
        ) from None
    except Failure as failure:
        if failure.code is not Exit.UNREACHABLE:
            raise
        raise Failure(
            *failure.lines,
            f"Task {id} was accepted. When the service runs again:",
            watch,
            code=failure.code,
        ) from failure


def batches(events: Iterable[Event], *, interval: float = _INTERVAL) -> Iterator[list[Event]]:
    """Yield events as they come, those that came together in one list; in each quiet interval, an empty list."""
    arrived: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def read() -> None:
        try:
            for event in events:
                arrived.put(event)
            arrived.put(_END)
        except Exception as error:  # raised below, where the events are used
            arrived.put(error)

    # If the user interrupts, nobody waits for the thread: it ends with its connection, or with the process.
    threading.Thread(target=read, name="events", daemon=True).start()
    while True:
        try:
            news = [arrived.get(timeout=interval)]
        except queue.Empty:
            yield []
            continue
        while not arrived.empty():
            news.append(arrived.get())
        last = news[-1]
        yield [event for event in news if isinstance(event, Mapping)]
        if isinstance(last, Exception):
            raise last
        if last is _END:
            return


def verdict(task: Mapping[str, Any]) -> Exit:
    """Return the exit code of an ended task: 0 only if everything that was asked for is done."""
    return Exit.DONE if task["state"] == "COMPLETED" and not task["error"] else Exit.FAILED
