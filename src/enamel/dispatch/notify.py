"""A transport over PostgreSQL: LISTEN and NOTIFY, on connections of their own.

Hints are sent after the commit of what they tell of, not within it. Transactions that notify are committed one after
the other in the whole database, which would undo what the store gains by writing many things at once; and a hint that
gets lost in between costs no more than any other.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import LiteralString

import msgspec
import psycopg
import structlog

from enamel.dispatch.hint import Hint, Message, News
from enamel.dispatch.transport import Interest

log = structlog.get_logger(__name__)

_TASKS = "enamel_tasks"
_EVENTS = "enamel_events"
_LISTEN_FOR = 0.25
_PAYLOAD = 7900
"""Bytes; a notification holds less than 8000."""
_LISTEN: dict[tuple[str, bool], LiteralString] = {
    (_TASKS, True): "LISTEN enamel_tasks",
    (_TASKS, False): "UNLISTEN enamel_tasks",
    (_EVENTS, True): "LISTEN enamel_events",
    (_EVENTS, False): "UNLISTEN enamel_events",
}
_HINTS = msgspec.json.Decoder(tuple[Hint, ...])
_NEWS = msgspec.json.Decoder(News)


class Notify:
    """Connects to a database's notifications."""

    def __init__(self, url: str) -> None:
        """Prepare a transport.

        Args:
            url: The database. A pooler that shares connections between clients cannot be in between.

        """
        scheme, _, rest = url.partition("://")
        self._url = f"{scheme.partition('+')[0]}://{rest}"

    def sender(self) -> "Sender":
        """Connect a sending end."""
        return Sender(self._connect())

    def receiver(self) -> "Receiver":
        """Connect a receiving end."""
        return Receiver(self._connect())

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(
            self._url,
            autocommit=True,
            prepare_threshold=None,
            application_name="enamel dispatch",
            connect_timeout=5,
            keepalives=1,
            keepalives_idle=5,
            keepalives_interval=2,
            keepalives_count=3,
            tcp_user_timeout=10_000,
        )


class Sender:
    """The end that notifies."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection

    def send(self, hints: Sequence[Hint], news: News | None) -> None:
        """Send messages to all processes that listen, in one transaction."""
        payloads = [(_TASKS, payload) for payload in _hints(hints)]
        if news is not None:
            payloads += [(_EVENTS, payload) for payload in _news(news)]
        channels, texts = [channel for channel, _ in payloads], [text for _, text in payloads]
        self._connection.execute(
            "SELECT pg_notify(channel, payload) FROM unnest(%s::text[], %s::text[]) AS sent (channel, payload)",
            (channels, texts),
        )

    def rest(self) -> None:
        """Find out whether the connection still stands."""
        self._connection.execute("SELECT 1")

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()


class Receiver:
    """The end that listens."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection

    def attend(self, interest: Interest) -> None:
        """Hear of these things from now on, and of no others."""
        self._connection.execute(_LISTEN[_TASKS, bool(interest.types)])
        self._connection.execute(_LISTEN[_EVENTS, interest.news])

    def receive(self) -> Sequence[Message]:
        """Return what has come, after a short wait if nothing has."""
        heard = self._connection.notifies(timeout=_LISTEN_FOR, stop_after=1)
        return [message for notification in heard for message in _read(notification)]

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()


def _hints(hints: Sequence[Hint]) -> Iterator[str]:
    """Yield hints as lists that each fit into a notification."""
    for part in _parts(msgspec.json.encode(hint).decode() for hint in hints):
        yield f"[{','.join(part)}]"


def _news(news: News) -> Iterator[str]:
    """Yield news as parts that each fit into a notification."""
    for part in _parts(news.tasks):
        yield msgspec.json.encode(msgspec.structs.replace(news, tasks=tuple(part))).decode()


def _parts(texts: Iterable[str]) -> Iterator[list[str]]:
    """Yield texts in lists, of which each fits into a notification with all the commas and quotes."""
    part: list[str] = []
    room = _PAYLOAD
    for text in texts:
        # The name of the sending process and the braces need about a hundred bytes.
        if part and room - len(text.encode()) - 3 < 100:
            yield part
            part, room = [], _PAYLOAD
        part.append(text)
        room -= len(text.encode()) + 3
    if part:
        yield part


def _read(notification: psycopg.Notify) -> Sequence[Message]:
    """Return the messages of a notification; one that another version of Enamel wrote may mean nothing here."""
    try:
        return (
            _HINTS.decode(notification.payload)
            if notification.channel == _TASKS
            else [_NEWS.decode(notification.payload)]
        )
    except msgspec.DecodeError as error:
        log.warning("dispatch.unreadable", channel=notification.channel, error=str(error))
        return ()
