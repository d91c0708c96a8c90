"""The client copes with services that are unreachable, that break off, and that are not Enamel."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from enamel.cli import show
from enamel.cli.client import Client
from enamel.cli.failure import Exit, Failure

Handle = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def service(handle: Handle) -> Iterator[str]:
    """Run a service that answers every request in one way."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            handle(self)

        do_POST = do_DELETE = do_PATCH = do_PUT = do_GET  # noqa: N815 - the names that the base class calls

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def answer(request: BaseHTTPRequestHandler, status: int, text: str, kind: str = "application/json") -> None:
    request.send_response(status)
    request.send_header("Content-Type", kind)
    request.send_header("OpenStack-API-Version", "enamel 1.0")
    request.end_headers()
    request.wfile.write(text.encode())


def test_an_unreachable_service_is_reported_with_the_command_that_starts_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(Failure) as failed:
        Client(f"http://127.0.0.1:{port}").get("/tasks")
    assert failed.value.code is Exit.UNREACHABLE
    assert "enamel up" in str(failed.value)


@pytest.mark.parametrize("url", ["127.0.0.1:8780", "ftp://x", "http://", "http://x:port", ""])
def test_a_wrong_url_is_refused(url: str) -> None:
    with pytest.raises(Failure) as failed:
        Client(url)
    assert failed.value.code is Exit.USAGE


@pytest.mark.parametrize("status", [200, 300, 401, 404, 502])
@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("<html>It works!</html>", ""),
        ('{"servers": []}', "compute 2.1"),
        ('{"error": {"code": 401, "title": "Unauthorized"}}', ""),
        ('["tasks"]', ""),
        ("", ""),
    ],
    ids=["page", "nova", "keystone", "list", "nothing"],
)
def test_another_program_on_the_port_is_reported(status: int, text: str, version: str) -> None:
    def other(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        request.send_header("OpenStack-API-Version", version)
        request.end_headers()
        request.wfile.write(text.encode())

    with service(other) as url:
        for ask in (Client(url).get, Client(url).post, Client(url).delete):
            with pytest.raises(Failure, match="is not Enamel") as failed:
                ask("/servers")
            assert failed.value.code is Exit.UNREACHABLE


def test_every_fault_is_a_line_and_each_remedy_is_printed_once() -> None:
    errors = [
        {"pointer": "/name", "detail": "No name.", "remedy": "Correct it."},
        {"pointer": "/type", "detail": "No type.", "remedy": "Correct it."},
    ]
    with (
        service(lambda request: answer(request, 400, json.dumps({"errors": errors}))) as url,
        pytest.raises(Failure) as failed,
    ):
        Client(url).post("/servers", {})
    assert failed.value.lines == ("/name: No name.", "/type: No type.", "Correct it.")


def test_a_post_whose_answer_is_lost_is_repeated_with_its_key() -> None:
    keys = []

    def drop_the_first(request: BaseHTTPRequestHandler) -> None:
        keys.append(request.headers["Idempotency-Key"])
        if len(keys) == 1:
            request.close_connection = True
        else:
            answer(request, 202, '{"id": "1"}')

    with service(drop_the_first) as url:
        assert Client(url).post("/servers", {"name": "web"}) == {"id": "1"}
    assert len(keys) == 2 and len(set(keys)) == 1


def event(seq: int, type: str) -> bytes:
    return f"id: {seq}\nevent: {type}\ndata: {json.dumps({'seq': seq, 'type': type})}\n\n".encode()


def test_a_stream_that_breaks_continues_where_it_broke() -> None:
    asked = []

    def stream(request: BaseHTTPRequestHandler) -> None:
        after = int(request.headers["Last-Event-ID"])
        asked.append(after)
        answer(request, 200, ": still here\n\n", "text/event-stream")
        if after == 0:
            request.wfile.write(event(1, "task.accepted") + event(2, "item.started")[:-20])
        else:
            request.wfile.write(event(2, "item.started") + event(3, "task.completed"))

    with service(stream) as url:
        assert [event["seq"] for event in Client(url).stream("/events", after=0)] == [1, 2, 3]
    assert asked == [0, 1]


def test_a_stream_that_has_ended_before_is_no_stream() -> None:
    with service(lambda request: answer(request, 204, "")) as url:
        assert list(Client(url).stream("/events", after=7)) == []


def test_a_service_that_stays_unreachable_is_reported() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    client = Client(f"http://127.0.0.1:{port}")
    with pytest.raises(Failure) as failed:
        list(client.stream("/events", after=0, patience=0.0))
    assert failed.value.code is Exit.UNREACHABLE


def test_a_request_that_another_try_still_holds_is_sent_until_it_is_answered() -> None:
    keys: list[str | None] = []

    def handle(request: BaseHTTPRequestHandler) -> None:
        keys.append(request.headers["Idempotency-Key"])
        if len(keys) == 1:
            request.connection.shutdown(socket.SHUT_RDWR)
        elif len(keys) < 4:
            in_flight = {"code": "enamel.request.key_in_flight", "detail": "Still being accepted."}
            request.send_response(409)
            request.send_header("Retry-After", "0.01")
            request.send_header("OpenStack-API-Version", "enamel 1.0")
            request.end_headers()
            request.wfile.write(json.dumps({"errors": [in_flight]}).encode())
        else:
            answer(request, 202, '{"id": "1"}')

    with service(handle) as url:
        assert Client(url).post("/servers", {}) == {"id": "1"}
    assert len(keys) == 4 and len(set(keys)) == 1


EVIL = "web\x1b]0;owned\x07\x9b31m\u202egnp.exe\x7f"


def test_no_control_character_of_a_name_reaches_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    body = json.dumps({"name": EVIL, EVIL: ["plain", EVIL]}, ensure_ascii=False)
    with service(lambda request: answer(request, 200, body)) as url:
        data = Client(url).get("/servers/web")
    assert data["name"] == r"web\x1b]0;owned\x07\x9b31m\u202egnp.exe\x7f"
    show.as_json(data)
    printed = capsys.readouterr().out
    assert printed.replace("\n", "").isprintable() and printed.isascii()
    assert json.loads(printed) == {"name": EVIL, EVIL: ["plain", EVIL]}


def test_a_refusal_has_no_control_characters() -> None:
    body = json.dumps({"errors": [{"detail": f"no network '{EVIL}'"}]})
    with service(lambda request: answer(request, 400, body)) as url, pytest.raises(Failure) as failed:
        Client(url).get("/networks")
    assert str(failed.value).replace("\n", "").isprintable()


def test_a_console_is_shown_without_its_colours() -> None:
    with service(
        lambda request: answer(request, 200, "\x1b[0;32m[ OK ]\x1b[0m up\r\n\x1b]0;x\x07login:", "text/plain")
    ) as url:
        assert Client(url).get("/servers/web/console_log") == "[ OK ] up\n\\x1b]0;x\\x07login:"
