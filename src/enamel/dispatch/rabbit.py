"""A transport over RabbitMQ.

    enamel.tasks    durable topic exchange, routing key = type of the task, a durable queue per type:
                    one worker hears each hint
    enamel.events   topic exchange, a queue of its own for every process: all who are interested hear
                    `task.asked` (the end of a task was asked for) and `task.changed` (tasks have new events)

The rows in the store are the truth, and messages are hints: they are not kept on disk, not confirmed, acknowledged by
being delivered, and forgotten when they are old.
"""

import itertools
import random
from collections.abc import Sequence
from typing import Any

import kombu
import msgspec
import structlog

from enamel.dispatch.hint import Hint, Message, News, Stage
from enamel.dispatch.transport import Interest
from enamel.model import ids

log = structlog.get_logger(__name__)

TASKS = kombu.Exchange("enamel.tasks", type="topic", durable=True)
EVENTS = kombu.Exchange("enamel.events", type="topic", durable=True)
ASKED = "task.asked"
CHANGED = "task.changed"

_HEARTBEAT = 10
_CONNECT_WITHIN = 5
_LISTEN_FOR = 0.25
_AT_ONCE = 200
_OLD_AFTER = 60
"""Seconds until a message expires; by then, every worker has polled the store."""
_AT_MOST = 10_000
_CONTENT: dict[str, Any] = {
    "content_type": "application/json",
    "content_encoding": "utf-8",
    "delivery_mode": "transient",
}
_HINT = msgspec.json.Decoder(Hint)
_NEWS = msgspec.json.Decoder(News)


class Rabbit:
    """Connects to a broker, or to the next one of several that belong together."""

    def __init__(self, url: str) -> None:
        """Prepare a transport.

        Args:
            url: `amqp://user:password@host:5672/vhost`, `amqps://…`, or as OpenStack's services have it, with several
                hosts: `rabbit://user:password@host1:5672,user:password@host2:5672/vhost`.

        """
        urls = hosts(url)
        first = random.randrange(len(urls))
        self._urls = itertools.cycle(urls[first:] + urls[:first])

    def sender(self) -> "Sender":
        """Connect a sending end."""
        return Sender(_connected(next(self._urls)))

    def receiver(self) -> "Receiver":
        """Connect a receiving end."""
        return Receiver(_connected(next(self._urls)))


class Sender:
    """The end that publishes."""

    def __init__(self, connection: kombu.Connection) -> None:
        self._connection = connection
        channel = connection.channel()
        for exchange in (TASKS, EVENTS):
            exchange(channel).declare()
        self._producer = kombu.Producer(channel, auto_declare=False)

    def send(self, hints: Sequence[Hint], news: News | None) -> None:
        """Send messages to all processes that listen."""
        for hint in hints:
            asked = hint.stage is Stage.ASKED
            exchange, key = (EVENTS, ASKED) if asked else (TASKS, hint.type)
            self._producer.publish(msgspec.json.encode(hint), exchange=exchange, routing_key=key, **_CONTENT)
        if news is not None:
            self._producer.publish(
                msgspec.json.encode(news), exchange=EVENTS, routing_key=CHANGED, **_CONTENT
            )

    def rest(self) -> None:
        """Exchange heartbeats."""
        try:
            self._connection.drain_events(timeout=0.01)
        except TimeoutError:
            self._connection.heartbeat_check()

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()


class Receiver:
    """The end that consumes."""

    def __init__(self, connection: kombu.Connection) -> None:
        self._connection = connection
        self._channel = connection.channel()
        self._consumer: kombu.Consumer | None = None
        self._own = f"enamel.events.{ids.new_id()}"
        self._heard: list[Message] = []

    def attend(self, interest: Interest) -> None:
        """Hear of these things from now on, and of no others."""
        if self._consumer is not None:
            self._consumer.cancel()
        kinds = {ASKED: bool(interest.types), CHANGED: interest.news}
        queues = [_queue(type) for type in sorted(interest.types)]
        if any(kinds.values()):
            queues.append(self._events([key for key, yes in kinds.items() if yes]))
        self._consumer = kombu.Consumer(self._channel, queues, no_ack=True, on_message=self._hear)
        self._consumer.consume()

    def receive(self) -> Sequence[Message]:
        """Return what has come, after a short wait if nothing has."""
        wait = _LISTEN_FOR
        try:
            while len(self._heard) < _AT_ONCE:
                self._connection.drain_events(timeout=wait)
                wait = 0
        except TimeoutError:
            pass
        self._connection.heartbeat_check()
        heard, self._heard = self._heard, []
        return heard

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()

    def _events(self, keys: Sequence[str]) -> kombu.Queue:
        bindings = [kombu.binding(EVENTS, routing_key=key) for key in keys]
        # A queue that another connection holds cannot be declared, so the name is new with every connection.
        name = f"{self._own}.{'-'.join(keys)}"
        return kombu.Queue(
            name, bindings=bindings, durable=False, exclusive=True, auto_delete=True, max_length=_AT_MOST
        )

    def _hear(self, message: kombu.Message) -> None:
        key = message.delivery_info.get("routing_key")
        try:
            decoder = _NEWS if key == CHANGED else _HINT
            self._heard.append(decoder.decode(message.body))
        except msgspec.DecodeError as error:
            # Another version of Enamel wrote it, or another program.
            log.warning("dispatch.unreadable", routing_key=key, error=str(error))


def hosts(url: str) -> list[str]:
    """Return one URL for each of the hosts that a URL names."""
    scheme, _, rest = url.partition("://")
    scheme = "amqps" if scheme == "amqps" else "amqp"
    places, slash, vhost = rest.partition("/")
    return [f"{scheme}://{place}{slash}{vhost}" for place in places.split(",")]


def _queue(type: str) -> kombu.Queue:
    return kombu.Queue(
        f"{TASKS.name}.{type}",
        exchange=TASKS,
        routing_key=type,
        durable=True,
        message_ttl=_OLD_AFTER,
        max_length=_AT_MOST,
    )


def _connected(url: str) -> kombu.Connection:
    connection = kombu.Connection(
        url,
        heartbeat=_HEARTBEAT,
        connect_timeout=_CONNECT_WITHIN,
        transport_options={"write_timeout": _HEARTBEAT},
    )
    connection.connect()
    return connection
