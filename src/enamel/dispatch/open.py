"""The kinds of dispatch, and which of them a process uses.

setting              way
amqp://… rabbit://…  RabbitMQ
postgresql://…       LISTEN and NOTIFY on that database
polling              nothing between the processes: everybody looks often
none                 what suits the store: NOTIFY on PostgreSQL; within the process on SQLite, where there is only
                     one; polling elsewhere
"""

import importlib
from collections.abc import AsyncIterator, Collection, Iterable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from enamel.dispatch import base, local, polling
from enamel.dispatch.remote import Remote
from enamel.dispatch.transport import Transport
from enamel.model import redaction, secret_url
from enamel.model.errors import ServiceError

SETTING = "[dispatch] url"
_BROKERS = ("amqp", "amqps", "rabbit")
_POSTGRESQL = ("postgresql", "postgres")


@asynccontextmanager
async def open(url: str | None, *, store: str, types: Collection[str]) -> AsyncIterator[base.Dispatch]:
    """Take part in dispatch until the `with` block ends.

    Args:
        url: What the setting says; None for what suits the store.
        store: The URL of the store.
        types: All types of tasks that there are.

    Raises:
        ServiceError: The setting names no way, or a package is missing.

    """
    url = url or _suits(store)
    redaction.keep(redaction.Redactor(secret_url.secrets(url)))
    way = url.partition(":")[0].partition("+")[0]
    if url in {"local", "polling"}:
        yield local.Local() if url == "local" else polling.Polling()
        return
    wire: Transport
    if way in _BROKERS and "@" in url:
        wire = _rabbit(url)
    elif way in _POSTGRESQL:
        wire = _notify(url)
    else:
        raise ServiceError(
            f"{SETTING} is '{way}…', which is not a kind of dispatch.",
            remedy="Write amqp://user:password@host/vhost, postgresql://…, or polling; or leave it out.",
        )
    remote = Remote(wire, types=types)
    try:
        yield remote
    finally:
        await remote.close()


def _suits(store: str) -> str:
    """Return the kind of dispatch that needs only the store."""
    if store.startswith("sqlite"):
        return "local"
    return store if store.startswith(_POSTGRESQL) else "polling"


def _rabbit(url: str) -> Transport:
    _need("kombu", extra="rabbitmq")
    from enamel.dispatch.rabbit import Rabbit, hosts

    _check(hosts(url))
    return Rabbit(url)


def _notify(url: str) -> Transport:
    _need("psycopg", extra="postgres")
    from enamel.dispatch.notify import Notify

    _check([url])
    return Notify(url)


def _check(urls: Iterable[str]) -> None:
    """Refuse URLs to which no patience can connect."""
    try:
        for url in urls:
            _ = urlsplit(url).port
    # What the error says may be a part of the password.
    except ValueError:
        raise ServiceError(
            f"{SETTING} is not a URL: host and port are not valid.",
            remedy="Write amqp://user:password@host:5672/vhost or postgresql://user:password@host:5432/name. In a name or "
            "password, write %40 for @, %2F for /, %3A for :, %23 for # and %25 for %.",
        ) from None


def _need(package: str, *, extra: str) -> None:
    try:
        importlib.import_module(package)
    except ModuleNotFoundError as error:
        raise ServiceError(
            f"{SETTING} needs the package {package}, which is not installed.",
            remedy=f"Install Enamel with it: pip install 'enamel[{extra}]'.",
        ) from error
