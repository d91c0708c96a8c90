"""The routes of tasks, as `spec/tasks.md` has them."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import aiohttp
import msgspec
import pytest

from enamel.model import item, problem, task
from enamel.model.errors import NotFound, NoValidHost
from enamel.store import items, tasks
from tests.unit.api import fakes
from tests.unit.api.conftest import Web

JSON = {"Content-Type": "application/json"}
STREAM = {"Accept": "text/event-stream"}


async def accept(web: Web, **rest: Any) -> task.Task:
    return await fakes.add(web.services.store, **rest)


async def read_stream(response: aiohttp.ClientResponse) -> list[dict[str, str]]:
    """Return the frames of a stream that has ended, comments left out."""
    frames = []
    for block in (await response.text()).split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if "data" in fields:
            frames.append(fields)
    return frames


async def test_a_post_is_accepted_with_a_task_to_follow(web: Web) -> None:
    reply = await web.post("/servers", data='{"name": "web"}', headers=JSON)
    assert reply.status == 202
    assert reply.headers["Location"] == f"/tasks/{reply.body['id']}"
    assert int(reply.headers["Retry-After"]) > 0
    assert reply.body["request_id"] == reply.headers["x-openstack-request-id"]
    assert (await web.get(reply.headers["Location"])).body == reply.body


async def test_a_task_shows_all_its_fields_and_where_to_go(web: Web) -> None:
    made = await accept(web)
    body = (await web.get(f"/tasks/{made.id}")).body
    wanted = (
        "id type action state reverting progress created_at started_at ended_at created_by project_id request_id "
        "priority deadline request result servers error calls worker attempt _links"
    )
    assert set(wanted.split()) <= set(body)
    links = {name: link["href"] for name, link in body["_links"].items()}
    assert links == {
        "self": f"/tasks/{made.id}",
        "describedby": "/schemas/task",
        "items": f"/tasks/{made.id}/items",
        "events": f"/tasks/{made.id}/events",
        "plan": f"/tasks/{made.id}/plan",
        "cancel": f"/tasks/{made.id}/cancel",
    }
    assert body["_links"]["cancel"]["method"] == "POST"


async def test_a_failed_task_explains_itself(web: Web) -> None:
    made = await accept(web)
    error = problem.of(
        NoValidHost("No host in az1 has room.", cloud="north", request_ids=("req-1",)), step="boot-web"
    )
    await web.services.end(made, state=task.State.ABORTED, error=error)
    body = (await web.get(f"/tasks/{made.id}")).body
    assert body["error"]["code"] == "enamel.cloud.no_valid_host"
    assert (body["error"]["step"], body["error"]["request_ids"]) == ("boot-web", ["req-1"])
    assert "cancel" not in body["_links"]


async def test_a_task_that_made_something_can_be_reverted(web: Web) -> None:
    made = await accept(web)
    result = task.Result(made={"server": (task.Made(kind="server", id="1"),)})
    await web.services.end(made, result=result)
    body = (await web.get(f"/tasks/{made.id}")).body
    assert body["_links"]["revert"] == {"href": f"/tasks/{made.id}/revert", "method": "POST"}
    reply = await web.post(f"/tasks/{made.id}/revert")
    assert reply.status == 202
    assert web.services.submit.calls[-1]["params"] == {"task": made.id}


@pytest.mark.parametrize("rest", ["", "/items", "/events", "/plan"])
@pytest.mark.parametrize("id", ["0193c0de-0000-7000-8000-000000000000", "nonsense", "0" * 200])
async def test_unknown_tasks_answer_404(web: Web, id: str, rest: str) -> None:
    assert (await web.get(f"/tasks/{id}{rest}")).status == 404


@pytest.mark.parametrize(
    ("method", "rest"),
    [("GET", ""), ("GET", "/items"), ("GET", "/events"), ("GET", "/plan"), ("POST", "/cancel"), ("POST", "/revert"),
     ("DELETE", "")],
)  # fmt: skip
async def test_tasks_of_other_projects_answer_404(web: Web, method: str, rest: str) -> None:
    theirs = await accept(web, project_id=fakes.THEIRS)
    reply = await web.call(method, f"/tasks/{theirs.id}{rest}")
    assert (reply.status, reply.errors[0]["code"]) == (404, "enamel.request.not_found")
    assert (await web.services.store.read(tasks.get, theirs.id)).state is task.State.WAITING


# -- lists


async def test_the_list_has_unfinished_tasks_unless_asked_otherwise(web: Web) -> None:
    waiting = await accept(web)
    ended = await web.services.end(await accept(web))
    await accept(web, project_id=fakes.THEIRS)

    async def listed(query: str) -> set[str]:
        return {found["id"] for found in (await web.get(f"/tasks{query}")).body["tasks"]}

    assert await listed("") == {waiting.id}
    assert await listed("?all=true") == await listed("?all") == {waiting.id, ended.id}
    assert await listed("?state=COMPLETED") == {ended.id}
    assert await listed("?state=COMPLETED,WAITING") == {waiting.id, ended.id}
    assert await listed("?state=COMPLETED&state=RUNNING") == {ended.id}
    assert await listed("?type=server.terminate") == set()
    assert await listed("?since=2027-01-01T00:00:00Z") == set()


async def test_the_history_of_a_server_is_found_by_its_id(web: Web) -> None:
    id = "00000000-0000-4000-8000-000000000007"
    await accept(web)
    about = await accept(web, servers=(task.ServerEntry(hostname="web", id=id),))
    await web.services.end(about, servers=about.servers)
    body = (await web.get(f"/tasks?server={id}")).body
    assert [found["id"] for found in body["tasks"]] == [about.id]
    assert body["tasks"][0]["servers"][0]["_links"]["self"]["href"] == f"/servers/{id}"


async def test_pages_follow_each_other_by_links_alone(web: Web) -> None:
    made = [(await accept(web)).id for _ in range(5)]
    seen: list[str] = []
    path = "/tasks?limit=2"
    while path:
        body = (await web.get(path)).body
        assert len(body["tasks"]) <= 2
        seen += [found["id"] for found in body["tasks"]]
        path = body["_links"].get("next", {}).get("href", "")
    assert seen == sorted(made, reverse=True)


QUERIES = {
    "?limit=0": "?limit",
    "?limit=1001": "?limit",
    "?limit=ten": "?limit",
    "?limit=": "?limit",
    "?limit=1&limit=2": "?limit",
    "?limit=9999999999999999999999": "?limit",
    "?marker=x": "?marker",
    "?since=yesterday": "?since",
    "?since=2026-01-01T00:00:00": "?since",
    "?state=DONE": "?state",
    "?state=": "?state",
    "?state=COMPLETED,": "?state",
    "?all=maybe": "?all",
    "?colour=red": "?colour",
    "?Limit=1": "?Limit",
    "?a%2Fb=1": "?a/b",
}


@pytest.mark.parametrize(("query", "pointer"), QUERIES.items())
async def test_malformed_parameters_are_named(web: Web, query: str, pointer: str) -> None:
    reply = await web.get(f"/tasks{query}")
    assert reply.status == 400
    assert [error["pointer"] for error in reply.errors] == [pointer]


async def test_all_malformed_parameters_are_named_at_once(web: Web) -> None:
    reply = await web.get("/tasks?limit=x&marker=y&colour=z")
    assert {error["pointer"] for error in reply.errors} == {"?limit", "?marker", "?colour"}


# -- waiting


async def test_waiting_answers_at_the_end(web: Web) -> None:
    made = await accept(web)
    waiting = asyncio.create_task(web.get(f"/tasks/{made.id}?wait=60"))
    await asyncio.sleep(0.02)
    await web.services.end(made)
    assert (await waiting).body["state"] == "COMPLETED"


async def test_waiting_ends_with_its_time(web: Web) -> None:
    made = await accept(web)
    reply = await web.get(f"/tasks/{made.id}?wait=1")
    assert (reply.status, reply.body["state"]) == (200, "WAITING")


@pytest.mark.parametrize("wait", ["61", "-1", "x", "1.5", ""])
async def test_a_malformed_wait_is_named(web: Web, wait: str) -> None:
    made = await accept(web)
    reply = await web.get(f"/tasks/{made.id}?wait={wait}")
    assert (reply.status, reply.errors[0]["pointer"]) == (400, "?wait")


async def test_a_post_that_prefers_to_wait_answers_with_the_ended_task(web: Web) -> None:
    async def work() -> None:
        for _ in range(1000):
            if found := await web.services.store.read(tasks.list):
                await web.services.end(found[0])
                return
            await asyncio.sleep(0.01)

    worker = asyncio.create_task(work())
    reply = await web.post("/servers", data='{"name": "web"}', headers=JSON | {"Prefer": "wait=30"})
    await worker
    assert (reply.status, reply.body["state"]) == (200, "COMPLETED")
    assert reply.headers["Preference-Applied"] == "wait=30"
    assert reply.headers["Location"] == f"/tasks/{reply.body['id']}"


async def test_a_post_whose_task_takes_longer_is_accepted(web: Web) -> None:
    headers = JSON | {"Prefer": 'respond-async, wait="1"'}
    reply = await web.post("/servers", data='{"name": "web"}', headers=headers)
    assert (reply.status, reply.body["state"]) == (202, "WAITING")


async def test_a_preference_that_means_nothing_is_none(web: Web) -> None:
    reply = await web.post("/servers", data='{"name": "web"}', headers=JSON | {"Prefer": "wait=long"})
    assert reply.status == 202
    assert "Preference-Applied" not in reply.headers


async def test_what_has_not_changed_is_not_sent_again(web: Web) -> None:
    made = await accept(web)
    first = await web.get(f"/tasks/{made.id}")
    known = {"If-None-Match": f'"other", W/{first.headers["ETag"]}'}
    again = await web.get(f"/tasks/{made.id}", headers=known)
    assert (again.status, again.text) == (304, "")
    assert again.headers["ETag"] == first.headers["ETag"]
    await web.services.end(made)
    assert (await web.get(f"/tasks/{made.id}", headers=known)).status == 200


# -- idempotency


async def test_a_replayed_answer_says_so(web: Web) -> None:
    headers = JSON | {"Idempotency-Key": "again"}
    reply = await web.post("/servers", data='{"name": "web"}', headers=headers)
    assert reply.headers["Idempotent-Replayed"] == "true"
    assert web.services.submit.calls[-1]["key"] == "again"


@pytest.mark.parametrize("key", ["k" * 256, "é", ""])
async def test_a_malformed_idempotency_key_is_named(web: Web, key: str) -> None:
    headers = JSON | {"Idempotency-Key": key}
    reply = await web.post("/servers", data='{"name": "web"}', headers=headers)
    assert (reply.status, reply.errors[0]["pointer"]) == (400, "Idempotency-Key")


# -- items, plan, dry run


async def test_items_and_plan_show_each_step_with_its_state(web: Web) -> None:
    made = await accept(web)
    (one,) = (await web.get(f"/tasks/{made.id}/items")).body["items"]
    assert (one["name"], one["state"], one["calls"]) == ("boot-web", "WAITING", [])
    graph = (await web.get(f"/tasks/{made.id}/plan")).body
    assert [(node["name"], node["state"]) for node in graph["steps"]] == [("boot-web", "WAITING")]
    assert graph["calls"] == 4


async def test_a_dry_run_writes_nothing(web: Web) -> None:
    reply = await web.post("/servers?dry_run=true", data='{"name": "web"}', headers=JSON)
    assert (reply.status, reply.body["plan"]["calls"], reply.body["faults"]) == (200, 4, [])
    assert (await web.get("/tasks?all")).body["tasks"] == []


async def test_times_have_one_precision(web: Web) -> None:
    made = await accept(web)
    assert made.created_at.microsecond == 0
    shown = (await web.get(f"/tasks/{made.id}")).body
    assert shown["created_at"] == made.created_at.strftime("%Y-%m-%dT%H:%M:%S.000000Z")
    [event] = (await web.get(f"/tasks/{made.id}/events")).body["events"]
    assert event["time"].endswith(".000000Z")


# -- events


async def test_events_are_listed_from_a_number_on(web: Web) -> None:
    made = await accept(web)
    for seq in (2, 3):
        await web.services.tell(made.id, seq, "item.started", item="boot-web", data={"attempt": 1})
    body = (await web.get(f"/tasks/{made.id}/events")).body
    assert [event["seq"] for event in body["events"]] == [1, 2, 3]
    assert "item" not in body["events"][0]
    assert body["events"][1]["item"] == "boot-web"
    page = (await web.get(f"/tasks/{made.id}/events?after=1&limit=1")).body
    assert [event["seq"] for event in page["events"]] == [2]
    onward = (await web.get(page["_links"]["next"]["href"])).body
    assert [event["seq"] for event in onward["events"]] == [3]


@pytest.mark.parametrize(
    ("query", "headers", "pointer"),
    [
        ("?after=-1", {}, "?after"),
        ("?after=x", {}, "?after"),
        ("", {"Last-Event-ID": "x"}, "Last-Event-ID"),
        ("", {"Last-Event-ID": "-1", **STREAM}, "Last-Event-ID"),
    ],
)
async def test_a_malformed_place_in_the_timeline_is_named(
    web: Web, query: str, headers: dict[str, str], pointer: str
) -> None:
    made = await accept(web)
    reply = await web.get(f"/tasks/{made.id}/events{query}", headers=headers)
    assert (reply.status, reply.errors[0]["pointer"]) == (400, pointer)


async def test_the_stream_tells_of_each_event_as_it_happens_and_ends_with_the_last(web: Web) -> None:
    made = await accept(web)
    async with web.session.get(f"{web.url}/tasks/{made.id}/events", headers=STREAM) as response:
        assert response.headers["Content-Type"].startswith("text/event-stream")
        reading = asyncio.create_task(read_stream(response))
        await web.services.tell(made.id, 2, "item.started", item="boot-web")
        await web.services.tell(made.id, 3, "task.completed")
        frames = await reading
    assert [(frame["id"], frame["event"]) for frame in frames] == [
        ("1", "task.accepted"),
        ("2", "item.started"),
        ("3", "task.completed"),
    ]
    told = json.loads(frames[1]["data"])
    assert [json.loads(frame["data"]) for frame in frames] == (
        await web.get(f"/tasks/{made.id}/events")
    ).body["events"]
    assert (
        told.items()
        >= {
            "specversion": "1.0",
            "id": "2",
            "source": f"/tasks/{made.id}",
            "type": "item.started",
            "datacontenttype": "application/json",
            "seq": 2,
            "item": "boot-web",
        }.items()
    )


async def test_a_broken_stream_is_taken_up_where_it_broke(web: Web) -> None:
    made = await accept(web)
    await web.services.tell(made.id, 2, "item.started")
    await web.services.tell(made.id, 3, "task.aborted")
    headers = STREAM | {"Last-Event-ID": "1"}
    async with web.session.get(f"{web.url}/tasks/{made.id}/events", headers=headers) as response:
        frames = await read_stream(response)
    assert [frame["id"] for frame in frames] == ["2", "3"]


async def test_a_client_that_has_seen_the_end_is_sent_home(web: Web) -> None:
    made = await accept(web)
    await web.services.tell(made.id, 2, "task.completed")
    await web.services.end(made, events=2)
    reply = await web.get(f"/tasks/{made.id}/events", headers=STREAM | {"Last-Event-ID": "2"})
    assert reply.status == 204


async def test_a_stream_that_is_left_leaves_nothing_behind(web: Web) -> None:
    made = await accept(web)
    async with web.session.get(f"{web.url}/tasks/{made.id}/events", headers=STREAM) as response:
        await response.content.readuntil(b"task.accepted")
        response.close()
    followers = web.services.dispatch._followers
    for _ in range(200):
        if not followers.get(made.id):
            break
        await asyncio.sleep(0.02)
    assert not followers.get(made.id)


async def test_followers_of_a_task_share_the_looks_at_it(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    made = await accept(web)
    follow = web.services.follow
    looks: list[int] = []
    read = web.services.store.read

    async def counted(function: Any, *words: Any, **rest: Any) -> Any:
        looks.append(rest.get("after", 0))
        return await read(function, *words, **rest)

    monkeypatch.setattr(web.services.store, "read", counted)

    async def listen() -> list[int]:
        return [event.seq async for event in follow.events(fakes.CTX, made.id)]

    listening = [asyncio.create_task(listen()) for _ in range(30)]
    waiting = [
        asyncio.create_task(follow.wait(fakes.CTX, made.id, timeout=timedelta(seconds=60))) for _ in range(30)
    ]
    late = asyncio.create_task(listen())
    while len(looks) < 31:
        await asyncio.sleep(0.01)
    await web.services.tell(made.id, 2, "item.started", item="boot-web")
    await web.services.tell(made.id, 3, "task.completed")
    await web.services.end(made, events=3)
    assert await asyncio.gather(*listening, late) == [[1, 2, 3]] * 31
    ended = await asyncio.gather(*waiting)
    assert {one.id for one in ended} == {made.id}
    # Each reads for itself what was before it came; what comes then is read once.
    assert sum(after >= 1 for after in looks) < 30


async def test_a_follower_of_a_task_that_is_removed_is_told(web: Web) -> None:
    with pytest.raises(NotFound):
        async for _ in web.services.follow.events(fakes.CTX, "0" * 32):
            pass


# -- cancel and forget


async def test_a_waiting_task_is_cancelled_at_once(web: Web) -> None:
    made = await accept(web)
    reply = await web.post(f"/tasks/{made.id}/cancel")
    assert (reply.status, reply.body["state"]) == (202, "ABORTED")
    assert reply.headers["Location"] == f"/tasks/{made.id}"
    again = await web.post(f"/tasks/{made.id}/cancel")
    assert (again.status, again.errors[0]["code"]) == (409, "enamel.request.wrong_state")
    assert again.errors[0]["data"]["state"] == "ABORTED"


async def test_a_cancel_that_is_repeated_with_its_key_gets_its_first_answer(web: Web) -> None:
    made = await accept(web)
    headers = {"Idempotency-Key": "once"}
    first = await web.post(f"/tasks/{made.id}/cancel", headers=headers)
    again = await web.post(f"/tasks/{made.id}/cancel", headers=headers)
    assert (again.status, again.body) == (202, first.body)
    assert again.headers["Idempotent-Replayed"] == "true"
    other = await accept(web)
    reply = await web.post(f"/tasks/{other.id}/cancel", headers=headers)
    assert (reply.status, reply.errors[0]["code"]) == (422, "enamel.request.key_reused")


async def test_a_running_task_shows_what_its_items_tell(web: Web) -> None:
    made = await accept(web, state=task.State.RUNNING, attempt=1, servers=(task.ServerEntry(hostname="web"),))
    call = item.Call(method="POST", service="compute", path="/servers", status=202)
    outputs = {
        "servers": [],
        "entries": {"web": {"state": "BUILDING", "id": "00000000-0000-4000-8000-000000000001"}},
    }
    done = item.Item(
        task=made.id, name="boot-web", kind="server.boot", action="SPAWNING", state=item.State.COMPLETED,
        calls=(call,), outputs=outputs,
    )  # fmt: skip
    await web.services.store.run(items.save, [done])
    for body in (
        (await web.get(f"/tasks/{made.id}")).body,
        (await web.get("/tasks")).body["tasks"][0],
        (await web.post(f"/tasks/{made.id}/cancel")).body,
    ):
        assert (body["progress"], body["calls"]) == ({"done": 1, "total": 1}, 1)
        assert body["servers"][0]["state"] == "BUILDING"


async def test_a_running_task_is_told_to_stop(web: Web) -> None:
    made = await accept(web, state=task.State.RUNNING, attempt=1)
    reply = await web.post(f"/tasks/{made.id}/cancel")
    assert (reply.body["state"], reply.body["cancel_requested"]) == ("RUNNING", True)
    assert "cancel" not in reply.body["_links"]


async def test_an_ended_task_can_be_forgotten_and_no_other(web: Web) -> None:
    made = await accept(web)
    assert (await web.call("DELETE", f"/tasks/{made.id}")).status == 409
    await web.services.end(made)
    reply = await web.call("DELETE", f"/tasks/{made.id}")
    assert (reply.status, reply.text) == (204, "")
    assert (await web.get(f"/tasks/{made.id}")).status == 404


def test_the_fields_of_a_task_have_one_source() -> None:
    from enamel.api.resources import task_body

    names = {field.name for field in msgspec.structs.fields(task_body.Task)} - {"links"}
    assert names <= {field.name for field in msgspec.structs.fields(task.Task)}


async def test_items_come_in_pages_and_by_their_states(web: Web) -> None:
    made = await fakes.add(web.services.store)
    states = [item.State.COMPLETED, item.State.RUNNING, item.State.WAITING, item.State.WAITING]
    records = [
        item.Item(task=made.id, name=f"step-{number}", kind="server.boot", action="SPAWNING", state=state,
             started_at=None if state is item.State.WAITING else fakes.START + timedelta(seconds=number))
        for number, state in enumerate(states)
    ]  # fmt: skip
    await web.services.store.run(items.save, records)

    async def listed(query: str) -> list[str]:
        return [one["name"] for one in (await web.get(f"/tasks/{made.id}/items{query}")).body["items"]]

    assert await listed("?state=WAITING") == ["boot-web", "step-2", "step-3"]
    assert await listed("?since=2026-01-31T12:00:01Z") == ["step-1"]
    page = (await web.get(f"/server_tasks/{made.id}/items?limit=2&state=WAITING,RUNNING")).body
    assert [one["name"] for one in page["items"]] == ["boot-web", "step-1"]
    assert (await web.get(page["_links"]["next"]["href"])).body["items"][0]["name"] == "step-2"
    reply = await web.get(f"/tasks/{made.id}/items?marker=nothing")
    assert (reply.status, [one["pointer"] for one in reply.errors]) == (400, ["?marker"])
