"""Migrations: how a database gets the schema that this version needs.

A release first expands (`expand_*`: what old and new code can both live with), and only the one after it contracts
(`contract_*`), so that workers of both versions can run side by side.
"""

import itertools
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from msgspec import Struct

from enamel.model.errors import SchemaMismatch
from enamel.store import database, dialects

_TRIES = 20


def upgrade(engine: sa.Engine, *, to: str = "heads") -> None:
    """Upgrade a database to the schema of this version. Workers may go on meanwhile.

    Args:
        engine: The database.
        to: The revision to stop at.

    Raises:
        ServiceError: The database cannot be used; the message names the setting.
        SchemaMismatch: It is of a newer version.

    """
    database.check(engine)
    revisions = _found(engine)
    if unknown := revisions - {revision.revision for revision in _script().walk_revisions()}:
        raise _newer(unknown)
    for attempt in itertools.count(1):
        try:
            _upgrade(engine, to)
        except sa.exc.DBAPIError as error:
            # It conflicted with a worker. What was done is kept or rolled back, and the next attempt continues from there.
            if dialects.trouble(error) is not dialects.Trouble.CONFLICT or attempt == _TRIES:
                raise
        else:
            return


def _upgrade(engine: sa.Engine, to: str) -> None:
    # Under the lock of a writer, so that of two processes that start together the second finds the work done.
    with engine.execution_options(**{dialects.WRITES: True}).connect() as connection:
        try:
            with connection.begin():
                dialects.alone(connection)
                config = _config()
                config.attributes["connection"] = connection
                command.upgrade(config, to)
        finally:
            # Its settings are not for others.
            connection.invalidate()


def check(engine: sa.Engine) -> None:
    """Check that a database has the schema of this version.

    Raises:
        ServiceError: The database cannot be used; the message names the setting.
        SchemaMismatch: It has none, or another; the message says what to do.

    """
    database.check(engine)
    revisions = _found(engine)
    script = _script()
    if revisions == set(script.get_heads()):
        return
    if unknown := revisions - {revision.revision for revision in script.walk_revisions()}:
        raise _newer(unknown)
    state = f"at {', '.join(sorted(revisions))}" if revisions else "empty"
    raise SchemaMismatch(
        f"The database is {state}; this version needs {', '.join(script.get_heads())}.",
        remedy="Run `enamel db upgrade` once, then start again.",
    )


class Step(Struct, frozen=True, kw_only=True):
    """One migration."""

    name: str
    summary: str
    done: bool
    """Whether it was applied to the database."""


def history(engine: sa.Engine) -> tuple[Step, ...]:
    """Return all migrations that this version knows, the oldest first.

    Raises:
        ServiceError: The database cannot be used; the message names the setting.

    """
    database.check(engine)
    revisions = _found(engine)
    script = _script()
    known = list(script.walk_revisions())
    had = {
        revision.revision
        for head in revisions.intersection(revision.revision for revision in known)
        for revision in script.walk_revisions(head=head, base="base")
    }
    return tuple(
        Step(name=revision.revision, summary=revision.doc, done=revision.revision in had)
        for revision in reversed(known)
    )


def _found(engine: sa.Engine) -> set[str]:
    """Return the revisions that a database is at."""
    with engine.connect() as connection:
        return set(MigrationContext.configure(connection).get_current_heads())


def _newer(unknown: set[str]) -> SchemaMismatch:
    return SchemaMismatch(
        f"The database is of a newer version of Enamel than this one: it has {', '.join(sorted(unknown))}.",
        remedy="Install the version of Enamel that the other processes on this database run.",
    )


def _script() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
