"""Webhooks in the store: who gets a task's events, and how many were sent.

A webhook reads the same events as everybody else, in their order, and remembers the last one that it has told. Whoever
tells it holds the row like a worker holds a task: when that worker dies, another goes on.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

import msgspec
import sqlalchemy as sa

from enamel.model.webhook import State, Webhook
from enamel.store.columns import aside
from enamel.store.schema import events, spent_secrets, webhooks, workers
from enamel.store.transaction import Tx

_ADDRESS = "url:"
"""Begins the stored reference to a webhook's whole URL."""


def insert(tx: Tx, new: Iterable[Webhook]) -> None:
    """Store the webhooks of a new task."""
    tx.insert_new(webhooks, [{**_row(webhook), "next_at": tx.now} for webhook in new])


def list(tx: Tx, task: str) -> tuple[Webhook, ...]:
    """Return the webhooks of a task in the order of its request."""
    return of_tasks(tx, [task]).get(task, ())


def of_tasks(tx: Tx, tasks: Sequence[str]) -> dict[str, tuple[Webhook, ...]]:
    """Return the webhooks of several tasks, by task; those that have none are left out."""
    by_task: dict[str, Any] = {}
    query = sa.select(webhooks).where(webhooks.c.task.in_(tasks)).order_by(webhooks.c.id)
    for row in tx.rows(query) if tasks else ():
        by_task.setdefault(row["task"], []).append(_webhook(row))
    return {task: tuple(some) for task, some in by_task.items()}


def claim(tx: Tx, worker: str, *, limit: int) -> tuple[Webhook, ...]:
    """Give a worker the webhooks that have events to send, or are due for another attempt."""
    living = sa.exists().where(workers.c.id == webhooks.c.worker)
    due = sa.select(webhooks).where(
        webhooks.c.state == State.ACTIVE, webhooks.c.next_at <= tx.now, sa.not_(living)
    )
    due_now = tx.rows(due.order_by(webhooks.c.next_at).limit(limit).with_for_update(skip_locked=True))
    ids = [row["id"] for row in due_now]
    if ids:
        tx.execute(sa.update(webhooks).where(webhooks.c.id.in_(ids)).values(worker=worker))
    return tuple(map(_webhook, due_now))


def delivered(tx: Tx, worker: str, id: str, *, seq: int, status: int | None) -> bool:
    """Record that an event was sent or skipped, and return whether the worker is to go on."""
    fields: dict[str, Any] = {"sent": seq, "attempts": 0, "last_error": None}
    if status is not None:
        fields["last_status"] = status
    return _change(tx, worker, id, fields)


def failed(
    tx: Tx,
    worker: str,
    id: str,
    *,
    attempts: int,
    status: int | None,
    error: str,
    pause: timedelta | None,
    state: State = State.FAILED,
) -> None:
    """Note that an attempt failed, and when the next one is made; without a pause there is none."""
    _change(
        tx,
        worker,
        id,
        {
            "attempts": attempts,
            "last_status": status,
            "last_error": error,
            "worker": None,
            "state": State.ACTIVE if pause is not None else state,
            "next_at": tx.now + pause if pause is not None else None,
        },
    )


def rest(tx: Tx, worker: str, id: str, *, over: bool) -> None:
    """Release a webhook that has nothing to send: until there are more events, or for good."""
    # Locked, so that whoever is writing an event comes before this, and is seen, or after it.
    tx.rows(sa.select(webhooks.c.id).where(webhooks.c.id == id).with_for_update())
    next_at = sa.case((_news(), sa.literal(tx.now, webhooks.c.next_at.type)))
    over_now = {"state": State.DELIVERED, "next_at": None}
    _change(tx, worker, id, {"worker": None, **(over_now if over else {"next_at": next_at})})


def put_off(tx: Tx, worker: str, ids: Sequence[str], *, pause: timedelta) -> None:
    """Release webhooks that cannot be sent to now, for a while."""
    mine = sa.update(webhooks).where(webhooks.c.id.in_(ids), webhooks.c.worker == worker)
    tx.execute(mine.values(worker=None, next_at=tx.now + pause))


def sweep(tx: Tx, *, after: str = "", limit: int = 100) -> str:
    """Mark webhooks for which a worker of the version before has written events; look at some of them.

    Args:
        tx: The transaction.
        after: The id of the last one that was looked at; empty to begin.
        limit: How many to look at.

    Returns:
        The id of the last one, to go on from; empty when all have been looked at.

    """
    query = sa.select(webhooks.c.id).where(
        webhooks.c.state == State.ACTIVE, webhooks.c.next_at.is_(None), webhooks.c.id > after
    )
    ids = [row["id"] for row in tx.rows(query.order_by(webhooks.c.id).limit(limit))]
    silent = sa.update(webhooks).where(webhooks.c.id.in_(ids), aside(webhooks.c.next_at).is_(None), _news())
    tx.execute(silent.values(next_at=tx.now))
    return ids[-1] if len(ids) == limit else ""


def replay(tx: Tx, task: str, *, ids: Sequence[str], after: int | None) -> int:
    """Send the events of a task's webhooks again, and return the number of webhooks.

    Args:
        tx: The transaction.
        task: The task.
        ids: Which of them.
        after: After which event; where none is named, those that are done begin again, and the others go on.

    """
    chosen = sa.update(webhooks).where(webhooks.c.task == task, webhooks.c.id.in_(ids))
    done = webhooks.c.state == State.DELIVERED
    sent = sa.case((done, 0), else_=webhooks.c.sent) if after is None else after
    again: dict[str, Any] = {"state": State.ACTIVE, "attempts": 0, "next_at": tx.now, "worker": None}
    return tx.execute(chosen.values(**again, sent=sent)).rowcount


def sign_with(tx: Tx, task: str, *, id: str, secret: str) -> bool:
    """Give a webhook a new secret beside its current one, and return whether it exists.

    An older secret is released.
    """
    query = sa.select(webhooks).where(webhooks.c.task == task, webhooks.c.id == id).with_for_update()
    for hook in map(_webhook, tx.rows(query)):
        signing = (secret, *hook.secrets[:1])
        let_go(tx, [ref for ref in hook.secrets if ref not in signing])
        kept = _references(msgspec.structs.replace(hook, secrets=signing))
        tx.execute(sa.update(webhooks).where(webhooks.c.id == hook.id).values(secrets=kept))
        return True
    return False


def let_go(tx: Tx, secrets: Iterable[str]) -> None:
    """Note that secrets are to be removed from the key store."""
    tx.insert_new(spent_secrets, [{"ref": ref} for ref in secrets])


def let_go_of(tx: Tx, tasks: Sequence[str]) -> None:
    """Let go of the secrets of all webhooks of tasks, before these are removed."""
    let_go(tx, [ref for some in of_tasks(tx, tasks).values() for hook in some for ref in hook.references])


def _news() -> sa.Exists:
    """Return the condition that a webhook has events to send."""
    return sa.exists().where(events.c.task == webhooks.c.task, events.c.seq > webhooks.c.sent)


def _change(tx: Tx, worker: str, id: str, fields: dict[str, Any]) -> bool:
    """Change a webhook that a worker holds; one that was taken from it, as by a replay, stays as it is."""
    mine = sa.update(webhooks).where(webhooks.c.id == id, webhooks.c.worker == worker)
    return tx.execute(mine.values(fields)).rowcount > 0


def _row(hook: Webhook) -> dict[str, Any]:
    return {
        "id": hook.id,
        "task": hook.task,
        "url": hook.url,
        "events": hook.events or None,
        "secrets": _references(hook) or None,
        "state": hook.state,
        "sent": hook.sent,
        "attempts": hook.attempts,
        "last_status": hook.last_status,
        "last_error": hook.last_error,
        "next_at": hook.next_at,
        "worker": None,
    }


def _references(hook: Webhook) -> tuple[str, ...]:
    """Return the references of a webhook as they are stored: that of its address says so."""
    return hook.secrets if hook.address is None else (*hook.secrets, f"{_ADDRESS}{hook.address}")


def _webhook(row: sa.RowMapping) -> Webhook:
    stored = row["secrets"] or ()
    return Webhook(
        id=row["id"],
        task=row["task"],
        url=row["url"],
        events=row["events"] or (),
        secrets=tuple(ref for ref in stored if not ref.startswith(_ADDRESS)),
        address=next((ref.removeprefix(_ADDRESS) for ref in stored if ref.startswith(_ADDRESS)), None),
        state=row["state"],
        sent=row["sent"],
        attempts=row["attempts"],
        last_status=row["last_status"],
        last_error=row["last_error"],
        next_at=row["next_at"],
    )
