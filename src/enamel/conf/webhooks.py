"""Section `webhooks`: where and how events are sent to webhooks."""

from datetime import timedelta

from msgspec import Struct

from enamel.conf.kind import Networks


class Settings(Struct, frozen=True, kw_only=True):
    """Where and how events are sent to webhooks."""

    allow: Networks = ()
    """Networks that webhooks may be sent to in addition to public ones, such as 10.20.0.0/16, fd00:20::/32. Everyone who
    may launch servers can make this service send requests there."""
    timeout: timedelta = timedelta(seconds=15)
    """How long to wait for the answer of a receiver."""
