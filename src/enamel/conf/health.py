"""Section `health`: where a worker tells how it is."""

from typing import Annotated

from msgspec import Meta, Struct


class Settings(Struct, frozen=True, kw_only=True):
    """Where a worker tells how it is. The API does so where it listens anyway."""

    host: str = "127.0.0.1"
    """The address on which a worker answers GET /healthcheck and GET /metrics; anyone who reaches it may ask."""
    port: Annotated[int, Meta(ge=0, le=65535)] | None = None
    """The port; 0 takes a free one, and without one, the worker does not listen."""
