"""Dispatch between processes, over a wire that the tests cut and mend."""

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator, Sequence

import pytest

from enamel.dispatch import remote as remotes
from enamel.dispatch.hint import Hint, Message, News, Stage
from enamel.dispatch.remote import Remote
from enamel.dispatch.transport import Interest, Receiver, Sender
from enamel.model import topic

SOON = 10.0


class Cut(Exception):
    """The wire is cut."""


class Rope:
    """A wire between nobody and nobody: the tests hold its other end."""

    def __init__(self) -> None:
        self.whole = threading.Event()
        self.whole.set()
        self.sent: deque[Hint | News] = deque()
        self.coming: deque[Message] = deque()
        self.interest = Interest()
        self.ends = 0

    def sender(self) -> Sender:
        self._check()
        return Top(self)

    def receiver(self) -> Receiver:
        self._check()
        return Bottom(self)

    def _check(self) -> None:
        if not self.whole.is_set():
            raise Cut("no end of it is to be found")


class Top:
    def __init__(self, rope: Rope) -> None:
        self.rope = rope
        rope.ends += 1

    def send(self, hints: Sequence[Hint], news: News | None) -> None:
        self.rope._check()
        self.rope.sent.extend(hints)
        if news is not None:
            self.rope.sent.append(news)

    def rest(self) -> None:
        self.rope._check()

    def close(self) -> None:
        self.rope.ends -= 1


class Bottom:
    def __init__(self, rope: Rope) -> None:
        self.rope = rope
        rope.ends += 1

    def attend(self, interest: Interest) -> None:
        self.rope.interest = interest

    def receive(self) -> Sequence[Message]:
        self.rope._check()
        threading.Event().wait(0.01)
        return [self.rope.coming.popleft() for _ in range(len(self.rope.coming))]

    def close(self) -> None:
        self.rope.ends -= 1


@pytest.fixture
def rope() -> Rope:
    return Rope()


@pytest.fixture
async def remote(rope: Rope, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Remote]:
    monkeypatch.setattr(remotes, "_REST_EVERY", 0.02)
    opened = Remote(rope, types=["server.create", "task.revert"])
    yield opened
    await opened.close()
    assert rope.ends == 0


async def until(true: object) -> None:
    assert callable(true)
    async with asyncio.timeout(SOON):
        while not true():
            await asyncio.sleep(0.01)


async def test_hints_carry_what_they_tell_of(remote: Remote, rope: Rope) -> None:
    await remote.publish("server.create", task="t-1", stage=Stage.RETURNED, attempt=3)
    remote.changed("t-2")
    await until(lambda: len(rope.sent) == 2)
    assert rope.sent[0] == Hint(task="t-1", type="server.create", stage=Stage.RETURNED, attempt=3)
    assert rope.sent[1] == News(origin=remote._name, tasks=("t-2",))


async def test_this_process_does_not_wait_for_the_wire(remote: Remote, rope: Rope) -> None:
    rope.whole.clear()
    with remote.listen(topic.ALL) as bell, remote.following("t-1") as follower:
        await remote.publish("server.create", task="t-1")
        assert await bell.wait(timeout=0)
        remote.changed("t-1")
        assert await follower.wait(timeout=0)


async def test_what_comes_in_rings_those_it_is_for(remote: Remote, rope: Rope) -> None:
    with remote.listen(topic.parse(["server.*"])) as bell, remote.following("t-1") as follower:
        await until(lambda: rope.interest == Interest(types=frozenset({"server.create"}), news=True))
        await until(lambda: remote.trouble is None)
        await bell.wait(timeout=0)
        rope.coming.append(Hint(task="t-9", type="task.revert"))
        rope.coming.append(News(origin=remote._name, tasks=("t-1",)))
        await until(lambda: not rope.coming)
        assert not await bell.wait(timeout=0.05)
        assert not await follower.wait(timeout=0)
        rope.coming.append(Hint(task="t-9", type="task.revert", stage=Stage.ASKED))
        rope.coming.append(News(origin="another", tasks=("t-0", "t-1")))
        assert await bell.wait(timeout=SOON)
        assert await follower.wait(timeout=SOON)
    await until(lambda: rope.interest == Interest(news=True))


async def test_a_wire_that_was_cut_is_taken_up_again(remote: Remote, rope: Rope) -> None:
    with remote.listen(topic.ALL) as bell:
        await until(lambda: remote.trouble is None)
        await bell.wait(timeout=0)
        rope.whole.clear()
        await until(lambda: remote.trouble is not None)
        assert "Cut: no end of it" in (remote.trouble or "")
        await remote.publish("server.create", task="t-1")
        await bell.wait(timeout=0)
        rope.whole.set()
        await until(lambda: remote.trouble is None)
        await until(lambda: [hint.task for hint in rope.sent if isinstance(hint, Hint)] == ["t-1"])
        # What others said meanwhile nobody heard, so everybody looks.
        assert await bell.wait(timeout=SOON)


async def test_ending_does_not_wait_for_a_wire_that_is_cut(remote: Remote, rope: Rope) -> None:
    rope.whole.clear()
    await remote.publish("server.create", task="t-1")
    await remote.close()
    assert not any(link._thread.is_alive() for link in remote._links)
