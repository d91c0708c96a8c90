"""Section `health`: where a worker answers health checks."""

from typing import Annotated

from msgspec import Meta, Struct


class Settings(Struct, frozen=True, kw_only=True):
    """Where a worker answers health checks. The API answers them on its own port."""

    host: str = "127.0.0.1"
    """Address on which a worker answers GET /healthcheck and GET /metrics, to anyone who reaches it."""
    port: Annotated[int, Meta(ge=0, le=65535)] | None = None
    """Port of the worker's health checks; 0 chooses a free one. If not set, the worker does not listen."""
