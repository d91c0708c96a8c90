"""Section `webhooks`: where and how tasks tell others of what happens."""

from datetime import timedelta

from msgspec import Struct

from enamel.conf.kind import Networks


class Settings(Struct, frozen=True, kw_only=True):
    """Where and how tasks tell others of what happens."""

    allow: Networks = ()
    """Networks beside the public ones that webhooks may be sent to, as in 10.20.0.0/16, fd00:20::/32. Whoever may launch
    servers can make this service send requests there."""
    timeout: timedelta = timedelta(seconds=15)
    """How long a receiver may take to answer."""
