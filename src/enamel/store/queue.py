"""The queue as a whole: how many tasks wait and run, and since when; for the eyes of operators."""

from datetime import timedelta

import sqlalchemy as sa
from msgspec import Struct

from enamel.model.task import State
from enamel.store.schema import tasks, workers
from enamel.store.transaction import Tx


class Line(Struct, frozen=True, kw_only=True):
    """The tasks of one type and state."""

    type: str
    state: State
    number: int
    waited: timedelta | None
    """How long the oldest has waited, of those whose time has come; None for tasks that run."""


def lines(tx: Tx) -> tuple[Line, ...]:
    """Return how many tasks of each type have not ended, and how long the oldest has waited."""
    # A task that waits for its time has waited since then.
    since = sa.func.coalesce(tasks.c.not_before, tasks.c.created_at)
    due = sa.case((since <= tx.now, since))
    query = (
        sa.select(
            tasks.c.type, tasks.c.state, sa.func.count().label("number"), sa.func.min(due).label("since")
        )
        .where(tasks.c.state.in_([State.WAITING, State.RUNNING]))
        .group_by(tasks.c.type, tasks.c.state)
    )
    return tuple(
        Line(
            type=row["type"],
            state=row["state"],
            number=row["number"],
            waited=tx.now - row["since"] if row["since"] and row["state"] is State.WAITING else None,
        )
        for row in tx.rows(query)
    )


def leases(tx: Tx) -> int:
    """Return how many workers are alive."""
    alive = sa.select(sa.func.count()).select_from(workers).where(workers.c.expires_at >= tx.now)
    return int(tx.scalar(alive) or 0)
