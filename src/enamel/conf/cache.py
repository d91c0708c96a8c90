"""Section `cache`: where processes share what they know about the clouds."""

from msgspec import Struct

from enamel.conf.kind import SecretUrl


class Settings(Struct, frozen=True, kw_only=True):
    """Where processes share what they know about the clouds, so that together they send no more calls than one would."""

    url: SecretUrl | None = None
    """URL of the cache: memcached://host:11211 or redis://:password@host:6379/0. If not set, each process calls the
    clouds for itself. Anyone who reaches the cache can read and change its contents: put it on a network of its own."""
