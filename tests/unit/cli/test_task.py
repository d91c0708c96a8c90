"""`enamel task`: which task is meant, what it did, and why it failed."""

import re
from typing import Any

import pytest

from enamel.cli import lookup
from enamel.cli.failure import Failure
from enamel.model import ids
from tests.unit.cli.conftest import Type

LAUNCH = ("--image", "cirros", "--flavor", "m1.tiny")


class Tasks:
    """A service that has some tasks, and lists them as the real one does."""

    def __init__(self, *ids: str, **fields: Any) -> None:
        self._tasks = [
            {"id": id, "type": "server.create", "not_before": None, **fields}
            for id in sorted(ids, reverse=True)
        ]

    def get(self, path: str, *, all: bool, limit: int, marker: str = "z") -> dict[str, Any]:
        assert path == "/tasks" and all
        return {"tasks": [task for task in self._tasks if task["id"] < marker][:limit]}


FIRST, SECOND = "01a224ed-8bfc-7127-bae5-ad53c6bc8f55", "01a224ed-8bfd-7f27-bae5-ad53c6bc8f55"


@pytest.mark.parametrize("length", [12, 13, 14, 15, 20, 35, 36])
@pytest.mark.parametrize("id", [FIRST, SECOND])
def test_the_beginning_of_an_id_is_enough(id: str, length: int) -> None:
    tasks = Tasks(FIRST, SECOND, "01a224ee-0000-7000-8000-000000000000")
    for text in (id[:length], id[:length].upper(), id[:length].replace("-", "")):
        if len(text.replace("-", "")) == 32 or len(text.replace("-", "")) >= 12:
            assert lookup.task(tasks, text).lower().replace("-", "") == id.replace("-", "")  # type: ignore[arg-type]


def test_any_beginning_of_any_id_leads_to_it() -> None:
    known = [ids.new_id() for _ in range(50)]
    tasks = Tasks(*known)
    for id in known:
        assert lookup.task(tasks, id[:35]) == id  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["0", "01a224ed", "01a224ed-8bf"])
def test_a_beginning_that_several_ids_have_is_refused_with_two_of_them(text: str) -> None:
    with pytest.raises(Failure, match=f"such as {SECOND} and {FIRST}"):
        lookup.task(Tasks(FIRST, SECOND), text)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["ffff", "01a224ed-8bfc-7128", "0" * 12 + "7"])
def test_a_beginning_that_no_id_has_is_refused(text: str) -> None:
    with pytest.raises(Failure, match="No task"):
        lookup.task(Tasks(FIRST, SECOND), text)  # type: ignore[arg-type]


def test_last_is_the_task_that_somebody_asked_for_last() -> None:
    assert lookup.task(Tasks(FIRST, SECOND), "last") == SECOND  # type: ignore[arg-type]
    with pytest.raises(Failure, match="no task yet"):
        lookup.task(Tasks(), "last")  # type: ignore[arg-type]
    scheduled = Tasks(SECOND, type="task.revert", not_before="2030-01-01T00:00:00Z")
    with pytest.raises(Failure, match="no task yet"):
        lookup.task(scheduled, "last")  # type: ignore[arg-type]


def test_tasks_are_found_by_short_ids_by_last_and_by_server(enamel: Type) -> None:
    created = enamel("server", "create", "byname", *LAUNCH, "--ttl", "2h", "--wait", "--json")
    id = created.data["id"]
    for text in ("last", id[:20], id.replace("-", "")[:18]):
        shown = enamel("task", "show", text, "--json")
        assert (shown.code, shown.data["id"]) == (0, id)
        assert enamel("task", "watch", text).code == 0
    (revert,) = (task for task in enamel("task", "list", "--json").data["tasks"] if task["parent"] == id)
    assert re.search(r"WAITING until \d{4}-", enamel("task", "list").out)
    waiting = enamel("task", "show", revert["id"]).out
    assert re.search(r"WAITING until \d{4}-", waiting) and "Waits until" in waiting
    server = created.data["servers"][0]["id"]
    for name in ("byname", server):
        listed = enamel("task", "list", "--server", name, "--json").data["tasks"]
        assert id in [task["id"] for task in listed]
    assert enamel("server", "delete", "byname", "--wait").code == 0
    # The server is gone, its tasks are not.
    for name in ("byname", server):
        listed = enamel("task", "list", "--server", name, "--all", "--json").data["tasks"]
        assert {"CREATE", "TERMINATE"} <= {task["action"] for task in listed}
    unknown = enamel("task", "list", "--server", "nobody-has-this-name")
    assert (unknown.code, "No server 'nobody-has-this-name'" in unknown.err) == (1, True)
    for command in ("show", "watch", "cancel", "revert", "restart", "forget"):
        assert enamel("task", command, "ffffffff").code == 1


def test_the_requests_of_each_step_are_shown(enamel: Type) -> None:
    created = enamel("server", "create", "calls", *LAUNCH, "--volume", "1", "--wait", "--json")
    id = created.data["id"]
    calls = enamel("task", "show", id, "--calls").out
    assert re.search(r"server-boot\S* +\d{4}-\S+ \S+ +\d+ ms +POST compute /\S*servers +202 +req-", calls)
    items = enamel("task", "show", id, "--items").out
    assert re.search(rf"^id +{created.data['servers'][0]['id']}$", items, re.MULTILINE)
    both = enamel("task", "show", id, "--items", "--json").data
    assert (both["id"], sum(len(item["calls"]) for item in both["items"])) == (id, both["calls"])
    assert "items" not in enamel("task", "show", id, "--json").data
    assert enamel("task", "revert", id, "--wait").code == 0


def test_a_time_out_says_once_who_did_not_answer(enamel: Type) -> None:
    failed = enamel("server", "create", "late", "--count", "2", *LAUNCH, "--public-address", "--ready-when", "tcp/9",
                    "--timeout", "3s", "--wait")  # fmt: skip
    reason = "late-1 and late-2 did not answer on tcp/9"
    assert (failed.code, (failed.out + failed.err).count(reason)) == (1, 1)
    assert re.search(r"Timed out after \d+ s: ", failed.err) and "--timeout" in failed.err
    # The servers are nowhere: their zone would be a lie.
    assert re.search(r"late-1 +REVERTED .* removed again$", failed.out, re.MULTILINE)
    assert enamel("task", "show", "last").out.count(reason) == 1


def test_the_dry_run_of_a_restart_is_what_the_restart_does(enamel: Type) -> None:
    failed = enamel("server", "create", "again", *LAUNCH, "--public-address", "--ready-when", "tcp/9",
                    "--timeout", "3s", "--on-failure", "keep", "--wait", "--json")  # fmt: skip
    assert failed.data["state"] == "TIMED_OUT"
    plan = enamel("task", "restart", failed.data["id"], "--dry-run", "--json").data
    names = {node["name"] for node in plan["plan"]["steps"]}
    assert names == {"server-reach-again", "server-host_keys-again"}
    assert {kind: entry["wanted"] for kind, entry in plan["quota"].items() if entry["wanted"]} == {}
    restarted = enamel("task", "restart", failed.data["id"], "--wait", "--json")
    steps = enamel("task", "show", restarted.data["id"], "--items", "--json").data["items"]
    assert {step["name"] for step in steps if step["attempt"]} <= names
    assert plan["plan"]["calls"] <= 1 and restarted.data["calls"] == 0
    assert enamel("task", "revert", restarted.data["id"], "--wait").code == 0
