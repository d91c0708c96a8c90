"""Section `api`: where the API listens and how it stops."""

from datetime import timedelta
from typing import Annotated

from msgspec import Meta, Struct

from enamel.conf.kind import Loopback


class Settings(Struct, frozen=True, kw_only=True):
    """Where the API listens and how it stops."""

    host: Loopback = "127.0.0.1"
    """Loopback address to listen on."""
    port: Annotated[int, Meta(ge=0, le=65535)] = 8780
    """Port to listen on; 0 chooses a free one. Ignored where systemd passes a socket."""
    reuse_port: bool = False
    """Whether several processes may listen on the port at the same time (SO_REUSEPORT) and share its connections."""
    graceful_shutdown_timeout: timedelta = timedelta(seconds=10)
    """How long a process that is being stopped waits for running requests to end."""
