"""Waking up over every pair of database and way of dispatching, and going on without it while the broker is away."""

import json
import os
import re
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.integration import fleet
from tests.integration.services.rabbitmq import RabbitMQ
from tests.store import databases

pytestmark = [pytest.mark.timeout(240)]

WAYS = {"own": None, "polling": "polling", "rabbitmq": "ENAMEL_TEST_RABBITMQ"}
# Nobody looks without being woken, so whoever finds a task was woken.
NEVER = "[worker]\npoll_interval = 3600\n"


@pytest.fixture(params=databases.PARAMETERS[1:])
def store(request: pytest.FixtureRequest) -> str:
    return databases.url(request.param)


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> str:
    """The section that chooses a way."""
    named = WAYS[request.param]
    if named is None:
        return ""
    url = os.environ.get(named, "") if named.startswith("ENAMEL") else named
    if not url:
        pytest.skip(f"{named} names no broker to test on")
    return dispatch(url)


def dispatch(url: str) -> str:
    return f"[dispatch]\nurl = {url.replace('$', '$$')}\n"


def ask(there: fleet.Fleet, method: str, path: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(there.url("api") + path, data, headers, method=method)
    with urllib.request.urlopen(request, timeout=90) as answer:
        return json.load(answer)


def launched(there: fleet.Fleet, name: str) -> Any:
    """Launch a server and return the task at its end."""
    body = {"name": name, "template": "cirros", "type": "m1.tiny"}
    task = ask(there, "POST", "/servers", body)
    while task["state"] in {"WAITING", "RUNNING"}:
        task = ask(there, "GET", f"/tasks/{task['id']}?wait=30")
    assert task["state"] == "COMPLETED", task
    return task


def events(there: fleet.Fleet, id: str) -> str:
    """Return a task's stream of events, which ends with the task."""
    headers = {"Accept": "text/event-stream"}
    request = urllib.request.Request(f"{there.url('api')}/tasks/{id}/events", headers=headers)
    with urllib.request.urlopen(request, timeout=90) as stream:
        return "".join(line.decode() for line in stream)


def test_a_worker_is_woken_and_a_follower_is_told(
    store: str, way: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    # MariaDB has no notifications, and pgbouncer passes none on.
    only_polls = request.node.callspec.params["store"] in {"mariadb", "pgbouncer"}
    if "polling" in way and only_polls:
        pytest.skip("polling is this database's own way, which has its test")
    with fleet.running(tmp_path, store, settings=way + NEVER) as there:
        there.api("api")
        there.worker("boot", "--types", "server.create")
        there.worker("rest", "--types", "!server.create")
        made = launched(there, "web")
        reverted = ask(there, "POST", f"/tasks/{made['id']}/revert")
        assert "task.completed" in events(there, reverted["id"])
        heard = re.search(
            r'enamel_hints_total\{outcome="sent"\} (\d+)', there.get(there.url("api"), "/metrics")
        )
        assert (heard is not None) is ("polling" not in way and not (way == "" and only_polls))


def test_nothing_fails_while_the_broker_is_away(store: str, tmp_path: Path) -> None:
    if not os.environ.get("ENAMEL_TEST_RABBITMQ"):
        pytest.skip("ENAMEL_TEST_RABBITMQ names no broker, so none is to be had here")
    broker = RabbitMQ(tmp_path)
    with broker.running(), fleet.running(tmp_path, store, settings=dispatch(broker.url)) as there:
        there.api("api")
        there.worker("all")
        launched(there, "before")
        broker.stop()
        launched(there, "meanwhile")
        # It can do its work, and says what is wrong all the same.
        assert _dispatch(there, until="DEGRADED")["status"] != "OK"
        assert ask(there, "GET", "/healthcheck")["status"] != "FAILED"
        broker.start()
        _dispatch(there, until="OK")
        launched(there, "after")


def _dispatch(there: fleet.Fleet, *, until: str) -> Any:
    """Wait until an API process says this of its way to others."""
    give_up_at = time.monotonic() + 60
    while True:
        checks = ask(there, "GET", "/healthcheck")["checks"]
        found = next(check for check in checks if check["name"] == "dispatch")
        if found["status"] == until:
            return found
        assert time.monotonic() < give_up_at, found
        time.sleep(0.2)
