"""Section `dispatch`: how processes wake each other."""

from msgspec import Struct

from enamel.conf.kind import SecretUrl


class Settings(Struct, frozen=True, kw_only=True):
    """How processes wake each other."""

    url: SecretUrl | None = None
    """The broker, as in amqp://user:password@host/vhost; or polling. Without it, what suits the store: NOTIFY on
    PostgreSQL, polling on MariaDB and MySQL."""
