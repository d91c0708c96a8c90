"""Progress: what people see while a task runs, on every kind of output, whatever goes wrong meanwhile."""

import io
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from rich.console import Console

from enamel.cli import progress, silence
from enamel.cli.board import Board
from enamel.cli.client import Client, Contact
from enamel.cli.failure import Exit, Failure
from tests.unit.cli.test_board import PLAN, TASK, event, launch

ID = "01a224ed-8bfc-7127-bae5-ad53c6bc8f55"


class Service(Client):
    """A client whose service has one task; its stream is what a test says."""

    def __init__(self, stream: Callable[[Contact], Iterator[dict[str, Any]]], cloud: Any = None) -> None:
        super().__init__("http://127.0.0.1:1")
        self._stream_of = stream
        self._cloud = cloud

    def within(self, seconds: float) -> "Service":
        return self

    def get(self, path: str, /, **query: Any) -> Any:
        if path.startswith("/clouds/"):
            if self._cloud is None:
                raise Failure("not now")
            return self._cloud
        if path.endswith("/plan"):
            return PLAN
        return {"id": ID, "state": "COMPLETED", "error": None}

    def stream(
        self, path: str, *, after: int, patience: float = 60.0, contact: Contact | None = None
    ) -> Iterator[dict[str, Any]]:
        return self._stream_of(contact or Contact())


def whole(_contact: Contact) -> Iterator[dict[str, Any]]:
    yield event(1, "task.accepted", steps=3)
    yield event(2, "task.completed", calls=1)


def on(monkeypatch: pytest.MonkeyPatch, *, terminal: bool, term: str = "xterm") -> io.StringIO:
    """Have standard error be a terminal, or none, and return what is written to it."""
    monkeypatch.setenv("TERM", term)
    output = io.StringIO()
    console = Console(file=output, width=100, height=24, force_terminal=terminal, highlight=False)
    monkeypatch.setattr("enamel.cli.show.console", lambda **_: console)
    return output


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize(
    ("terminal", "term", "drawing", "lines"),
    [
        (True, "xterm", True, False),
        (True, "dumb", False, True),
        (True, "unknown", False, True),
        (False, "xterm", False, True),
    ],
)
def test_a_terminal_always_shows_progress(
    monkeypatch: pytest.MonkeyPatch, *, terminal: bool, term: str, drawing: bool, lines: bool, as_json: bool
) -> None:
    output = on(monkeypatch, terminal=terminal, term=term)
    ended = progress.follow(Service(whole), {**TASK, "id": ID}, as_json=as_json)
    text = output.getvalue()
    assert ended["state"] == "COMPLETED"
    # A script that asks for JSON and keeps standard error gets only what is unusual.
    assert ("accepted, 3 steps" in text) == (lines and (terminal or not as_json))
    assert ("0/3 steps" in text) == drawing


def test_a_drawing_is_not_made_for_each_event(monkeypatch: pytest.MonkeyPatch) -> None:
    output = on(monkeypatch, terminal=True)
    board = launch(1000)
    quiet = silence.Silence(Service(whole), board, Contact())
    frames = 0
    with progress.Drawing(board, quiet, Console(file=output, force_terminal=True, width=80)) as drawing:
        for number in range(7000):
            news = [event(1, "item.progress", f"boot-w-{number % 1000 + 1}", text="…")]
            board.take(news[0])
            drawing.show(news)
        frames = output.getvalue().count("/1000 steps")
    assert 1 <= frames < 70


def test_events_that_come_together_are_one_batch_and_a_quiet_time_is_an_empty_one() -> None:
    go = threading.Event()

    def events() -> Iterator[Mapping[str, Any]]:
        yield {"seq": 1}
        go.wait()
        for number in range(2, 102):
            yield {"seq": number}

    seen: list[int] = []
    quiet = 0
    for batch in progress.batches(events(), interval=0.01):
        seen += [event["seq"] for event in batch]
        if not batch:
            quiet += 1
            go.set()
    assert seen == list(range(1, 102)) and quiet >= 1


def test_what_breaks_the_stream_is_raised_where_the_events_are_read() -> None:
    def events() -> Iterator[Mapping[str, Any]]:
        yield {"seq": 1}
        raise Failure("gone", code=Exit.UNREACHABLE)

    with pytest.raises(Failure, match="gone"):
        list(progress.batches(events()))


@pytest.mark.parametrize(
    "error", [Failure("The service cannot be reached.", code=Exit.UNREACHABLE), KeyboardInterrupt()]
)
def test_whoever_stops_following_is_told_the_task_and_how_to_go_on(
    monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    on(monkeypatch, terminal=False)

    class Broken(Service):
        def get(self, path: str, /, **query: Any) -> Any:
            if path.endswith("/plan"):
                return PLAN
            raise error

    with pytest.raises(Failure) as failed:
        progress.follow(Broken(whole), {**TASK, "id": ID})
    assert f"enamel task watch {ID}" in str(failed.value)
    assert failed.value.code in {Exit.UNREACHABLE, Exit.INTERRUPTED}


class Clock:
    """A clock that a test turns."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = time.monotonic()
        monkeypatch.setattr("enamel.cli.silence.time.monotonic", lambda: self.now)


PAUSED = {
    "name": "north",
    "services": [
        {"service": "compute", "closed_seconds": 12.0, "under_way": 0, "last_complaint": {"trouble": "no answer"}},
        {"service": "network", "closed_seconds": 0.0, "under_way": 2, "last_complaint": None},
        {"service": "image", "closed_seconds": 0.0, "under_way": 0, "last_complaint": None},
    ],
}  # fmt: skip


def test_a_silence_says_since_when_and_what_the_task_waits_for(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, contact = Clock(monkeypatch), Contact()
    board = Board({**TASK, "cloud": "north"}, PLAN)
    quiet = silence.Silence(Service(whole, PAUSED), board, contact)
    board.take(event(1, "task.claimed"))
    board.take(event(1, "item.started", "server-boot-web-1", action="SPAWNING"))
    assert quiet.note() == quiet.due() == ""
    clock.now += 45
    contact.heard = clock.now
    expected = (
        "Nothing new for 45 s. Running: spawning (web-1). "
        "Calls to compute of cloud 'north' are paused for 12 s: no answer. "
        "Calls to network of cloud 'north' without an answer yet: 2."
    )
    assert quiet.note() == expected
    # Where nothing can be redrawn, it is said now and then.
    assert (quiet.due(), quiet.due()) == (expected, "")
    clock.now += 20
    contact.heard = clock.now
    assert quiet.due().startswith("Nothing new for 65 s.")
    quiet.broken()
    assert quiet.note() == quiet.due() == ""


def test_a_service_that_is_away_is_told_from_a_cloud_that_is(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, contact = Clock(monkeypatch), Contact()
    quiet = silence.Silence(Service(whole), Board(TASK, PLAN), contact)
    contact.heard = clock.now
    contact.trouble = "connection refused"
    clock.now += 3
    assert quiet.note() == "The service has not answered for 3 s (connection refused). Trying again …"
    assert quiet.due() == quiet.note() and quiet.due() == ""
    contact.hear()
    clock.now += 21
    contact.heard = clock.now - 21
    assert "sent nothing for 21 s" in quiet.note()


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


def test_a_failure_is_a_document_with_the_codes_of_the_command_line() -> None:
    failure = Failure("Nothing listens there.", "Start it.", code=Exit.UNREACHABLE)
    (error,) = json.loads(json.dumps(failure.document))["errors"]
    assert error == {
        "code": "enamel.cli.unreachable",
        "detail": "Nothing listens there.",
        "remedy": "Start it.",
    }
