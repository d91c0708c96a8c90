"""Progress: events become rows, rows become a drawing, ends become exit codes."""

import io
from typing import Any

import pytest
from rich.console import Console

from enamel.cli import progress
from enamel.cli.failure import Exit
from enamel.model import event as events

PLAN = {
    "nodes": [
        {"name": "port-create", "group": None},
        {"name": "server-boot-web-1", "group": "web-1"},
        {"name": "server-boot-web-2", "group": "web-2"},
    ]
}
TASK = {"action": "CREATE", "servers": [{"hostname": "web-1"}, {"hostname": "web-2"}]}


def event(seq: int, type: str, item: str | None = None, **data: Any) -> dict[str, Any]:
    return {"seq": seq, "time": f"2026-01-31T12:00:0{seq}Z", "type": type, "item": item, "data": data}


def drawn(board: progress.Board) -> str:
    console = Console(file=io.StringIO(), width=100)
    console.print(board)
    return console.file.getvalue()


def test_a_board_shows_each_server_with_what_happens_to_it() -> None:
    board = progress.Board(TASK, PLAN)
    board.take(event(1, "item.started", "port-create", action="NETWORKING"))
    assert "port-create" in drawn(board)
    board.take(event(2, "item.completed", "port-create", action="NETWORKING"))
    board.take(event(3, "item.started", "server-boot-web-1", action="SPAWNING"))
    board.take(event(4, "server.addressed", "server-boot-web-1", server="web-1", public_address="127.77.0.9"))
    board.take(event(5, "item.retrying", "server-boot-web-2", detail="the cloud [is] busy"))
    text = drawn(board)
    assert "1/3 steps" in text
    first = next(line for line in text.splitlines() if line.startswith(" web-1"))
    assert ("BUILDING" in first, "127.77.0.9" in first, "spawning" in first) == (True, True, True)
    second = next(line for line in text.splitlines() if line.startswith(" web-2"))
    assert "retrying: the cloud [is] busy" in second


def test_a_board_shows_failures_and_the_roll_back() -> None:
    board = progress.Board(TASK, PLAN)
    board.take(event(1, "server.failed", None, server="web-2", detail="No valid host."))
    board.take(event(2, "task.reverting", None, detail="No valid host."))
    text = drawn(board)
    assert "ERROR" in text and "rolling back" in text


@pytest.mark.parametrize("term", ["xterm", "dumb"])
def test_a_terminal_that_cannot_be_redrawn_gets_lines(term: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", term)
    console = Console(file=io.StringIO(), width=100, force_terminal=True, highlight=False)
    events = [event(1, "task.accepted", steps=3), event(2, "task.completed", calls=1)]
    progress._draw(progress.Board(TASK, PLAN), events, console)
    text = console.file.getvalue()
    assert ("accepted, 3 steps" in text and "completed, 1 API call" in text) == (term == "dumb")
    assert ("0/3 steps" in text) == (term == "xterm")


def test_a_line_has_the_time_since_the_first_event_and_the_server() -> None:
    board = progress.Board(TASK, PLAN)
    board.take(event(1, "task.accepted", steps=3))
    line = board.take(
        event(4, "item.completed", "server-boot-web-1", action="CREATING_VOLUME", server="web-1")
    )
    assert line == "   3.0 s  web-1  creating volume done"


@pytest.mark.parametrize("type", events.TYPES)
def test_every_type_of_event_has_words(type: str) -> None:
    board = progress.Board(TASK, PLAN)
    line = board.take(event(1, type, "server-boot-web-1", action="SPAWNING"))
    assert type not in line and "{" not in line


@pytest.mark.parametrize(
    ("state", "error", "code"),
    [
        ("COMPLETED", None, Exit.DONE),
        ("COMPLETED", {"code": "enamel.task.partly_done"}, Exit.FAILED),
        ("ABORTED", {"code": "enamel.task.cancelled"}, Exit.FAILED),
        ("TIMED_OUT", None, Exit.FAILED),
    ],
)
def test_only_everything_is_success(state: str, error: Any, code: Exit) -> None:
    assert progress.verdict({"state": state, "error": error}) is code
