"""Section `cache`: where processes share what they know of the clouds."""

from msgspec import Struct

from enamel.conf.kind import SecretUrl


class Settings(Struct, frozen=True, kw_only=True):
    """Where processes share what they know of the clouds, so that together they ask no more than one would."""

    url: SecretUrl | None = None
    """The cache, as in memcached://host:11211 or redis://:password@host:6379/0. Without it, each process asks for
    itself. Whoever reaches the cache can read what is in it, and change it: keep it on a network of its own."""
