"""The backends of the shared store, by the setting.

setting                  backend
memcached://host:port    memcached
redis://host:port/0      Redis, or Valkey; rediss:// over TLS
none                     processes share nothing
"""

import importlib
from urllib.parse import SplitResult, urlsplit

from enamel.clouds.shared.memcached import PORT, Memcached
from enamel.clouds.shared.store import PATIENCE, Backend, SharedStore
from enamel.model import redaction, secret_url
from enamel.model.errors import ServiceError

SETTING = "[cache] url"
_REMEDY = "Write memcached://host:port or redis://host:port/0; or leave it out."


def open(url: str | None, *, patience: float = PATIENCE) -> SharedStore:
    """Return the shared store that a setting names; no connection is opened yet.

    Args:
        url: The setting; without one, processes share nothing.
        patience: Seconds after which a question without an answer counts as failed.

    Raises:
        ServiceError: The setting is wrong, or a package is missing.

    """
    if url is None:
        return SharedStore()
    redaction.keep(redaction.Redactor(secret_url.secrets(url)))
    return SharedStore(_backend(url), patience=patience)


def _backend(url: str) -> Backend:
    address = _read(url)
    match address.scheme:
        case "memcached":
            if address.username or address.password or address.path.strip("/"):
                raise ServiceError(f"{SETTING}: memcached accepts only a host and a port.", remedy=_REMEDY)
            return Memcached(address.hostname or "", port=address.port or PORT)
        case "redis" | "rediss":
            if address.path.strip("/") and not address.path.strip("/").isdigit():
                raise ServiceError(f"{SETTING}: what follows the port is a number.", remedy=_REMEDY)
            return _redis(url)
        case way:
            raise ServiceError(f"{SETTING} is '{way}…', which is not a kind of cache.", remedy=_REMEDY)


def _read(url: str) -> SplitResult:
    """Return a URL in its parts."""
    try:
        parts = urlsplit(url)
        complete = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        complete = False
    if not complete:
        raise ServiceError(f"{SETTING} names no host and port.", remedy=_REMEDY)
    return parts


def _redis(url: str) -> Backend:
    try:
        importlib.import_module("redis")
    except ModuleNotFoundError as error:
        raise ServiceError(
            f"{SETTING} needs the package redis, which is not installed.",
            remedy="Install Enamel with it: pip install 'enamel[cache]'.",
        ) from error
    from enamel.clouds.shared.redis import Redis

    return Redis(url)
