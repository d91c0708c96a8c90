"""What the API costs the cloud: the calls behind its answers, counted by the built-in cloud itself."""

import json
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.contract.http import service

MANY = 200
LIST = "GET compute /v2.1/servers/detail"
ACTION = "POST compute /v2.1/servers/{id}/action"
STALE = 1.5
"""Seconds after which nobody answers from what was seen before."""


def ask(url: str, method: str = "GET", body: Any = None, **headers: str) -> Any:
    raw = None if body is None else json.dumps(body).encode()
    sent = {"Content-Type": "application/json", **headers}
    with urllib.request.urlopen(urllib.request.Request(url, raw, sent, method=method), timeout=100) as answer:
        text = answer.read()
        return json.loads(text) if text else answer.headers


def calls(whole: service.Whole) -> dict[str, int]:
    """Return the calls since they were counted last, by their routes, and count anew."""
    counts: dict[str, int] = ask(f"{whole.cloud}/sandbox/calls")["counts"]
    urllib.request.urlopen(urllib.request.Request(f"{whole.cloud}/sandbox/calls", method="DELETE")).close()
    return counts


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[service.Whole, list[str]]]:
    """A service with many servers, and their ids."""
    with service.running(tmp_path_factory.mktemp("crowd")) as whole:
        ask(f"{whole.cloud}/sandbox/settings", "POST", {"quotas": {"instances": 2 * MANY}})
        body = {"name": "crowd", "count": MANY, "template": "cirros", "type": "m1.tiny"}
        task = ask(f"{whole.url}/servers", "POST", body, Prefer="wait=60")
        assert task["state"] == "COMPLETED", task
        yield whole, [one["id"] for one in task["servers"]]


def test_a_list_of_200_servers_is_one_call(crowd: tuple[service.Whole, list[str]]) -> None:
    whole, ids = crowd
    time.sleep(STALE)
    calls(whole)
    found = ask(f"{whole.url}/servers?limit=1000")["servers"]
    assert {one["id"] for one in found} == set(ids)
    assert calls(whole) == {LIST: 1}


def test_the_states_of_100_servers_within_a_second_are_one_call(
    crowd: tuple[service.Whole, list[str]],
) -> None:
    whole, ids = crowd
    time.sleep(STALE)
    calls(whole)
    began = time.monotonic()
    with ThreadPoolExecutor(10) as many:
        states = list(many.map(lambda id: ask(f"{whole.url}/servers/{id}", "HEAD"), ids[:100]))
    seconds = time.monotonic() - began
    assert {one["X-OpenStack-Compute-Server-Virt-State"] for one in states} == {"ACTIVE"}
    counts = calls(whole)
    # One a second, should this machine be so slow that it takes longer than one.
    assert set(counts) == {LIST} and counts[LIST] <= 1 + int(seconds)


def test_a_resize_is_two_actions_and_its_waits(crowd: tuple[service.Whole, list[str]]) -> None:
    whole, ids = crowd
    time.sleep(STALE)
    calls(whole)
    task = ask(
        f"{whole.url}/servers/{ids[0]}/tasks",
        "POST",
        {"action": "RESIZE", "type": "m1.small"},
        Prefer="wait=60",
    )
    assert task["state"] == "COMPLETED", task
    counts = calls(whole)
    assert counts.pop(ACTION) == 2  # resize and confirmResize
    items = ask(f"{whole.url}/tasks/{task['id']}/items")["items"]
    assert sum(len(one["calls"]) for one in items) == task["calls"]
    # Whatever else was called was a look: at the server, and once at what it was asked to become.
    assert all(name.startswith("GET ") for name in counts), counts
