"""The ways of dispatching, and which of them a process takes.

setting              way
amqp://… rabbit://…  RabbitMQ
postgresql://…       LISTEN and NOTIFY on that database
polling              nothing between the processes: everybody looks often
none                 what suits the store: NOTIFY on PostgreSQL; within the process on SQLite, where there is only
                     one; polling elsewhere
"""

import importlib.util
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

from enamel.dispatch import base, local, polling
from enamel.dispatch.remote import Remote
from enamel.dispatch.wire import Wire
from enamel.model.errors import ServiceError

SETTING = "[dispatch] url"
_BROKERS = frozenset({"amqp", "amqps", "rabbit"})


@asynccontextmanager
async def open(url: str | None, *, store: str, types: Collection[str]) -> AsyncIterator[base.Dispatch]:
    """Let a process take part in dispatching for as long as the `with` block lasts.

    Args:
        url: What the setting says; None for what suits the store.
        store: The URL of the store.
        types: All types of tasks that there are.

    Raises:
        ServiceError: The setting names no way, or a package is missing.

    """
    way = _scheme(url or store)
    wire: Wire
    if way == "polling" or (url is None and way in {"mysql", "mariadb"}):
        yield polling.Polling()
        return
    if url is None and way == "sqlite":
        yield local.Local()
        return
    if way in _BROKERS:
        wire = _rabbit(url or store)
    elif way in {"postgresql", "postgres"}:
        wire = _notify(url or store)
    else:
        raise ServiceError(
            f"{SETTING} begins with '{way}', which is no way of dispatching.",
            remedy="Write amqp://user:password@host/vhost, postgresql://…, or polling; or leave it out.",
        )
    remote = Remote(wire, types=types)
    try:
        yield remote
    finally:
        await remote.close()


def _scheme(url: str) -> str:
    return url.partition(":")[0].partition("+")[0].strip().lower()


def _rabbit(url: str) -> Wire:
    _need("kombu", extra="rabbitmq")
    from enamel.dispatch.rabbit import Rabbit

    return Rabbit(url)


def _notify(url: str) -> Wire:
    _need("psycopg", extra="postgres")
    from enamel.dispatch.notify import Notify

    return Notify(url)


def _need(package: str, *, extra: str) -> None:
    if importlib.util.find_spec(package) is None:
        raise ServiceError(
            f"{SETTING} needs the package {package}, which is not installed.",
            remedy=f"Install Enamel with it: pip install 'enamel[{extra}]'.",
        )
