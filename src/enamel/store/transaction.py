"""The transaction: the first argument of every function of the store."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from enamel.store import bulk

_MICROSECONDS = {
    # SQLite's own clock has milliseconds only; `dialects` lends it the machine's.
    "sqlite": "enamel_now()",
    "postgresql": "CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)",
    "mysql": "CAST(UNIX_TIMESTAMP(NOW(6)) * 1000000 AS SIGNED)",
    "mariadb": "CAST(UNIX_TIMESTAMP(NOW(6)) * 1000000 AS SIGNED)",
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Tx:
    """One transaction on the store.

    A function over a transaction touches SQL only. It may run more than once: if the acknowledgement of a commit is lost,
    the whole transaction is repeated.
    """

    def __init__(
        self,
        connection: sa.Connection,
        *,
        clock: Callable[[], datetime] | None = None,
        repeated: bool = False,
    ) -> None:
        self.repeated = repeated
        """Whether the transaction may have been committed before, and only the acknowledgement was lost."""
        self.ended_leases: set[str] = set()
        """The workers whose leases end with this transaction: what follows in it is written by none of them."""
        self._connection = connection
        self._clock = clock
        self._now: datetime | None = None
        self.dialect = connection.dialect.name

    @property
    def now(self) -> datetime:
        """Return the database's time: one moment for the whole transaction, one clock for all workers."""
        if self._now is None:
            self._now = self._clock() if self._clock else self._ask_time()
        return self._now

    def execute(
        self, statement: sa.Executable, rows: Sequence[Mapping[str, Any]] = ()
    ) -> sa.CursorResult[Any]:
        """Carry out a statement, for each of the rows where rows are given."""
        return self._connection.execute(statement, rows or None)

    def rows(self, statement: sa.Executable) -> Sequence[sa.RowMapping]:
        """Return the rows that a query finds, by the names of their columns."""
        return self._connection.execute(statement).mappings().all()

    def scalar(self, statement: sa.Executable) -> Any:
        """Return the first value of the first row, or None."""
        return self._connection.execute(statement).scalar()

    def insert_new(self, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert rows; existing ones stay as they are."""
        if rows:
            bulk.insert(self._connection, table, rows)

    def upsert(
        self, table: sa.Table, rows: Sequence[Mapping[str, Any]], *, update: Iterable[sa.Column[Any]]
    ) -> None:
        """Insert rows; in existing ones, set only the named columns."""
        if rows:
            bulk.insert(self._connection, table, rows, update=tuple(column.name for column in update))

    def savepoint(self) -> sa.NestedTransaction:
        """Open a part of the transaction that can fail alone."""
        return self._connection.begin_nested()

    def _ask_time(self) -> datetime:
        microseconds = self._connection.exec_driver_sql(f"SELECT {_MICROSECONDS[self.dialect]}").scalar_one()
        return _EPOCH + timedelta(microseconds=int(microseconds))
