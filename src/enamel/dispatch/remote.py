"""Dispatch between processes: hints are sent over a transport, and those that arrive ring the bells of this process."""

import asyncio
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing, contextmanager

from enamel import telemetry
from enamel.dispatch import base
from enamel.dispatch.hint import Hint, Message, News, Stage
from enamel.dispatch.link import Link
from enamel.dispatch.local import Local
from enamel.dispatch.outbox import Outbox, Post
from enamel.dispatch.transport import Interest, Receiver, Transport
from enamel.model import ids, topic
from enamel.model.task import Priority

_REST_EVERY = 1.0


class Remote:
    """Carries hints to and from other processes. Make it inside the loop that will use it.

    Two threads hold a connection each. Nothing that they do, or fail to do, holds up the loop: where the wire is
    down, hints wait or are dropped, and those who wait for them look into the store a little later.
    """

    def __init__(self, wire: Transport, *, types: Collection[str]) -> None:
        """Take up the work.

        Args:
            wire: What lies between the processes.
            types: All types of tasks that there are.

        """
        self._wire = wire
        self._types = frozenset(types)
        self._name = ids.new_id()
        self._loop = asyncio.get_running_loop()
        self._local = Local()
        self._outbox = Outbox()
        self._unsent: Post | None = None
        self._interest = Interest()
        """The messages that this process wants."""
        self._attended: Interest | None = None
        """The messages that it gets."""
        self._links = (Link("dispatch-sender", self._send), Link("dispatch-receiver", self._receive))

    @property
    def trouble(self) -> str | None:
        """Return why hints do not reach other processes; None if they do."""
        return next((link.trouble for link in self._links if link.trouble), None)

    async def publish(
        self,
        type: str,
        *,
        task: str,
        stage: Stage = Stage.ACCEPTED,
        attempt: int = 0,
        priority: Priority = Priority.NORMAL,
    ) -> None:
        """Wake a worker for a task of this type, here or elsewhere; the hint is sent in the background."""
        await self._local.publish(type, task=task, stage=stage)
        self._outbox.hint(Hint(task=task, type=type, stage=stage, attempt=attempt, priority=priority))

    @contextmanager
    def listen(self, topics: topic.Topics) -> Iterator[base.Bell]:
        """Return the bell of a worker that serves these topics."""
        try:
            with self._local.listen(topics) as bell:
                self._attend()
                yield bell
        finally:
            self._attend()

    def changed(self, task: str) -> None:
        """Wake the followers of a task, here and elsewhere; the news is sent in the background."""
        self._local.changed(task)
        self._outbox.changed(task)

    @contextmanager
    def following(self, task: str) -> Iterator[base.Bell]:
        """Return the bell of a follower of a task."""
        with self._local.following(task) as bell:
            self._attend()
            yield bell

    async def follow(self, task: str, *, timeout: float) -> bool:
        """Wait once for a change of a task, and return whether one came before the timeout."""
        with self.following(task) as bell:
            return await bell.wait(timeout=timeout)

    async def close(self) -> None:
        """Send what is queued and close the transport."""
        for link in self._links:
            link.closing.set()
        self._outbox.close()
        await asyncio.gather(*(asyncio.to_thread(link.close) for link in self._links))

    def _attend(self) -> None:
        """Announce which messages this process wants. After its first follower it goes on listening for news."""
        served = self._local.served()
        types = frozenset(type for type in self._types if any(topics.serve(type) for topics in served))
        self._interest = Interest(types=types, news=self._interest.news or self._local.followed)

    def _send(self, link: Link) -> None:
        """Send what is in the outbox, over one connection."""
        with closing(self._wire.sender()) as sender:
            link.up()
            while True:
                # A message whose connection broke is sent again: arriving twice does no harm.
                post = self._unsent = self._unsent or self._outbox.take(within=_REST_EVERY)
                if post is not None:
                    news = News(origin=self._name, tasks=post.changed) if post.changed else None
                    sender.send(post.hints, news)
                    telemetry.HINTS.labels(outcome="sent").inc(len(post.hints) + len(post.changed))
                    self._unsent = None
                elif link.closing.is_set():
                    return
                else:
                    sender.rest()

    def _receive(self, link: Link) -> None:
        """Hear what others send, over one connection."""
        with closing(self._wire.receiver()) as receiver:
            self._attended = None
            self._attend_to(receiver)
            link.up()
            # Messages that were sent before there was a connection have not arrived.
            self._in_loop(self._wake_all)
            while not link.closing.is_set():
                self._attend_to(receiver)
                heard = receiver.receive()
                if heard:
                    telemetry.HINTS.labels(outcome="heard").inc(len(heard))
                    self._in_loop(self._hear, heard)

    def _attend_to(self, receiver: Receiver) -> None:
        interest = self._interest
        if interest != self._attended:
            receiver.attend(interest)
            self._attended = interest

    def _in_loop(self, call: Callable[..., None], *words: object) -> None:
        try:
            self._loop.call_soon_threadsafe(call, *words)
        except RuntimeError:  # the loop is closed: there is no listener any more
            pass

    def _wake_all(self) -> None:
        self._local.wake(everyone=True)

    def _hear(self, messages: Sequence[Message]) -> None:
        for message in messages:
            if isinstance(message, Hint):
                self._local.wake(message.type, everyone=message.stage is Stage.ASKED)
            elif message.origin != self._name:
                for task in message.tasks:
                    self._local.changed(task)
