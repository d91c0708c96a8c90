"""The route of signals."""

from typing import Any

import pytest

from enamel.flow import plan as plans
from enamel.flow.draft import Draft
from enamel.model import task
from enamel.steps.signal import AwaitSignal
from enamel.store import signals, tasks
from tests.unit.api import fakes
from tests.unit.api.conftest import Web

JSON = {"Content-Type": "application/json"}


async def accept(web: Web) -> task.Task:
    """Store a task with a step that waits for two messages."""
    draft = Draft()
    draft.add(AwaitSignal(name="ready", count=2))
    made = await fakes.add(web.services.store)
    return await web.services.store.run(tasks.replan, made.id, plan=plans.data(draft.plan()), steps=())


async def test_a_message_is_stored_before_the_answer(web: Web) -> None:
    made = await accept(web)
    reply = await web.post(f"/tasks/{made.id}/signals/ready", data='{"data": {"host": "web"}}', headers=JSON)
    assert (reply.status, reply.body["data"], reply.body["name"]) == (202, {"host": "web"}, "ready")
    [kept] = await web.services.store.read(signals.list, made.id, "ready")
    assert (kept.id, kept.data) == (reply.body["id"], {"host": "web"})


async def test_a_message_with_a_key_arrives_once(web: Web) -> None:
    made = await accept(web)
    headers = {**JSON, "Idempotency-Key": "one"}
    first, again = [
        await web.post(f"/tasks/{made.id}/signals/ready", data='{"data": 1}', headers=headers)
        for _ in range(2)
    ]
    assert again.headers["Idempotent-Replayed"] == "true"
    assert first.body == again.body
    assert len(await web.services.store.read(signals.list, made.id, "ready")) == 1


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("{id}/signals/other", '{"data": 1}', 404),
        ("nonsense/signals/ready", '{"data": 1}', 404),
        ("{id}/signals/ready", '{"date": 1}', 400),
        ("{id}/signals/ready", '{"data": "' + "x" * 70_000 + '"}', 413),
    ],
)
async def test_what_is_refused(web: Web, path: str, body: str, status: int) -> None:
    made = await accept(web)
    reply = await web.post(f"/tasks/{path.format(id=made.id)}", data=body, headers=JSON)
    assert reply.status == status
    assert await web.services.store.read(signals.list, made.id, "ready") == ()


async def test_more_messages_than_a_step_waits_for(web: Web) -> None:
    made = await accept(web)
    statuses: list[Any] = [
        (await web.post(f"/tasks/{made.id}/signals/ready", data="{}", headers=JSON)).status for _ in range(3)
    ]
    assert statuses == [202, 202, 409]
