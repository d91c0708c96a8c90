"""Section `api`: where the API listens, and how it ends."""

from datetime import timedelta
from typing import Annotated

from msgspec import Meta, Struct

from enamel.conf.kind import Loopback


class Settings(Struct, frozen=True, kw_only=True):
    """Where the API listens, and how it ends."""

    host: Loopback = "127.0.0.1"
    """The address."""
    port: Annotated[int, Meta(ge=0, le=65535)] = 8780
    """The port; 0 takes a free one. Not used where systemd hands a socket over."""
    reuse_port: bool = False
    """Whether several processes may listen on the port at once (SO_REUSEPORT), and share what comes."""
    graceful_shutdown_timeout: timedelta = timedelta(seconds=10)
    """How long requests that are under way may take to end when the process is stopped."""
