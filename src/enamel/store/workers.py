"""Leases in the store: which workers are alive, by the database's clock."""

from collections.abc import Collection
from datetime import datetime, timedelta

import sqlalchemy as sa
from msgspec import Struct

from enamel.model import ids
from enamel.store import claims
from enamel.store.schema import heartbeats, workers
from enamel.store.transaction import Tx


class Reaped(Struct, frozen=True, kw_only=True):
    """What a reaping brought back."""

    workers: frozenset[str] = frozenset()
    """The workers whose lease was over."""
    tasks: dict[str, str] = {}
    """The tasks that they had, now waiting again, and their types."""


def register(tx: Tx, worker: str, *, name: str, lease: timedelta) -> None:
    """Give a new worker its lease."""
    row = {"id": worker, "name": name, "started_at": tx.now, "expires_at": tx.now + lease}
    tx.insert_new(workers, [row])
    tx.insert_new(heartbeats, [{"worker": worker, "expires_at": tx.now + lease}])


def beat(tx: Tx, worker: str, *, lease: timedelta) -> bool:
    """Make a worker's lease last from now without waiting for its writes; return whether nobody has reaped it."""
    own = sa.update(heartbeats).where(heartbeats.c.worker == worker)
    return tx.execute(own.values(expires_at=tx.now + lease)).rowcount > 0


def prove(tx: Tx) -> None:
    """Write a lease and remove it again, so that a store that cannot be written shows. Nobody else sees it."""
    nobody = ids.new_id()
    register(tx, nobody, name="health", lease=timedelta(0))
    tx.execute(sa.delete(workers).where(workers.c.id == nobody))


def hold(tx: Tx, held: Collection[str]) -> set[str]:
    """Lock the leases of workers and return those that are still theirs.

    A lease that is over but that nobody has reaped is still its worker's: no other has its tasks.
    """
    query = sa.select(workers.c.id).where(workers.c.id.in_(held)).order_by(workers.c.id).with_for_update()
    return {row["id"] for row in tx.rows(query)}


def renew(tx: Tx, worker: str, *, lease: timedelta) -> frozenset[str]:
    """Make a worker's lease last from now, and return its tasks whose end was asked for."""
    tx.execute(sa.update(workers).where(workers.c.id == worker).values(expires_at=tx.now + lease))
    return claims.cancelled(tx, worker)


def reap(tx: Tx, *, but: str | None = None, everyone: bool = False) -> Reaped:
    """Remove the workers whose lease is over, and send their tasks back to their topics.

    Args:
        tx: The transaction.
        but: A worker to leave out: the one that reaps.
        everyone: Whether to take leases that last, too: right where no other process can be alive.

    """
    query = sa.select(workers.c.id, workers.c.expires_at).where(workers.c.id != (but or ""))
    silent = sa.true() if everyone else heartbeats.c.expires_at < tx.now
    if not everyone:
        beating = sa.exists().where(heartbeats.c.worker == workers.c.id, sa.not_(silent))
        # Workers of the version before have no heartbeat.
        query = query.where(workers.c.expires_at < tx.now, sa.not_(beating))
    # A lease that is locked is being used: its worker is alive, or somebody else reaps it.
    rows = tx.rows(query.order_by(workers.c.id).with_for_update(skip_locked=True))
    old = {row["id"]: row["expires_at"] for row in rows}
    beats = tx.rows(sa.select(heartbeats).where(heartbeats.c.worker.in_(old)))
    ends = old | {row["worker"]: row["expires_at"] for row in beats}
    # The heart may have beaten since then; from here on it cannot.
    tx.execute(sa.delete(heartbeats).where(heartbeats.c.worker.in_(old), silent))
    alive = tx.rows(sa.select(heartbeats.c.worker).where(heartbeats.c.worker.in_(old)))
    dead = {worker: ends[worker] for worker in sorted(old.keys() - {row["worker"] for row in alive})}
    freed: dict[str, str] = {}
    for worker, expired in dead.items():
        freed |= leave(tx, worker, since=min(tx.now, expired))
    return Reaped(workers=frozenset(dead), tasks=freed)


def leave(tx: Tx, worker: str, *, since: datetime | None = None) -> dict[str, str]:
    """End a worker's lease, send its tasks back to their topics, and return these with their types.

    Args:
        tx: The transaction.
        worker: The worker.
        since: When it has stopped working; now if not given.
    """
    freed = claims.release(tx, worker, since=since)
    tx.execute(sa.delete(heartbeats).where(heartbeats.c.worker == worker))
    tx.execute(sa.delete(workers).where(workers.c.id == worker))
    return freed
