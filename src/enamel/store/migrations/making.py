"""Tables, columns and indexes of migrations, created once however often a migration is started.

MariaDB and MySQL commit every statement that changes the schema: an upgrade that is killed, or gives way to a worker, finds
part of its work done when it is started again.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from enamel.model.errors import ServiceError
from enamel.store import database


def table(name: str, *parts: sa.Column[Any] | sa.Constraint, **options: Any) -> None:
    """Create a table, unless an interrupted upgrade has.

    Raises:
        ServiceError: Another service's table has that name.

    """
    database_now = sa.inspect(op.get_bind())
    if not database_now.has_table(name):
        op.create_table(name, *parts, **options)
        return
    columns = {part.name for part in parts if isinstance(part, sa.Column)}
    if not columns <= {column["name"] for column in database_now.get_columns(name)}:
        raise ServiceError(
            f"The database of {database.SETTING} has a table '{name}' that is not Enamel's.",
            remedy=f"Name a database in {database.SETTING} that is Enamel's alone.",
        )


def index(name: str, table: str, columns: list[str]) -> None:
    """Create an index, unless an interrupted upgrade has."""
    indexes = sa.inspect(op.get_bind()).get_indexes(table)
    if name not in {index["name"] for index in indexes}:
        op.create_index(name, table, columns)


def column(table: str, column: sa.Column[Any]) -> None:
    """Add a column, unless an interrupted upgrade has."""
    columns = sa.inspect(op.get_bind()).get_columns(table)
    if column.name not in {known["name"] for known in columns}:
        op.add_column(table, column)
