"""Webhooks: every event, in order, signed, until it is taken; and nothing that becomes of them changes the task."""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiohttp import web
from standardwebhooks.webhooks import Webhook as Verifier

from enamel.model import task
from enamel.model.errors import Invalid, NotFound
from enamel.model.webhook import Notification, State
from enamel.service.access.webhook_targets import WebhookTargets
from enamel.service.tasks import read
from enamel.store import secrets, tasks, webhooks
from tests.flows import receiver as receivers
from tests.flows.after import After
from tests.flows.receiver import Receiver
from tests.flows.test_launch import WEB, went_well
from tests.flows.world import World

SECRET = "whsec_" + base64.b64encode(b"first secret of thirty-two bytes").decode()
OTHER = "whsec_" + base64.b64encode(b"second secret, thirty-two bytes!").decode()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receivers.running() as opened:
        yield opened


def told(receiver: Receiver, **more: Any) -> dict[str, Any]:
    """A launch that tells a receiver."""
    return {**WEB, "notify": [{"url": f"{receiver.url}/hook", **more}]}


async def notifications(world: World, id: str) -> tuple[Notification, ...]:
    return (await world.store.read(read.look, id)).notifications


async def until(world: World, id: str, fits: Callable[[Notification], bool]) -> Notification:
    """Wait until a task's first webhook is as it should be."""
    while not fits(found := (await notifications(world, id))[0]):
        await asyncio.sleep(0.01)
    return found


async def delivered(world: World, after: After) -> Notification:
    return await until(world, after.task.id, lambda one: one.state is State.DELIVERED)


async def test_every_event_in_order_and_signed(world: World, receiver: Receiver) -> None:
    world.planted.add(SECRET)
    world.planted.add(SECRET.removeprefix("whsec_"))
    after = went_well(await world.run(told(receiver, secret=SECRET)))
    found = await delivered(world, after)
    assert receiver.numbers == [one.seq for one in after.events]
    for message, event in zip(receiver.taken, after.events, strict=True):
        assert Verifier(SECRET).verify(message.body, dict(message.headers)) == message.event
        assert message.headers["Content-Type"] == "application/cloudevents+json"
        assert message.event["specversion"] == "1.0" and message.type == event.type
        assert message.event["source"] == f"/tasks/{after.task.id}"
    assert len({one.headers["webhook-id"] for one in receiver.taken}) == len(after.events)
    assert (found.sent, found.attempts, found.last_status) == (len(after.events), 0, 200)
    assert after.task.request["notify"][0]["secret"] == "(kept in the key store)"
    await world.check()


async def test_without_a_secret_nothing_is_signed(world: World, receiver: Receiver) -> None:
    await delivered(world, await world.run(told(receiver)))
    assert not [one for one in receiver.taken if "webhook-signature" in one.headers]
    await world.check()


async def test_only_the_events_that_are_wanted(world: World, receiver: Receiver) -> None:
    after = await world.run(told(receiver, events=["task.*", "server.active"]))
    await delivered(world, after)
    types = [one.type for one in receiver.taken]
    assert types == ["task.accepted", "task.claimed", "server.active", "task.completed"]
    await world.check()


async def test_two_secrets_sign_while_one_replaces_the_other(world: World, receiver: Receiver) -> None:
    after = await world.run(told(receiver, secret=[OTHER, SECRET]))
    await delivered(world, after)
    for secret in (SECRET, OTHER):
        for message in receiver.taken:
            Verifier(secret).verify(message.body, dict(message.headers))
    await world.check()


async def test_a_secret_is_replaced_later(world: World, receiver: Receiver) -> None:
    after = await world.run(told(receiver, secret=SECRET))
    await delivered(world, after)
    url = f"{receiver.url}/hook"
    await world.services.webhooks.change_secret(world.ctx, after.task.id, {"url": url, "secret": OTHER})
    receiver.taken.clear()
    await world.services.webhooks.replay(world.ctx, after.task.id, {"url": url})
    await delivered(world, after)
    for secret in (SECRET, OTHER):
        Verifier(secret).verify(receiver.taken[-1].body, dict(receiver.taken[-1].headers))
    await world.check()


@pytest.mark.sampled(4)
@pytest.mark.parametrize("status", [302, 400, 401, 404, 429, 500, 503])
async def test_what_was_refused_is_sent_again(world: World, receiver: Receiver, status: int) -> None:
    headers = {"Location": f"{receiver.url}/elsewhere"} if status == 302 else {}
    receiver.answers = [web.Response(status=status, headers=headers) for _ in range(2)]
    after = await world.run(told(receiver))
    await delivered(world, after)
    first, second, third = receiver.seen[:3]
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == third.headers["webhook-id"]
    assert first.body == third.body
    assert receiver.numbers == [one.seq for one in after.events]
    assert {one.path for one in receiver.seen} == {"/hook"}
    await world.check()


async def test_a_receiver_that_is_away_is_given_up(world: World, receiver: Receiver) -> None:
    receiver.always = 503
    after = went_well(await world.run(told(receiver)))
    found = await until(world, after.task.id, lambda one: one.state is State.FAILED)
    assert (found.sent, found.attempts, found.last_status, found.next_at) == (0, 3, 503, None)
    assert found.last_error == "It answered 503."
    receiver.always = None
    await world.services.webhooks.replay(world.ctx, after.task.id, {})
    await delivered(world, after)
    assert receiver.numbers == [one.seq for one in after.events]
    await world.check()


async def test_a_receiver_that_is_gone_is_left_alone(world: World, receiver: Receiver) -> None:
    receiver.always = 410
    after = went_well(await world.run(told(receiver)))
    found = await until(world, after.task.id, lambda one: one.state is State.STOPPED)
    assert found.last_status == 410 and len(receiver.seen) == 1
    await world.check()


async def test_a_receiver_that_says_nothing(world: World, receiver: Receiver) -> None:
    receiver.hold.clear()
    after = went_well(await world.run(told(receiver)))
    found = await until(world, after.task.id, lambda one: one.attempts > 0)
    assert found.last_status is None and found.last_error == "It did not answer within 1 s."
    receiver.hold.set()
    await delivered(world, after)
    await world.check()


async def test_nobody_listens(world: World, receiver: Receiver) -> None:
    nowhere = "http://127.0.0.1:1/hook"
    after = went_well(await world.run({**WEB, "notify": [{"url": nowhere}]}))
    found = await until(world, after.task.id, lambda one: one.state is State.FAILED)
    assert found.last_error is not None and found.last_error.startswith("It could not be reached")
    await world.check()


async def test_two_receivers_do_not_wait_for_each_other(world: World, receiver: Receiver) -> None:
    async with receivers.running() as slow:
        slow.always = 500
        body = {**WEB, "notify": [{"url": f"{slow.url}/slow"}, {"url": f"{receiver.url}/quick"}]}
        after = went_well(await world.run(body))
        await receiver.until("task.completed")
        states = [one.url for one in await notifications(world, after.task.id)]
        assert states == [f"{slow.url}/slow", f"{receiver.url}/quick"]
        assert receiver.numbers == [one.seq for one in after.events]
    await world.check()


async def test_another_worker_goes_on(world: World, receiver: Receiver) -> None:
    receiver.hold.clear()
    accepted = await world.accept(told(receiver))
    await world.end(accepted.id)
    await world.crash()
    receiver.hold.set()
    await until(world, accepted.id, lambda one: one.state is State.DELIVERED)
    assert sorted(set(receiver.numbers)) == [one.seq for one in (await world.end(accepted.id)).events]
    await world.check()


async def test_a_restart_has_them_too(world: World, receiver: Receiver) -> None:
    world.fault({"kind": "server"}, {"error": "It broke."})
    before = await world.run(told(receiver, secret=SECRET))
    assert before.state is task.State.ABORTED
    world.sandbox.faults.clear()
    after = went_well(await world.restart(before))
    await delivered(world, after)
    mine = [one for one in receiver.taken if one.event["task"] == after.task.id]
    assert [one.type for one in mine][-1] == "task.completed"
    Verifier(SECRET).verify(mine[-1].body, dict(mine[-1].headers))
    await world.check()


async def test_replay_from_an_event_on(world: World, receiver: Receiver) -> None:
    after = await world.run(told(receiver))
    await delivered(world, after)
    receiver.taken.clear()
    wanted = {"after": len(after.events) - 2}
    key = {"idempotency_key": "once"}
    first = await world.services.webhooks.replay(world.ctx, after.task.id, wanted, **key)
    again = await world.services.webhooks.replay(world.ctx, after.task.id, wanted, **key)
    assert (first.replayed, again.replayed) == (False, True)
    await delivered(world, after)
    assert receiver.numbers == [one.seq for one in after.events][-2:]
    await world.check()


async def test_replay_of_what_is_not_there(world: World, receiver: Receiver) -> None:
    after = went_well(await world.run(WEB))
    for wanted in ({}, {"url": "https://example.org/"}):
        with pytest.raises(NotFound, match="has no webhook"):
            await world.services.webhooks.replay(world.ctx, after.task.id, wanted)
    with pytest.raises(Invalid, match="not the number"):
        await world.services.webhooks.replay(world.ctx, after.task.id, {"after": -1})
    await world.check()


async def test_the_secrets_go_with_the_task(world: World, receiver: Receiver) -> None:
    after = await world.run(told(receiver, secret=SECRET))
    await delivered(world, after)
    (hook,) = await world.store.read(webhooks.list, after.task.id)
    assert await world.keys.get(hook.secrets[0]) == SECRET.encode()
    await world.store.run(_forget, after.task.id)
    assert await world.store.read(webhooks.list, after.task.id) == ()


def _forget(tx: Any, id: str) -> None:
    tasks.forget(tx, id)
    assert secrets.left(tx)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://10.1.2.3/hook", "10.1.2.3"),
        ("http://169.254.169.254/latest/meta-data", "169.254.169.254"),
        ("http://[::1]:80/", "::1"),
        ("http://[::ffff:10.0.0.1]/", "::ffff:10.0.0.1"),
        ("http://2130706434:1/", "no address to send to|127.0.0.2|127"),
    ],
)
async def test_private_addresses_are_refused_at_once(world: World, url: str, said: str) -> None:
    world.send_only_to(WebhookTargets())
    with pytest.raises(Invalid, match=said) as refused:
        await world.accept({**WEB, "notify": [{"url": url}]})
    assert [one.pointer for one in refused.value.faults] == ["/notify/0/url"]


async def test_an_address_that_turned_private_is_refused_when_sending(
    world: World, receiver: Receiver
) -> None:
    world.guard._allowed = ()
    world.send_only_to(WebhookTargets(resolve=_public))
    after = went_well(
        await world.run({**WEB, "notify": [{"url": receiver.url.replace("127.0.0.1", "localhost")}]})
    )
    found = await until(world, after.task.id, lambda one: one.state is State.STOPPED)
    assert "webhooks go to public addresses" in (found.last_error or "")
    assert receiver.seen == []
    await world.check()


async def _public(host: str, port: int) -> list[str]:
    return ["203.0.114.1"]


@pytest.mark.parametrize(
    ("notice", "pointer"),
    [
        ({"url": "ftp://example.org/"}, "/url"),
        ({"url": "https://user:word@example.org/"}, "/url"),
        ({"url": "https://"}, "/url"),
        ({"url": "https://example.org/#part"}, "/url"),
        ({"url": "https://example.org:99999/"}, "/url"),
        ({"url": "https://exa mple.org/"}, "/url"),
        ({"url": "https://example.org/", "events": ["task.done"]}, "/events/0"),
        ({"url": "https://example.org/", "secret": "hush"}, "/secret"),
        ({"url": "https://example.org/", "secret": "whsec_c2hvcnQ="}, "/secret"),
    ],
)
async def test_what_cannot_be_a_webhook(world: World, notice: dict[str, Any], pointer: str) -> None:
    with pytest.raises(Invalid) as refused:
        await world.accept({**WEB, "notify": [notice]})
    assert [one.pointer for one in refused.value.faults] == [f"/notify/0{pointer}"]


async def test_a_token_in_a_url_is_sent_and_shown_nowhere(world: World, receiver: Receiver) -> None:
    world.planted.add("planted-4f1d")
    urls = [f"{receiver.url}/hook?token=planted-4f1d{letter}&v=1" for letter in "ab"]
    after = went_well(await world.run({**WEB, "notify": [{"url": url} for url in urls]}))
    await delivered(world, after)
    assert {message.query for message in receiver.taken} == {
        "token=planted-4f1da&v=1",
        "token=planted-4f1db&v=1",
    }
    shown = [notification.url for notification in await notifications(world, after.task.id)]
    assert shown == [f"{receiver.url}/hook?token=***&v=***"] * 2
    assert "planted-4f1d" not in str(after.task.request)
    with pytest.raises(Invalid, match="Give its whole query"):
        await world.services.webhooks.change_secret(
            world.ctx, after.task.id, {"url": shown[0], "secret": SECRET}
        )
    await world.services.webhooks.change_secret(world.ctx, after.task.id, {"url": urls[1], "secret": SECRET})
    receiver.taken.clear()
    await world.services.webhooks.replay(world.ctx, after.task.id, {"url": urls[1], "after": 0})
    await receiver.until("task.completed")
    assert {message.query for message in receiver.taken} == {"token=planted-4f1db&v=1"}
    assert all("webhook-signature" in message.headers for message in receiver.taken)
    await world.check()
