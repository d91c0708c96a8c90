"""Idempotency keys in the store: the first answer to a request is the answer to all its repetitions.

`reserve` the key, make up the answer, and `answer` in the transaction that writes what the answer tells of; `release`
where the request was refused, so that a corrected one may use the key.
"""

from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from msgspec import Struct

from enamel.model.errors import KeyInFlight, KeyReused
from enamel.model.task import Caller
from enamel.store.schema import idempotency as keys
from enamel.store.transaction import Tx

KEPT_FOR = timedelta(hours=24)
_ACCEPTED_WITHIN = timedelta(minutes=2)
"""After this, a reservation without an answer was left behind by a process that died."""


class Answer(Struct, frozen=True, kw_only=True):
    """What a request was answered."""

    status: int
    headers: dict[str, str] = {}
    body: Any = None


def reserve(tx: Tx, key: str, *, caller: Caller, fingerprint: str, request_id: str) -> Answer | None:
    """Take a key for a request, or return the answer that it had before.

    Args:
        tx: The transaction.
        key: The key that came with the request.
        caller: Whose key it is.
        fingerprint: A hash over the request's method, path and body.
        request_id: The request.

    Raises:
        KeyReused: The key came with another request before.
        KeyInFlight: The first request is still being accepted.

    """
    row = {
        "project_id": caller.project_id,
        "user_id": caller.user_id,
        "key": key,
        "fingerprint": fingerprint,
        "request_id": request_id,
        "created_at": tx.now,
    }
    tx.insert_new(keys, [row])
    (found,) = tx.rows(sa.select(keys).where(*_is(key, caller)).with_for_update())
    age = tx.now - found["created_at"]
    answered = found["status"] is not None
    if age > (KEPT_FOR if answered else _ACCEPTED_WITHIN):
        fresh = {**row, "status": None, "headers": None, "body": None}
        tx.execute(sa.update(keys).where(*_is(key, caller)).values(fresh))
        return None
    if found["request_id"] == request_id and not answered:
        return None
    if found["fingerprint"] != fingerprint:
        raise KeyReused(f"The Idempotency-Key '{key}' was used before with another request.")
    if answered:
        return Answer(status=found["status"], headers=found["headers"] or {}, body=found["body"])
    raise KeyInFlight(f"The first request with the Idempotency-Key '{key}' is still being accepted.")


def answer(tx: Tx, key: str, *, caller: Caller, answer: Answer) -> None:
    """Keep the answer to the request that has reserved the key."""
    kept = sa.update(keys).where(*_is(key, caller))
    tx.execute(kept.values(status=answer.status, headers=answer.headers, body=answer.body))


def release(tx: Tx, key: str, *, caller: Caller, request_id: str) -> None:
    """Give a key back that was reserved for a request which was refused."""
    mine = keys.c.request_id == request_id
    tx.execute(sa.delete(keys).where(*_is(key, caller), mine, keys.c.status.is_(None)))


def purge(tx: Tx) -> int:
    """Remove the answers that are no longer kept; return how many they were."""
    return tx.execute(sa.delete(keys).where(keys.c.created_at < tx.now - KEPT_FOR)).rowcount


def _is(key: str, caller: Caller) -> tuple[sa.ColumnElement[bool], ...]:
    return keys.c.project_id == caller.project_id, keys.c.user_id == caller.user_id, keys.c.key == key
