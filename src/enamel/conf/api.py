"""Section `api`: where the API listens."""

from msgspec import Struct


class Settings(Struct, frozen=True, kw_only=True):
    """Where the API listens."""

    host: str = "127.0.0.1"
    """The address; without authentication, none but loopback."""
    port: int = 8780
    """The port; 0 takes a free one."""
    body_at_most: int = 1024 * 1024
    """Bytes of a request's body."""
