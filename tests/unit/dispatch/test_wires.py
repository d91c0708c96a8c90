"""Wires: two processes, played by two dispatches, hear each other over real servers."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from enamel.dispatch.hint import Stage
from enamel.dispatch.remote import Remote
from enamel.dispatch.transport import Transport
from enamel.model import topic
from enamel.model.task import Priority

Connect = Callable[[], Awaitable[Remote]]
# Queues outlive a test: the types of each are its own.
FAMILY = f"test{uuid.uuid4().hex[:8]}"
CREATE, RESIZE, REVERT = f"{FAMILY}.create", f"{FAMILY}.resize", f"{FAMILY}.revert"
SOON, NEVER = 10.0, 0.4


@pytest.fixture
async def connect(wire: Callable[[], Transport]) -> AsyncIterator[Connect]:
    opened: list[Remote] = []

    async def one() -> Remote:
        opened.append(Remote(wire(), types=[CREATE, RESIZE, REVERT]))
        return opened[-1]

    yield one
    await asyncio.gather(*(remote.close() for remote in opened))


async def settled(remote: Remote) -> None:
    """Wait until a process is connected and hears of what it wants to hear of."""
    async with asyncio.timeout(SOON):
        while remote.trouble or remote._attended != remote._interest:
            await asyncio.sleep(0.02)


async def test_a_worker_elsewhere_hears_of_its_topics(connect: Connect) -> None:
    api, worker = await connect(), await connect()
    with worker.listen(topic.parse([f"{FAMILY}.*", f"!{REVERT}"])) as bell:
        await asyncio.gather(settled(api), settled(worker))
        await bell.wait(timeout=0)
        await api.publish(CREATE, task="t-1", attempt=2, priority=Priority.HIGH)
        assert await bell.wait(timeout=SOON)
        await api.publish(REVERT, task="t-2")
        assert not await bell.wait(timeout=NEVER)


async def test_every_worker_hears_that_the_end_of_a_task_was_asked_for(connect: Connect) -> None:
    api, one, two = await connect(), await connect(), await connect()
    with one.listen(topic.parse([CREATE])) as first, two.listen(topic.parse([RESIZE])) as second:
        await asyncio.gather(settled(api), settled(one), settled(two))
        await first.wait(timeout=0), await second.wait(timeout=0)
        await api.publish(CREATE, task="t-1", stage=Stage.ASKED)
        assert await first.wait(timeout=SOON)
        assert await second.wait(timeout=SOON)


async def test_a_follower_elsewhere_hears_of_news(connect: Connect) -> None:
    worker, api = await connect(), await connect()
    with api.following("t-7") as bell, api.following("t-8") as other:
        await asyncio.gather(settled(api), settled(worker))
        for number in range(2000):
            worker.changed(f"other-task-with-a-long-name-{number}")
        worker.changed("t-7")
        assert await bell.wait(timeout=SOON)
        assert not await other.wait(timeout=NEVER)


async def test_hints_of_a_worker_that_stopped_go_to_others(connect: Connect) -> None:
    api, one, two = await connect(), await connect(), await connect()
    with one.listen(topic.ALL):
        await settled(one)
    with two.listen(topic.ALL) as bell:
        await asyncio.gather(settled(api), settled(one), settled(two))
        await bell.wait(timeout=0)
        for _ in range(3):
            await api.publish(RESIZE, task="t-1")
            assert await bell.wait(timeout=SOON)


async def test_what_waits_is_sent_before_the_end(connect: Connect, wire: Callable[[], Transport]) -> None:
    worker = await connect()
    with worker.listen(topic.ALL) as bell:
        await settled(worker)
        await bell.wait(timeout=0)
        leaving = Remote(wire(), types=[CREATE])
        await settled(leaving)
        await leaving.publish(CREATE, task="t-1")
        await leaving.close()
        assert await bell.wait(timeout=SOON)
