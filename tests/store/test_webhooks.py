"""Webhooks in the store: who tells them, from where on, and when again."""

from datetime import timedelta
from typing import Any

from enamel.model import ids
from enamel.model.task import Task
from enamel.model.webhook import State, Webhook
from enamel.store import events, secrets, tasks, webhooks, workers
from enamel.store.engine import Store
from enamel.store.lease import Lease
from tests.store import world
from tests.store.world import LEASE, NOON, Clock

URL = "https://example.org/hook"


async def told(store: Store, **fields: Any) -> tuple[Task, Webhook]:
    """Store a task that tells a webhook."""
    of = await world.accept(store)
    hook = Webhook(**{"id": ids.new_id(), "task": of.id, "url": URL, **fields})
    await store.run(webhooks.insert, [hook])
    return of, hook


async def claim(lease: Lease) -> list[str]:
    return [one.id for one in await lease.run(webhooks.claim, lease.id, limit=10)]


async def state(store: Store, of: Task) -> Webhook:
    (found,) = await store.read(webhooks.list, of.id)
    return found


async def test_what_has_news_is_claimed_once(store: Store, lease: Lease, other: Lease) -> None:
    _, hook = await told(store, events=("task.*",), secrets=("local:1",))
    (found,) = await lease.run(webhooks.claim, lease.id, limit=10)
    assert (found.id, found.events, found.secrets, found.next_at) == (
        hook.id,
        ("task.*",),
        ("local:1",),
        NOON,
    )
    assert await claim(other) == await claim(lease) == []


async def test_what_was_told_rests_until_there_is_more(store: Store, lease: Lease) -> None:
    of, hook = await told(store)
    await claim(lease)
    assert await lease.run(webhooks.delivered, lease.id, hook.id, seq=1, status=204)
    await lease.run(webhooks.rest, lease.id, hook.id, over=False)
    assert await claim(lease) == []
    await store.run(events.insert, [world.an_event(of, 2)])
    assert await claim(lease) == [hook.id]
    found = await state(store, of)
    assert (found.sent, found.last_status, found.state) == (1, 204, State.ACTIVE)


async def test_what_is_over_is_over(store: Store, lease: Lease) -> None:
    of, hook = await told(store)
    await claim(lease)
    await lease.run(webhooks.rest, lease.id, hook.id, over=True)
    assert (await state(store, of)).state is State.DELIVERED
    assert await claim(lease) == []


async def test_what_failed_is_tried_after_a_pause(store: Store, lease: Lease, clock: Clock) -> None:
    of, hook = await told(store)
    await claim(lease)
    fields: dict[str, Any] = {"attempts": 1, "status": 503, "error": "It answered 503."}
    await lease.run(webhooks.failed, lease.id, hook.id, pause=timedelta(seconds=60), **fields)
    found = await state(store, of)
    assert (found.attempts, found.last_status, found.last_error) == (1, 503, "It answered 503.")
    assert found.next_at == NOON + timedelta(seconds=60)
    assert await claim(lease) == []
    clock.tick(60)
    assert await claim(lease) == [hook.id]


async def test_what_failed_for_good_waits_for_a_replay(store: Store, lease: Lease) -> None:
    of, hook = await told(store)
    await claim(lease)
    await lease.run(webhooks.failed, lease.id, hook.id, attempts=10, status=None, error="No.", pause=None)
    assert (await state(store, of)).state is State.FAILED
    assert await claim(lease) == []
    assert await store.run(webhooks.replay, of.id, ids=[hook.id], after=None) == 1
    assert await claim(lease) == [hook.id]
    assert (await state(store, of)).attempts == 0


async def test_a_replay_takes_it_from_whoever_tells_it(store: Store, lease: Lease, other: Lease) -> None:
    of, hook = await told(store)
    await claim(lease)
    await store.run(webhooks.replay, of.id, ids=[hook.id], after=0)
    assert not await lease.run(webhooks.delivered, lease.id, hook.id, seq=1, status=200)
    assert await claim(other) == [hook.id]


async def test_a_dead_workers_webhooks_are_anothers(
    store: Store, lease: Lease, other: Lease, clock: Clock
) -> None:
    _, hook = await told(store)
    await claim(lease)
    clock.tick(LEASE.total_seconds() + 1)
    await other.renew()
    await store.run(workers.reap)
    assert await claim(other) == [hook.id]


async def test_a_new_secret_signs_beside_the_last_one(store: Store) -> None:
    of, hook = await told(store, secrets=("local:2", "local:1"), address="local:9")
    assert await store.run(webhooks.sign_with, of.id, id=hook.id, secret="local:3")
    known = await state(store, of)
    assert (known.secrets, known.address) == (("local:3", "local:2"), "local:9")
    assert await store.read(secrets.left) == ("local:1",)
    assert not await store.run(webhooks.sign_with, of.id, id="another", secret="local:4")


async def test_secrets_are_let_go_with_the_task(store: Store) -> None:
    of, _ = await told(store, secrets=("local:1",), address="local:9")
    await store.run(tasks.request_cancel, of.id)
    await store.run(tasks.forget, of.id)
    assert set(await store.read(secrets.left)) == {"local:1", "local:9"}
    assert await store.read(webhooks.list, of.id) == ()


async def test_webhooks_of_several_tasks(store: Store) -> None:
    first, hook = await told(store)
    second, other = await told(store)
    third = await world.accept(store)
    found = await store.read(webhooks.of_tasks, [first.id, second.id, third.id])
    assert {task: [one.id for one in some] for task, some in found.items()} == {
        first.id: [hook.id],
        second.id: [other.id],
    }
