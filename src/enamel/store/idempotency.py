"""Idempotency keys in the store: the first answer to a request is the answer to all its repetitions.

`reserve` the key, make up the answer, and `answer` in the transaction that writes what the answer tells of; `release`
where the request was refused, so that a corrected one may use the key. What takes long must `hold` the key meanwhile:
the key of a process that died comes free within seconds. Whoever was silent for so long cannot answer any more.
"""

import hashlib
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from msgspec import Struct

from enamel.model.caller import Caller
from enamel.model.errors import KeyInFlight, KeyReused
from enamel.store.schema import idempotency as keys
from enamel.store.transaction import Tx

KEPT_FOR = timedelta(hours=24)
HELD_FOR = timedelta(seconds=5)
"""A reservation that was not renewed for so long was left behind by a process that died."""


AT_ONCE = 200
"""The most answers that are removed in one transaction."""


class Answer(Struct, frozen=True, kw_only=True):
    """What a request was answered."""

    status: int
    headers: dict[str, str] = {}
    body: Any = None


def reserve(tx: Tx, key: str, *, caller: Caller, request: bytes, holder: str) -> Answer | None:
    """Take a key for a request, or return the answer that it had before.

    Args:
        tx: The transaction.
        key: The key that came with the request.
        caller: Whose key it is.
        request: What is asked for, the same bytes for the same request.
        holder: Whoever takes the key, by an id of its own: the request's own id may be the caller's choice.

    Raises:
        KeyReused: The key came with another request before.
        KeyInFlight: The first request is still being accepted.

    """
    row = {
        "project_id": caller.project_id,
        "user_id": caller.user_id,
        "key": key,
        "fingerprint": hashlib.sha256(request).hexdigest(),
        "request_id": holder,
        "created_at": tx.now,
    }
    tx.insert_new(keys, [row])
    (held,) = tx.rows(sa.select(keys).where(*_is(key, caller)).with_for_update())
    age = tx.now - held["created_at"]
    answered = held["status"] is not None
    if age > (KEPT_FOR if answered else HELD_FOR):
        fresh = {**row, "status": None, "headers": None, "body": None}
        tx.execute(sa.update(keys).where(*_is(key, caller)).values(fresh))
        return None
    if held["request_id"] == holder and not answered:
        return None
    if held["fingerprint"] != row["fingerprint"]:
        raise KeyReused(f"The Idempotency-Key '{key}' was used before with another request.")
    if answered:
        return Answer(status=held["status"], headers=held["headers"] or {}, body=held["body"])
    raise KeyInFlight(f"The first request with the Idempotency-Key '{key}' is still being accepted.")


def hold(tx: Tx, key: str, *, caller: Caller, holder: str) -> None:
    """Renew a reservation: the request for which the key was reserved is still being accepted."""
    tx.execute(sa.update(keys).where(*_held(key, caller, holder)).values(created_at=tx.now))


def answer(tx: Tx, key: str, *, caller: Caller, holder: str, answer: Answer) -> None:
    """Keep the answer to the request for which the key was reserved.

    Raises:
        KeyInFlight: The request has timed out, and a newer request owns the key.

    """
    kept = sa.update(keys).where(*_is(key, caller), keys.c.request_id == holder)
    row = {"status": answer.status, "headers": answer.headers, "body": answer.body}
    if not tx.execute(kept.values(row)).rowcount:
        raise KeyInFlight(
            "The request that held this Idempotency-Key timed out; a newer request owns the key."
        )


def release(tx: Tx, key: str, *, caller: Caller, holder: str) -> None:
    """Give a key back that was reserved for a request which was refused."""
    tx.execute(sa.delete(keys).where(*_held(key, caller, holder)))


def release_all(tx: Tx) -> None:
    """Release every key without an answer; only for a process that is alone on the store."""
    tx.execute(sa.delete(keys).where(keys.c.status.is_(None)))


def purge(tx: Tx, *, limit: int = AT_ONCE) -> int:
    """Remove the oldest of the answers that are no longer kept, and return their number; repeat until it is 0."""
    old = sa.select(keys.c.project_id, keys.c.user_id, keys.c.key).where(
        keys.c.created_at < tx.now - KEPT_FOR
    )
    rows = tx.rows(old.order_by(keys.c.created_at).limit(limit).with_for_update(skip_locked=True))
    for row in rows:
        tx.execute(sa.delete(keys).where(*(keys.c[name] == value for name, value in row.items())))
    return len(rows)


def _is(key: str, caller: Caller) -> tuple[sa.ColumnElement[bool], ...]:
    return keys.c.project_id == caller.project_id, keys.c.user_id == caller.user_id, keys.c.key == key


def _held(key: str, caller: Caller, holder: str) -> tuple[sa.ColumnElement[bool], ...]:
    return *_is(key, caller), keys.c.request_id == holder, keys.c.status.is_(None)
