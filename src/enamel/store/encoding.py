"""The encoding of a database: only UTF-8 can hold every name that a cloud or a user gives."""

import sqlalchemy as sa

from enamel.model.errors import ServiceError
from enamel.store import schema

_COLUMNS = sa.text(
    "SELECT table_name, MIN(character_set_name) FROM information_schema.columns "
    "WHERE table_schema = DATABASE() AND table_name IN :tables "
    "AND character_set_name IS NOT NULL AND character_set_name <> 'utf8mb4' "
    "GROUP BY table_name ORDER BY table_name"
).bindparams(sa.bindparam("tables", expanding=True))


def check(connection: sa.Connection, *, setting: str) -> None:
    """Make sure that a database can hold every character.

    Args:
        connection: A connection to it.
        setting: What names it, for the message.

    Raises:
        ServiceError: It cannot; the message says what to do.

    """
    if connection.dialect.name == "postgresql":
        _check_postgresql(connection, setting)
    elif connection.dialect.name in {"mysql", "mariadb"}:
        _check_mysql(connection, setting)


def _check_postgresql(connection: sa.Connection, setting: str) -> None:
    encoding = str(connection.exec_driver_sql("SHOW server_encoding").scalar_one())
    if encoding != "UTF8":
        raise ServiceError(
            f"The database of {setting} has the encoding {encoding}; Enamel needs UTF8.",
            remedy="An encoding cannot be changed: run CREATE DATABASE enamel ENCODING 'UTF8' TEMPLATE template0 "
            f"(any name will do), name that database in {setting}, and run `enamel db upgrade`.",
        )


def _check_mysql(connection: sa.Connection, setting: str) -> None:
    # The default of the database does not matter: every table is created with a character set of its own.
    tables = {
        str(name): str(used)
        for name, used in connection.execute(_COLUMNS, {"tables": list(schema.metadata.tables)})
    }
    if tables:
        shown = ", ".join(f"{name} ({used})" for name, used in tables.items())
        raise ServiceError(
            f"Tables in the database of {setting} are not in utf8mb4: {shown}.",
            remedy="Stop Enamel, back up the database, and run for each of them: "
            "ALTER TABLE name CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_bin.",
        )
