"""The database server: whether it answers, and whether Enamel can work on it."""

import re

import sqlalchemy as sa

from enamel.model import secret_url
from enamel.model.errors import ServiceError
from enamel.store import dialects, encoding

SETTING = "[store] url"

Version = tuple[int, ...]

_LEAST: dict[str, Version] = {"PostgreSQL": (15,), "MariaDB": (10, 6), "MySQL": (8,), "SQLite": (3, 35)}
"""The first versions with what the store uses: SKIP LOCKED, upserts, and transactions that end when they sit idle."""


def check(engine: sa.Engine) -> None:
    """Make sure that a database can be worked on.

    Raises:
        ServiceError: It cannot be reached, refuses, is too old, or cannot hold every character; the message names the
            setting.

    """
    try:
        with engine.connect() as connection:
            product, version = identify(connection)
            encoding.check(connection, setting=SETTING)
    except sa.exc.SQLAlchemyError as error:
        if dialects.trouble(error) is None and not isinstance(error, sa.exc.DBAPIError):
            raise
        raise ServiceError(
            f"The database of {SETTING}, {_shown(engine)}, cannot be used: {dialects.reason(error)}.",
            remedy=f"Check {SETTING}, and that the database exists, answers and lets this user in.",
        ) from error
    least = _LEAST[product]
    if version < least:
        raise ServiceError(
            f"The database of {SETTING} is {product} {_words(version)}; Enamel needs {_words(least)} or newer.",
            remedy=f"Upgrade {product}, or name another database in {SETTING}.",
        )


def identify(connection: sa.Connection) -> tuple[str, Version]:
    """Return which product a database is, and its version."""
    dialect = connection.dialect
    version = tuple(part for part in dialect.server_version_info or () if isinstance(part, int))
    if dialect.name == "postgresql":
        return "PostgreSQL", version
    if dialect.name == "sqlite":
        return "SQLite", version
    # A URL may say mysql for a MariaDB server, and mariadb for MySQL.
    answer = str(connection.exec_driver_sql("SELECT VERSION()").scalar_one())
    product = "MariaDB" if "MariaDB" in answer else "MySQL"
    numbers = re.search(r"(\d+)\.(\d+)\.(\d+)(?=-MariaDB|$|\D)", answer.removeprefix("5.5.5-"))
    return product, tuple(map(int, numbers.groups())) if numbers else version


def _shown(engine: sa.Engine) -> str:
    return secret_url.blank(engine.url.render_as_string(hide_password=True))


def _words(version: Version) -> str:
    return ".".join(map(str, version))
