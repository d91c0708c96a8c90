"""Reservations: what the unfinished tasks of a project are about to use up of its quotas on a cloud.

A step that is going to use something up has a row until it or its task has ended, and what nobody can assign to a step has
one until the task has. The sums are kept beside them, so that accepting a task costs the same whatever is open. A row is
counted off by being removed, which makes a transaction that is repeated count once.
"""

import random
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from enamel.model import item
from enamel.model.item import Item
from enamel.model.task import Task
from enamel.store.schema import reservations, reserved_quotas
from enamel.store.transaction import Tx

STRIPES = 16
_STRIPE = random.randrange(STRIPES)
"""The rows of the sums in which this process counts."""
_AT_ONCE = 500


def add(
    tx: Tx, task: Task, shares: Mapping[str, Mapping[str, int]] = {}, *, but: Collection[str] = ()
) -> None:
    """Reserve what a new task needs.

    Args:
        tx: The transaction.
        task: The task; its `reserves` are the total.
        shares: How much of it each step uses up.
        but: The steps that an earlier task has done: the cloud counts what they have made.

    """
    owner = {"task": task.id, "project_id": task.project_id, "cloud": task.cloud}
    fresh = [
        {"key": _key(task.id, name), **owner, "amounts": amounts}
        for name, amounts in _divided(task.reserves, shares).items()
        if amounts and name not in but
    ]
    # A transaction that is repeated may have counted them.
    known = {row["key"] for row in tx.rows(_of([task.id]))} if tx.repeated else set()
    fresh = [row for row in fresh if row["key"] not in known]
    tx.insert_new(reservations, fresh)
    _count(tx, fresh, sign=1)


def reserved(tx: Tx, *, project_id: str, cloud: str) -> dict[str, int]:
    """Return how much of each quota of a cloud a project's unfinished tasks have reserved and not yet used up."""
    query = (
        sa.select(reserved_quotas.c.kind, sa.func.sum(reserved_quotas.c.amount).label("amount"))
        .where(reserved_quotas.c.project_id == project_id, reserved_quotas.c.cloud == cloud)
        .group_by(reserved_quotas.c.kind)
    )
    return {row["kind"]: int(row["amount"]) for row in tx.rows(query) if row["amount"] > 0}


def use(tx: Tx, steps: Iterable[Item]) -> None:
    """Count off what steps had reserved that have ended: the cloud counts what they have made."""
    keys = [_key(step.task, step.name) for step in steps if step.state not in item.OPEN]
    for start in range(0, len(keys), _AT_ONCE):
        _remove(tx, reservations.c.key.in_(keys[start : start + _AT_ONCE]))


def release(tx: Tx, ids: Collection[str]) -> None:
    """Count off everything that tasks had reserved which have ended."""
    if ids:
        _remove(tx, reservations.c.task.in_(ids))


def page(tx: Tx, *, after: str, limit: int) -> tuple[str, frozenset[str]]:
    """Return the tasks of the reservations after a key, and the last key; an empty one where there are no more."""
    query = sa.select(reservations.c.key, reservations.c.task).where(reservations.c.key > after)
    known = tx.rows(query.order_by(reservations.c.key).limit(limit))
    last = known[-1]["key"] if len(known) == limit else ""
    return last, frozenset(row["task"] for row in known)


def _divided(total: Mapping[str, int], shares: Mapping[str, Mapping[str, int]]) -> dict[str, dict[str, int]]:
    """Return what of a total belongs to each step, and under no name what belongs to none."""
    # Steps may need more than the total together, such as two that import the same keypair.
    rest = dict(total)
    divided: dict[str, dict[str, int]] = {}
    for name, needs in shares.items():
        divided[name] = {kind: min(number, rest.get(kind, 0)) for kind, number in needs.items()}
        rest |= {kind: rest[kind] - number for kind, number in divided[name].items() if number}
    divided[""] = rest
    return {
        name: {kind: number for kind, number in amounts.items() if number}
        for name, amounts in divided.items()
    }


def holders(tx: Tx, *, project_id: str, cloud: str) -> frozenset[str]:
    """Return a project's unfinished tasks that have reserved something on a cloud."""
    query = sa.select(reservations.c.task).where(
        reservations.c.project_id == project_id, reservations.c.cloud == cloud
    )
    return frozenset(row["task"] for row in tx.rows(query))


def _remove(tx: Tx, condition: sa.ColumnElement[bool]) -> None:
    query = sa.select(reservations).where(condition).order_by(reservations.c.key).with_for_update()
    rows = tx.rows(query)
    if rows:
        tx.execute(sa.delete(reservations).where(reservations.c.key.in_([row["key"] for row in rows])))
        _count(tx, rows, sign=-1)


def _count(tx: Tx, rows: Iterable[Mapping[str, Any] | sa.RowMapping], *, sign: int) -> None:
    """Add what rows reserve to the sums, or take it off."""
    total: Counter[tuple[str, str, str]] = Counter()
    for row in rows:
        for kind, number in (row["amounts"] or {}).items():
            total[row["project_id"], row["cloud"], kind] += sign * number
    keys = [dict(zip(_KEY, (*key, _STRIPE), strict=True)) for key in sorted(total)]
    tx.insert_new(reserved_quotas, [{**key, "amount": 0} for key in keys])
    for key, (_, number) in zip(keys, sorted(total.items()), strict=True):
        sums = sa.update(reserved_quotas).where(*(reserved_quotas.c[name] == key[name] for name in _KEY))
        tx.execute(sums.values(amount=reserved_quotas.c.amount + number))


_KEY = ("project_id", "cloud", "kind", "stripe")


def _of(ids: Collection[str]) -> sa.Select[tuple[str]]:
    return sa.select(reservations.c.key).where(reservations.c.task.in_(ids))


def _key(task: str, step: str) -> str:
    return f"{task}/{step}"
