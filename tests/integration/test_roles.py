"""The roles as processes: what one accepts another carries out, and each tells how it is."""

import concurrent.futures
import http.client
import json
import os
import re
import signal
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
import yaml

from enamel.store.schema import idempotency
from tests.integration import fleet
from tests.store import databases

pytestmark = [pytest.mark.timeout(600)]
BROKER = "ENAMEL_TEST_RABBITMQ"


@pytest.fixture(scope="module", params=["alone", "rabbitmq"])
def broker(request: pytest.FixtureRequest) -> str:
    """The section that names a broker, where there is one beside the database."""
    if request.param == "alone":
        return ""
    url = os.environ.get(BROKER, "")
    if not url:
        pytest.skip(f"{BROKER} names no broker to test on")
    return f"[dispatch]\nurl = {url.replace('$', '$$')}\n"


@pytest.fixture(scope="module", params=databases.PARAMETERS[1:])
def there(
    request: pytest.FixtureRequest, broker: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[fleet.Fleet]:
    """One API process, and two workers that share the types of tasks."""
    place = tmp_path_factory.mktemp("fleet")
    with fleet.running(place, databases.url(request.param), settings=broker) as found:
        found.api("api")
        found.worker("boot", "--types", "server.create", "--max-tasks", "20")
        found.worker("rest", "--types", "!server.create")
        yield found


def send(there: fleet.Fleet, method: str, path: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(
        there.url("api") + path, data, {"Content-Type": "application/json"}, method=method
    )
    with urllib.request.urlopen(request, timeout=90) as answer:
        return json.load(answer)


def end(there: fleet.Fleet, task: Any) -> Any:
    while task["state"] in {"WAITING", "RUNNING"}:
        task = send(there, "GET", f"/tasks/{task['id']}?wait=60")
    assert task["state"] == "COMPLETED", task
    return task


def launch(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "template": "cirros", "type": "m1.tiny", **more}


def where(there: fleet.Fleet, name: str) -> str:
    """Return where a worker tells how it is."""
    (log,) = there.place.glob(f"{name}-*.log")
    found = re.search(r'"url": "(http://[\d.:]+)"', log.read_text())
    assert found
    return found.group(1)


def test_what_the_api_accepts_workers_carry_out(there: fleet.Fleet) -> None:
    made = end(there, send(there, "POST", "/servers", launch("web", count=2, public_address=True)))
    end(there, send(there, "POST", f"/tasks/{made['id']}/revert"))
    boot, rest = (there.get(where(there, name), "/metrics") for name in ("boot", "rest"))
    assert "enamel_tasks_claimed_total 1.0" in boot and "enamel_tasks_claimed_total 1.0" in rest
    assert re.search(r'enamel_steps_total\{kind="server.boot",outcome="completed"\} \d', boot)
    assert re.search(
        r'enamel_plumbing_calls_total\{cloud="sandbox",service="compute",status="202"\} \d', boot
    )
    assert 'enamel_tasks_total{state="COMPLETED",type="task.revert"} 1.0' in rest


def test_each_process_tells_how_it_is(there: fleet.Fleet) -> None:
    api = there.get(there.url("api"), "/healthcheck")
    assert api["status"] == "OK"
    assert [check["name"] for check in api["checks"]][:4] == ["store", "keys", "dispatch", "clouds"]
    worker = there.get(where(there, "boot"), "/healthcheck")
    assert worker["status"] == "OK" and worker["checks"][-1]["name"] == "lease"
    assert there.get(where(there, "boot"), "/healthcheck?live")["checks"] == []
    with pytest.raises(urllib.error.HTTPError, match="404"):
        there.get(where(there, "boot"), "/tasks")


def test_the_queue_can_be_seen(there: fleet.Fleet) -> None:
    made = end(there, send(there, "POST", "/servers", launch("late", ttl="1h")))
    text = there.get(there.url("api"), "/metrics")
    assert 'enamel_queue_tasks{state="WAITING",type="task.revert"} 1.0' in text
    # It waits for its time: nothing holds it up.
    assert 'enamel_queue_age_seconds{type="task.revert"}' not in text
    assert "enamel_leases 2.0" in text
    end(there, send(there, "POST", f"/tasks/{made['id']}/revert"))


def test_hangup_has_the_log_settings_read_anew(there: fleet.Fleet) -> None:
    worker = there.worker("loud", "--types", "task.restart")
    before = there.conf.read_text()
    try:
        there.conf.write_text(before + "[log]\nlevel = DEBUG\n")
        worker.popen.send_signal(signal.SIGHUP)
        worker.said(r'"event": "log.reloaded"')
        there.conf.write_text(before + "[log]\nlevel = SHOUTING\n")
        worker.popen.send_signal(signal.SIGHUP)
        worker.said(r"SHOUTING.*log.not_reloaded|log.not_reloaded.*SHOUTING")
    finally:
        there.conf.write_text(before)
    assert worker.end() == 0


def test_a_process_that_is_stopped_lets_its_clients_go_on(there: fleet.Fleet) -> None:
    """A stream ends whole at the end of its process, and is taken up with the next one."""
    made = end(there, send(there, "POST", "/servers", launch("brief", ttl="1h")))
    (waits,) = send(there, "GET", "/tasks?type=task.revert")["tasks"]
    second = there.api("second")
    request = urllib.request.Request(
        f"{there.url('second')}/tasks/{waits['id']}/events", headers={"Accept": "text/event-stream"}
    )
    with urllib.request.urlopen(request, timeout=60) as stream:
        lines = iter(stream.readline, b"")
        assert any(line.startswith(b"event: task.accepted") for line in lines)
        assert second.end() == 0
        # This raises on a stream that is cut off in the middle.
        stream.read()
    end(there, send(there, "POST", f"/tasks/{made['id']}/revert"))


def test_a_request_whose_process_was_killed_is_answered_by_another(there: fleet.Fleet) -> None:
    doomed = there.api("doomed")
    key = {"Idempotency-Key": str(uuid.uuid4())}
    with slow_images(there), concurrent.futures.ThreadPoolExecutor() as pool:
        first = pool.submit(ask, f"{there.url('doomed')}/servers", launch("once"), **key)
        engine = sa.create_engine(there.store)
        held = sa.select(idempotency.c.key).where(idempotency.c.status.is_(None))
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            while not connection.execute(held).all():
                time.sleep(0.02)
        engine.dispose()
        doomed.popen.kill()
        with pytest.raises((OSError, http.client.HTTPException)):
            first.result()
    refused: set[int] = set()
    killed, made = time.monotonic(), None
    while made is None:
        try:
            made = ask(f"{there.url('api')}/servers", launch("once"), **key)
        except urllib.error.HTTPError as error:
            refused.add(error.code)
            time.sleep(0.1)
    assert refused == {409}, "its process might have lived"
    print(f"Answered {time.monotonic() - killed:.1f} s after the process was killed.")
    end(there, send(there, "POST", f"/tasks/{end(there, made)['id']}/revert"))


@contextmanager
def slow_images(there: fleet.Fleet) -> Iterator[None]:
    """Have the cloud take its time for images, so that accepting a launch takes long where nothing is remembered."""
    auth = yaml.safe_load((there.place / "clouds.yaml").read_text())["clouds"]["sandbox"]["auth"]
    faults = f"http://{urlsplit(auth['auth_url']).netloc}/sandbox/faults"
    ask(faults, [{"match": {"method": "GET", "service": "image"}, "then": {"latency": 3.0}}])
    try:
        yield
    finally:
        urllib.request.urlopen(urllib.request.Request(faults, method="DELETE")).close()


def ask(url: str, body: Any, **headers: str) -> Any:
    """Send something to whoever is meant, and return the answer."""
    headers = {"Content-Type": "application/json", **headers}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=90) as answer:
        return json.load(answer)


def test_a_port_that_is_taken_is_told(there: fleet.Fleet) -> None:
    done = there.run("api", "--port", str(there.port("api")))
    assert done.returncode == 1 and "listens on 127.0.0.1" in done.stderr


def test_the_processes_say_everything_in_json(there: fleet.Fleet) -> None:
    for log in there.place.glob("*.log"):
        if not log.name.startswith("cloud"):
            assert all(json.loads(line)["event"] for line in log.read_text().splitlines()), os.fspath(log)
