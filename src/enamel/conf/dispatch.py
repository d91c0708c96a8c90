"""Section `dispatch`: how processes wake each other."""

from msgspec import Struct

from enamel.conf.kind import SecretUrl


class Settings(Struct, frozen=True, kw_only=True):
    """How processes wake each other."""

    url: SecretUrl | None = None
    """URL of the message broker, such as amqp://user:password@host/vhost, or the word `polling`. If not set, the store
    decides: NOTIFY on PostgreSQL, polling on MariaDB and MySQL."""
