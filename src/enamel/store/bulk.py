"""Bulk writing: many rows in one statement, as one JSON parameter if the database can unpack it.

Sending rows one by one costs more than everything else that a worker does. PostgreSQL and MariaDB get one JSON document;
SQLite, which runs in the process, gets tuples.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec
import sqlalchemy as sa

from enamel.store import packets

Row = Mapping[str, Any]
Names = tuple[str, ...]

_DOCUMENT = 1024 * 1024
"""Most bytes of one document, as far as rows are not larger themselves."""
_ENCODER = msgspec.json.Encoder()


def insert(
    connection: sa.Connection, table: sa.Table, rows: Sequence[Row], *, update: Names | None = None
) -> None:
    """Insert rows that all have the same columns.

    Args:
        connection: The connection.
        table: The table.
        rows: The rows.
        update: The columns to set in existing rows; None leaves existing rows unchanged.

    """
    names = tuple(rows[0])
    dialect = connection.dialect
    sql = _statement(dialect.name, table, names, update, _Quoted(dialect))
    raw = _raw(dialect.name, table, names, _Processors(dialect))
    if dialect.name == "sqlite":
        connection.exec_driver_sql(sql, [tuple(raw(row).values()) for row in rows])
        return
    room = min(_DOCUMENT, packets.room(connection, sql))
    for document in documents(map(raw, rows), room=room):
        connection.exec_driver_sql(sql, (document,))


def documents(rows: Iterable[dict[str, Any]], *, room: int) -> Iterator[str]:
    """Yield lists of rows as JSON, each of a size that a statement can hold.

    Args:
        rows: The rows. One that is larger than the room has a document of its own.
        room: Most bytes of a document within a statement.

    """
    part: list[bytes] = []
    size = 0
    for row in rows:
        encoded = _ENCODER.encode(row)
        needed = packets.escaped(encoded) + 1
        if part and size + needed > room:
            yield f"[{b','.join(part).decode()}]"
            part, size = [], 0
        part.append(encoded)
        size += needed
    if part:
        yield f"[{b','.join(part).decode()}]"


class _Same:
    """Something that is the same for all connections to one kind of database, so that a cache can pass over it."""

    def __init__(self, dialect: sa.Dialect) -> None:
        self._dialect = dialect

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self)

    def __hash__(self) -> int:
        return hash(type(self))


class _Quoted(_Same):
    def __call__(self, name: str) -> str:
        quoted: str = self._dialect.identifier_preparer.quote(name)
        return quoted

    def type(self, column: sa.Column[Any]) -> str:
        """Return what a column is while it is taken out of a document: with room for what is too long."""
        kind = column.type.dialect_impl(self._dialect)
        impl = getattr(kind, "impl", kind)
        if isinstance(impl, sa.Boolean):
            return "TINYINT"
        if not isinstance(impl, sa.String):
            return impl.compile(self._dialect)
        text = f"VARCHAR({impl.length + 1})" if impl.length else "LONGTEXT"
        # Without it, characters of four bytes would become question marks.
        return f"{text} CHARACTER SET utf8mb4"


class _Processors(_Same):
    def __call__(self, column: sa.Column[Any]) -> Callable[[Any], Any] | None:
        processor: Callable[[Any], Any] | None = column.type.dialect_impl(self._dialect).bind_processor(
            self._dialect
        )
        return processor


@lru_cache
def _raw(
    _dialect: str, table: sa.Table, names: Names, processor_of: _Processors
) -> Callable[[Row], dict[str, Any]]:
    """Return the function that converts a row into the driver's types."""
    processors = [
        (name, processor) for name in names if (processor := processor_of(table.c[name])) is not None
    ]

    def raw(row: Row) -> dict[str, Any]:
        plain = dict(row)
        for name, process in processors:
            plain[name] = process(plain[name])
        return plain

    return raw


@lru_cache
def _statement(dialect: str, table: sa.Table, names: Names, update: Names | None, quoted: _Quoted) -> str:
    columns = ", ".join(map(quoted, names))
    into = f"INSERT INTO {quoted(table.name)} ({columns})"
    if dialect in {"mysql", "mariadb"}:
        # INSERT IGNORE would swallow every other fault of the rows, too.
        first = f"{quoted(table.name)}.{quoted(next(iter(table.primary_key)).name)}"
        changes = [f"{quoted(name)} = VALUES({quoted(name)})" for name in update or ()]
        paths = ", ".join(
            f"{quoted(name)} {quoted.type(table.c[name])} PATH '$.{name}' ERROR ON ERROR" for name in names
        )
        document = f"JSON_TABLE(%s, '$[*]' COLUMNS ({paths})) AS fresh"
        conflict = f"ON DUPLICATE KEY UPDATE {', '.join(changes) or f'{first} = {first}'}"
        return " ".join((into, "SELECT", columns, "FROM", document, conflict))
    keys = ", ".join(quoted(column.name) for column in table.primary_key)
    changes = [f"{quoted(name)} = excluded.{quoted(name)}" for name in update or ()]
    do = f"UPDATE SET {', '.join(changes)}" if changes else "NOTHING"
    conflict = f"ON CONFLICT ({keys}) DO {do}"
    if dialect == "postgresql":
        document = f"json_populate_recordset(NULL::{quoted(table.name)}, %s::json)"
        return " ".join((into, "SELECT", columns, "FROM", document, conflict))
    return f"{into} VALUES ({', '.join('?' * len(names))}) {conflict}"
