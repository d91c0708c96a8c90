"""The column types of the store: what Python holds on one side, what all databases hold alike on the other."""

import base64
import enum
import zlib
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, TypeVar

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from enamel.model import task, text

T = TypeVar("T")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def microseconds(time: datetime) -> int:
    """Return the microseconds since 1970 of an aware time."""
    return (time - _EPOCH) // _MICROSECOND


class String(sa.TypeDecorator[str]):
    """A text of limited length. What a database cannot hold of it is replaced: see `enamel.model.text`."""

    impl = sa.String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:
        """Return a text that can be stored."""
        return None if value is None else text.clean(value)


class Text(String):
    """A text of any length."""

    impl = sa.Text
    cache_ok = True


class Moment(sa.TypeDecorator[datetime]):
    """An aware time in UTC, stored as whole microseconds since 1970.

    A number sorts and compares alike everywhere. The databases' own types do not: SQLite has none, MySQL's forgets
    the zone.
    """

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> int | None:
        """Return the microseconds of an aware time."""
        return None if value is None else microseconds(value)

    def process_result_value(self, value: int | None, dialect: sa.Dialect) -> datetime | None:
        """Return the time that a number of microseconds stands for."""
        return None if value is None else _EPOCH + timedelta(microseconds=int(value))


class Word(sa.TypeDecorator[enum.Enum]):
    """A member of an enum, stored as its value; in lower case where a release before 0.2 has stored it so."""

    impl = sa.String(16)
    cache_ok = True

    def __init__(self, words: type[enum.Enum], *, lower: bool = False) -> None:
        super().__init__()
        self.words = words
        self.lower = lower
        self._by_text = {self._text(word): word for word in words}

    def process_bind_param(self, value: enum.Enum | None, dialect: sa.Dialect) -> str | None:
        """Return the value of a member."""
        return None if value is None else self._text(value)

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> enum.Enum | None:
        """Return the member that has a value."""
        return None if value is None else self._by_text[value]

    def _text(self, word: enum.Enum) -> str:
        return str(word.value).lower() if self.lower else str(word.value)


class Rank(sa.TypeDecorator[task.Priority]):
    """A priority, stored as its rank, so that the database can sort by it."""

    impl = sa.SmallInteger
    cache_ok = True

    _by_rank: ClassVar = {rank: priority for priority, rank in task.RANK.items()}

    def process_bind_param(self, value: task.Priority | None, dialect: sa.Dialect) -> int | None:
        """Return the rank of a priority."""
        return None if value is None else task.RANK[value]

    def process_result_value(self, value: int | None, dialect: sa.Dialect) -> task.Priority | None:
        """Return the priority that has a rank."""
        return None if value is None else self._by_rank[value]


class Json(sa.TypeDecorator[Any]):
    """A value of one of our types, stored as JSON text; compressed where a statement could else not hold it."""

    # MySQL's plain TEXT ends at 64 KiB.
    impl = sa.Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")
    cache_ok = True

    def __init__(self, of: Any) -> None:
        super().__init__()
        self.of = of
        self._decoder = msgspec.json.Decoder(of)

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> str | None:
        """Return the JSON text of a value; what a database cannot hold of it is replaced."""
        if value is None:
            return None
        try:
            encoded = _ENCODER.encode(value)
        except UnicodeEncodeError:  # half a character
            encoded = _ENCODER.encode(text.clean_data(msgspec.to_builtins(value)))
        return _compact(text.clean_json(encoded)).decode()

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> Any:
        """Return the value that a JSON text stands for."""
        if value is None:
            return None
        return self._decoder.decode(_expanded(value) if value.startswith(_COMPRESSED) else value)


_COMPRESSED = "z"
"""What no JSON begins with."""
_LARGEST = 900_000
"""Most bytes of a value within a statement: the smallest packets that servers are usually set to hold 1 MiB."""


def _compact(encoded: bytes) -> bytes:
    """Return JSON text as it is stored."""
    # Within the JSON of a row, within a statement, four characters stand for a quote.
    if len(encoded) + 3 * (encoded.count(b'"') + encoded.count(b"\\")) <= _LARGEST:
        return encoded
    return _COMPRESSED.encode() + base64.b64encode(zlib.compress(encoded, level=1))


def _expanded(stored: str) -> bytes:
    return zlib.decompress(base64.b64decode(stored.removeprefix(_COMPRESSED)))


def aside(column: sa.ColumnElement[T]) -> sa.ColumnElement[T]:
    """Return a column for a condition that rows must meet which another condition finds.

    SQLite keeps no statistics and MariaDB guesses: both may search all tasks of a state for the few whose ids are named.
    An expression has no index.
    """
    return sa.type_coerce(sa.func.coalesce(column, sa.null()), column.type)


_ENCODER = msgspec.json.Encoder()
