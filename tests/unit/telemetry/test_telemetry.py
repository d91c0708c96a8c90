"""Telemetry: lines are events, and nothing secret is in them."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
import structlog

from enamel import telemetry
from enamel.model import redaction


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_connection_that_breaks_is_no_traceback() -> None:
    stream = io.StringIO()
    telemetry.set_up(json=True, stream=stream, lasting=False)
    pool = sa.create_engine("sqlite://").pool
    assert pool.logger.name.startswith("sqlalchemy.pool")
    pool.logger.error("Exception during reset or similar", exc_info=OSError("gone"))
    assert lines(stream) == []


def test_ours_and_the_libraries_lines_look_alike() -> None:
    stream = io.StringIO()
    telemetry.set_up(json=True, stream=stream, lasting=False)
    structlog.get_logger("enamel.worker").info("step.done", task="t-1", attempt=2)
    logging.getLogger("uvicorn").warning("it is %s", "late")
    structlog.get_logger("enamel.worker").debug("too.fine")
    ours, theirs = lines(stream)
    assert ours["event"] == "step.done" and ours["task"] == "t-1" and ours["level"] == "info"
    assert theirs["event"] == "it is late" and theirs["logger"] == "uvicorn"
    assert set(theirs) <= set(ours)


def test_people_get_text() -> None:
    stream = io.StringIO()
    telemetry.set_up(stream=stream, level="debug", lasting=False)
    structlog.get_logger("enamel").debug("step.done", password="hunter2")
    assert "step.done" in stream.getvalue() and "hunter2" not in stream.getvalue()
    assert "\x1b[" not in stream.getvalue()


def test_no_secret_leaves() -> None:
    stream = io.StringIO()
    telemetry.set_up(json=True, stream=stream, lasting=False)
    log = structlog.get_logger("enamel")
    log.info(
        "cloud.call",
        token="planted",
        adminPass="planted",
        headers={"X-Auth-Token": "planted", "Accept": "json"},
        body=[{"auth": {"password": {"user": "planted"}}, "user_data": "planted"}],
        text="sent X-Auth-Token: planted to it",
        secret_ref="local:1",
        name="web",
    )
    logging.getLogger("keystoneauth").warning("curl -H 'X-Auth-Token: planted' http://cloud")
    try:
        raise ValueError("Authorization: planted")
    except ValueError:
        log.exception("step.failed")
    assert "planted" not in stream.getvalue()
    called = lines(stream)[0]
    assert called["headers"] == {"X-Auth-Token": "***", "Accept": "json"}
    assert called["name"] == "web" and called["secret_ref"] == "local:1"


def test_blanks_a_request_before_it_is_stored() -> None:
    request = {
        "name": "web",
        "user_data": "IyEvYmlu",
        "servers": [{"adminPass": "x", "tags": ("a",)}],
        "password": None,
    }
    assert telemetry.blank(request) == {
        "name": "web",
        "user_data": "***",
        "servers": [{"adminPass": "***", "tags": ["a"]}],
        "password": None,
    }


def test_known_secrets_and_those_of_urls_are_in_no_line() -> None:
    stream = io.StringIO()
    telemetry.set_up(json=True, level="DEBUG", stream=stream, lasting=False)
    log = logging.getLogger("keystoneauth.session")
    log.debug("REQ: curl -g -i -X GET http://demo:planted-1@cloud/v3?token=planted-2 -H 'Accept: x'")
    with redaction.keeping(redaction.Redactor(["planted-3"])):
        log.debug('RESP BODY: {"error": "cannot read %s"}', "cGxhbnRlZC0z")
        try:
            raise ValueError("planted-3")
        except ValueError:
            log.exception("broken")
    assert "planted" not in stream.getvalue() and "cGxhbnRlZC0z" not in stream.getvalue()
    assert stream.getvalue().count("***") >= 4


def test_no_control_character_reaches_a_terminal() -> None:
    stream = io.StringIO()
    telemetry.set_up(stream=stream, lasting=False)
    structlog.get_logger("enamel").warning("cloud.odd", name="web\x1b[2J\u202e", other=["\x9b1m"])
    assert stream.getvalue().replace("\n", "").isprintable()


def test_what_is_set_up_for_a_while_is_kept_by_no_logger() -> None:
    log = structlog.get_logger("enamel.worker")
    first, second = io.StringIO(), io.StringIO()
    telemetry.set_up(json=True, stream=first, lasting=False)
    log.info("step.done")
    telemetry.set_up(json=True, stream=second, lasting=False)
    with structlog.testing.capture_logs() as captured:
        log.info("step.done")
    assert len(lines(first)) == len(captured) == 1 and lines(second) == []
