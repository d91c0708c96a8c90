"""Identifiers: tasks are UUIDv7, so they sort by creation."""

import os
import re
import time
import uuid
from datetime import datetime

UUID = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}", re.IGNORECASE)
"""What an OpenStack identifier looks like: with dashes or, in Keystone, without."""

REQUEST = re.compile(r"req-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
"""A request id as oslo.middleware accepts it from a caller."""


def new_id() -> str:
    """Return a new UUIDv7 (RFC 9562, section 5.7)."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds << 80) | int.from_bytes(os.urandom(10), "big")
    value = (value & ~(0xF << 76)) | (0x7 << 76)
    value = (value & ~(0x3 << 62)) | (0x2 << 62)
    return str(uuid.UUID(int=value))


def earliest(time: datetime) -> str:
    """Return the least id that `new_id` can have given at a time."""
    milliseconds = max(0, int(time.timestamp() * 1000))
    return str(uuid.UUID(int=(milliseconds << 80) | (0x7 << 76) | (0x2 << 62)))


def new_request_id() -> str:
    """Return a new request id, `req-<uuid4>`."""
    return f"req-{uuid.uuid4()}"


def short(id: str) -> str:
    """Return the end of an id, which is random: it goes into the names of what is made for a task."""
    return id.replace("-", "")[-8:]


def is_id(text: str) -> bool:
    """Tell whether a text can be an OpenStack identifier."""
    return UUID.fullmatch(text) is not None


def canonical(text: str) -> str:
    """Return an id as it is compared: a UUID in lower case, any other form as it is."""
    return text.lower() if is_id(text) else text
