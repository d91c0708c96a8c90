"""Packets: how large a statement may be on MariaDB and MySQL, which end the connection of one that is larger.

PyMySQL writes values into the statement, so what counts is the whole text with its escapes. PostgreSQL (1 GiB) and SQLite
(1 GB) have limits that no batch comes near.
"""

from typing import Any

import sqlalchemy as sa

from enamel.model.errors import StoreRefused

_KEY = "enamel_max_allowed_packet"
_UNLIMITED = 1 << 30
_SPARE = 64
"""Bytes of a packet that are not the statement's."""


def remember(record: Any, size: int) -> None:
    """Remember for a connection of the pool how many bytes its server accepts in one packet."""
    record.info[_KEY] = size


def room(connection: sa.Connection, sql: str) -> int:
    """Return how many bytes the values of a statement may have in it, escaped."""
    limit: int | None = connection.info.get(_KEY)
    return _UNLIMITED if limit is None else max(1, limit - len(sql.encode()) - _SPARE)


def escaped(value: bytes) -> int:
    """Return how many bytes a value has within a statement."""
    return len(value) + sum(value.count(special) for special in _ESCAPED)


_ESCAPED = (b'"', b"\\", b"'", b"\n", b"\r", b"\0", b"\x1a")


def check(connection: sa.Connection, sql: str, values: Any) -> None:
    """Refuse a statement that its server would answer by ending the connection.

    Raises:
        StoreRefused: It is larger than the server accepts.

    """
    limit: int | None = connection.info.get(_KEY)
    if limit is None:
        return
    given = values.values() if isinstance(values, dict) else values or ()
    texts = [value for value in given if isinstance(value, str | bytes)]
    # Four bytes for a character, and each of them escaped: most statements are far from the limit even so.
    if len(sql) * 4 + sum(map(len, texts)) * 8 + _SPARE <= limit:
        return
    size = len(sql.encode()) + sum(
        escaped(value.encode() if isinstance(value, str) else value) for value in texts
    )
    if size + _SPARE > limit:
        raise StoreRefused(
            f"A record of {size:,} bytes is larger than the database accepts: max_allowed_packet is {limit:,} bytes.",
            remedy=f"Set max_allowed_packet of the database server to at least {_next(size):,}, or ask for less at a time.",
        )


def _next(size: int) -> int:
    """Return the next size that servers can be set to: multiples of 1 MiB are easy to read."""
    return -(-size // (1 << 20)) * (1 << 20)
