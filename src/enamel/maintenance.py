"""Maintenance: what operators do to the database beside the processes that work on it."""

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from datetime import timedelta

import sqlalchemy as sa

from enamel.conf.settings import Settings
from enamel.store import dialects, migrations, retention
from enamel.store.engine import Store


def upgrade(settings: Settings) -> None:
    """Bring the database to the schema of this version."""
    with _engine(settings) as engine:
        migrations.upgrade(engine)


def check(settings: Settings) -> None:
    """Check that the database has the schema of this version. Raises SchemaMismatch."""
    with _engine(settings) as engine:
        migrations.check(engine)


def history(settings: Settings) -> Sequence[str]:
    """Return a line for each migration, the oldest first, which says whether it was applied to the database."""
    with _engine(settings) as engine:
        return [
            f"{'done   ' if step.done else 'missing'}  {step.name}  {step.summary}"
            for step in migrations.history(engine)
        ]


async def purge(settings: Settings, *, older_than: timedelta, dry_run: bool) -> int:
    """Remove the tasks that ended before a time and return their number, or only count them.

    Raises:
        ServiceError: The database cannot be used; the message names the setting.
        SchemaMismatch: It has to be upgraded first.

    """
    store = Store(settings.database)
    try:
        await asyncio.to_thread(migrations.check, store.engine)
        if dry_run:
            return await store.read(retention.waiting, older_than=older_than)
        total = 0
        while removed := await store.run(retention.purge, older_than=older_than):
            total += removed
        return total
    finally:
        await store.close()


@contextlib.contextmanager
def _engine(settings: Settings) -> Iterator[sa.Engine]:
    engine = dialects.connect(settings.database, idle_after=settings.worker.lease)
    try:
        yield engine
    finally:
        engine.dispose()
