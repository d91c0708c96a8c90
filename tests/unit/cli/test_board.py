"""The board: events become rows, and rows become a drawing that fits the terminal."""

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.console import Console

from enamel.cli.board import Board
from enamel.model import event as events

PLAN = {
    "steps": [
        {"name": "port-create", "group": None},
        {"name": "server-boot-web-1", "group": "web-1"},
        {"name": "server-boot-web-2", "group": "web-2"},
    ]
}
TASK = {"action": "CREATE", "servers": [{"hostname": "web-1"}, {"hostname": "web-2"}]}


def event(seq: int, type: str, item: str | None = None, **data: Any) -> dict[str, Any]:
    return {"seq": seq, "time": f"2026-01-31T12:00:0{seq}Z", "type": type, "item": item, "data": data}


def drawn(board: Board, *, height: int = 24, note: str = "") -> str:
    console = Console(file=io.StringIO(), width=100)
    console.print(board.draw(height, note=note))
    return console.file.getvalue()


def launch(servers: int) -> Board:
    """Return the board of a launch of many servers, none of which has begun."""
    names = [f"w-{number}" for number in range(1, servers + 1)]
    nodes = [{"name": f"boot-{name}", "group": name} for name in names]
    return Board({"action": "CREATE", "servers": [{"hostname": name} for name in names]}, {"steps": nodes})


def test_a_board_shows_each_server_with_what_happens_to_it() -> None:
    board = Board(TASK, PLAN)
    board.take(event(1, "item.started", "port-create", action="NETWORKING"))
    assert "networking" in drawn(board)
    board.take(event(2, "item.completed", "port-create", action="NETWORKING"))
    board.take(event(3, "item.started", "server-boot-web-1", action="SPAWNING"))
    board.take(event(4, "server.addressed", "server-boot-web-1", server="web-1", public_address="127.77.0.9"))
    board.take(event(5, "item.retrying", "server-boot-web-2", detail="the cloud [is] busy"))
    text = drawn(board)
    assert "1/3 steps" in text and "networking" not in text
    first = next(line for line in text.splitlines() if line.startswith(" web-1"))
    assert ("BUILDING" in first, "127.77.0.9" in first, "spawning" in first) == (True, True, True)
    second = next(line for line in text.splitlines() if line.startswith(" web-2"))
    assert "retrying: the cloud [is] busy" in second


def test_a_board_shows_failures_and_the_roll_back() -> None:
    board = Board(TASK, PLAN)
    board.take(event(1, "server.failed", None, server="web-2", detail="No valid host."))
    board.take(event(2, "task.reverting", None, detail="No valid host."))
    text = drawn(board)
    assert "ERROR" in text and "rolling back" in text


@pytest.mark.parametrize("action", ["TERMINATE", "REBOOT", "TASK_REVERT"])
def test_only_a_launch_builds(action: str) -> None:
    board = Board({**TASK, "action": action}, PLAN)
    board.take(event(1, "item.started", "server-boot-web-1", action="SPAWNING"))
    text = drawn(board)
    assert "BUILDING" not in text and "RUNNING" in text


def test_a_board_that_is_higher_than_the_terminal_shows_what_moves_and_fails() -> None:
    board = launch(1000)
    for number in range(1, 901):
        board.take(event(1, "item.started", f"boot-w-{number}", action="SPAWNING"))
        board.take(event(2, "item.completed", f"boot-w-{number}", action="SPAWNING"))
        board.take(event(2, "server.active", f"boot-w-{number}", server=f"w-{number}"))
    board.take(event(3, "item.started", "boot-w-950", action="SPAWNING"))
    board.take(event(3, "server.failed", "boot-w-901", server="w-901", detail="No valid host."))
    text = drawn(board, height=24)
    lines = text.splitlines()
    assert len(lines) <= 23
    shown = [line.split()[0] for line in lines if line.startswith(" w-")]
    assert {"w-901", "w-950"} <= set(shown) and "w-1" not in shown
    assert "1000 servers: 1 ERROR, 1 BUILDING, 98 WAITING, 900 ACTIVE." in text


def test_however_many_fail_half_of_the_room_is_for_what_goes_on() -> None:
    board = launch(100)
    for number in range(1, 61):
        board.take(event(1, "server.failed", f"boot-w-{number}", server=f"w-{number}", detail="No."))
    board.take(event(2, "item.started", "boot-w-99", action="SPAWNING"))
    text = drawn(board, height=24)
    assert "w-99" in text and text.count("ERROR") > 5 and len(text.splitlines()) <= 23


@pytest.mark.parametrize("height", [1, 5, 10, 24, 50, 200])
@pytest.mark.parametrize("servers", [0, 1, 3, 17, 40])
def test_a_drawing_fits_the_terminal(servers: int, height: int) -> None:
    board = launch(servers)
    board.take(event(1, "item.started", "security_group-create", action="ALLOWING"))
    lines = drawn(board, height=height, note="Nothing new for 10 s.").splitlines()
    assert len(lines) <= max(height - 1, 9)
    assert lines[-1] == "Nothing new for 10 s."


def test_what_a_task_waits_for_is_said_in_a_sentence() -> None:
    board = launch(40)
    assert board.waits_for() == "No worker has claimed the task yet."
    board.take(event(1, "task.claimed"))
    assert board.waits_for() == "No step is running."
    for number in range(1, 41):
        board.take(event(1, "item.started", f"boot-w-{number}", action="SPAWNING"))
    board.take(event(1, "item.started", "volume", action="CREATING_VOLUME"))
    assert board.waits_for() == "Running: creating volume; spawning (w-1, w-2, w-3 and 37 more)."


def test_a_task_that_starts_later_says_when() -> None:
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    board = Board({**TASK, "not_before": later}, PLAN)
    assert board.waits_for().startswith("The task starts at ")


def test_a_line_has_the_time_since_the_first_event_and_the_server() -> None:
    board = Board(TASK, PLAN)
    board.line(event(1, "task.accepted", steps=3))
    line = board.line(
        event(4, "item.completed", "server-boot-web-1", action="CREATING_VOLUME", server="web-1")
    )
    assert line == "   3.0 s  web-1  creating volume done"


@pytest.mark.parametrize("type", events.TYPES)
def test_every_type_of_event_has_words(type: str) -> None:
    board = Board(TASK, PLAN)
    board.take(event(1, type, "server-boot-web-1", action="SPAWNING"))
    line = board.line(event(1, type, "server-boot-web-1", action="SPAWNING"))
    assert type not in line and "{" not in line
