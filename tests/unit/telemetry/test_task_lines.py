"""What a service logs of requests and tasks: who asked for what, what became of it, and how the lines belong together."""

import json
import signal
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from enamel.cli.client import Client
from enamel.cli.failure import Failure
from tests.contract.http import service

FAULTS = """
- match: {service: network, method: POST, path: ".*floatingips"}
  then: {status: 404, body: {NeutronError: {type: X, message: "no such thing here", detail: ""}}}
"""
SERVER = {"template": "cirros", "type": "m1.tiny"}

Lines = dict[str, list[dict[str, Any]]]


def ended(client: Client, task: Any) -> Any:
    return client.get(f"/tasks/{task['id']}", wait=60)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Lines, dict[str, Any]]:
    """What a service has logged, by event, of a launch that succeeded, one that failed, and one that was cancelled."""
    place: Path = tmp_path_factory.mktemp("told")
    (place / "faults.yaml").write_text(FAULTS)
    options = (
        "--port",
        "0",
        "--data",
        str(place),
        "--faults",
        str(place / "faults.yaml"),
        "--boot-seconds",
        "0.1",
    )
    with service.start(
        "up", "--sandbox", "--log-json", "--log-level", "INFO", *options, HOME=str(place)
    ) as up:
        assert up.stdout is not None
        url = up.stdout.readline().split(",")[0].split(" ")[-1]
        client = Client(url)
        good = ended(client, client.post("/servers", {"name": "good", **SERVER}))
        bad = ended(client, client.post("/servers", {"name": "bad", "public_address": True, **SERVER}))
        cancelled = client.post("/servers", {"name": "late", "not_before": "2030-01-01T00:00:00Z", **SERVER})
        cancelled = ended(client, client.post(f"/tasks/{cancelled['id']}/cancel"))
        with pytest.raises(Failure):
            client.get("/nothing")
        client.get("/healthcheck")
        metrics = client.get("/metrics")
        up.send_signal(signal.SIGTERM)
        _, text = up.communicate()
    lines: Lines = defaultdict(list)
    for line in map(json.loads, text.splitlines()):
        lines[line["event"]].append(line)
    return lines, {"good": good, "bad": bad, "cancelled": cancelled, "metrics": metrics}


def of(lines: Lines, event: str, task: str) -> dict[str, Any]:
    (line,) = [line for line in lines[event] if line["task"] == task]
    return line


def test_a_request_leads_to_its_task_and_the_task_to_its_end(told: tuple[Lines, dict[str, Any]]) -> None:
    lines, tasks = told
    for task, state in (
        (tasks["good"], "completed"),
        (tasks["bad"], "aborted"),
        (tasks["cancelled"], "aborted"),
    ):
        (request,) = [
            line
            for line in lines["request.done"]
            if line["task"] == task["id"] and line["route"] == "POST /servers"
        ]
        assert request["status"] == 202 and request["request_id"] == task["request_id"]
        assert (request["project"], request["user"]) == (task["project_id"], task["created_by"])
        for event in ("task.accepted", f"task.{state}"):
            line = of(lines, event, task["id"])
            assert (line["request_id"], line["type"]) == (task["request_id"], "server.create")
            assert (line["project"], line["user"]) == (task["project_id"], task["created_by"])
    for name in ("good", "bad"):
        assert of(lines, "task.claimed", tasks[name]["id"])["request_id"] == tasks[name]["request_id"]


def test_a_step_that_failed_and_its_task_say_why(told: tuple[Lines, dict[str, Any]]) -> None:
    lines, tasks = told
    failed = of(lines, "item.failed", tasks["bad"]["id"])
    assert failed["step"] == "address-create-bad" and "no such thing here" in failed["detail"]
    assert failed["request_id"] == tasks["bad"]["request_id"]
    end = of(lines, "task.aborted", tasks["bad"]["id"])
    assert (end["level"], end["code"], end["step"]) == (
        "warning",
        tasks["bad"]["error"]["code"],
        "address-create-bad",
    )
    # A cancelled task is what its user wanted.
    assert of(lines, "task.aborted", tasks["cancelled"]["id"])["level"] == "info"
    done = of(lines, "task.completed", tasks["good"]["id"])
    assert done["calls"] == tasks["good"]["calls"] and done["seconds"] > 0


def test_probes_are_not_logged_with_the_requests(told: tuple[Lines, dict[str, Any]]) -> None:
    lines, _ = told
    routes = [line["route"] for line in lines["request.done"]]
    assert "GET /tasks/{id}" in routes
    assert not {"GET /healthcheck", "GET /metrics"} & set(routes)


def test_requests_are_counted_by_route_and_status(told: tuple[Lines, dict[str, Any]]) -> None:
    _, seen = told
    metrics = seen["metrics"]
    assert 'enamel_http_requests_total{method="POST",route="/servers",status="202"} 3.0' in metrics
    assert 'enamel_http_requests_total{method="",route="",status="404"} 1.0' in metrics
    assert 'enamel_http_request_seconds_count{method="POST",route="/servers"} 3.0' in metrics
    assert "enamel_http_requests_under_way 1.0" in metrics
