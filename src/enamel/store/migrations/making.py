"""What a migration makes, however often it is begun.

MariaDB and MySQL keep what was made when an upgrade is killed or gives way to a worker, and then make it a second time:
what is there already, just as it is to be, is left as it is.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from enamel.model.errors import ServiceError
from enamel.store import database


def table(name: str, *parts: sa.Column[Any] | sa.Constraint, **options: Any) -> None:
    """Make a table, unless an upgrade that broke off has.

    Raises:
        ServiceError: There is one with other columns.

    """
    found = sa.inspect(op.get_bind())
    if not found.has_table(name):
        op.create_table(name, *parts, **options)
        return
    wanted = {part.name for part in parts if isinstance(part, sa.Column)}
    if {column["name"] for column in found.get_columns(name)} != wanted:
        raise ServiceError(
            f"The database of {database.SETTING} has a table '{name}' that is not Enamel's.",
            remedy=f"Name a database in {database.SETTING} that is Enamel's alone.",
        )


def index(name: str, table: str, columns: list[str]) -> None:
    """Make an index, unless an upgrade that broke off has."""
    found = sa.inspect(op.get_bind()).get_indexes(table)
    if name not in {one["name"] for one in found}:
        op.create_index(name, table, columns)
