"""Migrations: how a database gets the schema that this version needs.

A release first expands (`expand_*`: what old and new code can both live with), and only the one after it contracts
(`contract_*`), so that workers of both versions can run side by side.
"""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from msgspec import Struct

from enamel.model.errors import SchemaMismatch
from enamel.store import dialects


def upgrade(engine: sa.Engine) -> None:
    """Bring a database to the schema of this version; one that has it is left alone."""
    # With the lock that a writer takes, so that of two processes that start together one finds the work done.
    with engine.execution_options(**{dialects.WRITES: True}).begin() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "heads")


def check(engine: sa.Engine) -> None:
    """Make sure that a database has the schema of this version.

    Raises:
        SchemaMismatch: It has none, or another; the message says what to do.

    """
    with engine.connect() as connection:
        found = set(MigrationContext.configure(connection).get_current_heads())
    script = ScriptDirectory.from_config(_config())
    known = {revision.revision for revision in script.walk_revisions()}
    if found == set(script.get_heads()):
        return
    if found - known:
        raise SchemaMismatch(
            f"The database is of a newer version of Enamel than this one: it has {', '.join(sorted(found))}.",
            remedy="Install the version of Enamel that the other processes on this database run.",
        )
    state = f"at {', '.join(sorted(found))}" if found else "empty"
    raise SchemaMismatch(
        f"The database is {state}; this version needs {', '.join(script.get_heads())}.",
        remedy="Run `enamel db upgrade` once, then start again.",
    )


class Step(Struct, frozen=True, kw_only=True):
    """One migration."""

    name: str
    summary: str
    done: bool
    """Whether the database has it."""


def history(engine: sa.Engine) -> tuple[Step, ...]:
    """Return all migrations that this version knows, the oldest first."""
    script = ScriptDirectory.from_config(_config())
    with engine.connect() as connection:
        heads = MigrationContext.configure(connection).get_current_heads()
    known = {revision.revision for revision in script.walk_revisions()}
    had = {
        revision.revision
        for head in known.intersection(heads)
        for revision in script.walk_revisions(head=head, base="base")
    }
    return tuple(
        Step(name=revision.revision, summary=revision.doc, done=revision.revision in had)
        for revision in reversed(list(script.walk_revisions()))
    )


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
