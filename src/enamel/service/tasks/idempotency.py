"""The idempotency key: with it, a request that is sent twice is carried out once."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import msgspec
from msgspec import Struct

from enamel.model import ids
from enamel.model.caller import Caller
from enamel.model.errors import StoreUnavailable
from enamel.model.task import Task
from enamel.secrets.base import Keys
from enamel.store import idempotency
from enamel.store.engine import Store
from enamel.store.transaction import Tx

_SIGNS = 4
"""Signs of life in the time for which a key is held without one."""


class IdempotencyKey:
    """One caller's idempotency key, in the hands of one request."""

    def __init__(self, store: Store, text: str, *, caller: Caller, fingerprint: str, before: str) -> None:
        self._store = store
        self._text = text
        self._caller = caller
        self._fingerprint = fingerprint
        self._before = before
        # Not the request's id: a caller may send that along, and send the same one twice.
        self._holder = ids.new_id()

    async def reserve(self) -> idempotency.Answer | None:
        """Take the key for the request, or return the answer that it had before.

        Raises:
            KeyReused: It came with another request before.
            KeyInFlight: Its first request is still being accepted.
        """
        return await self._store.run(self.reserve_in)

    def reserve_in(self, tx: Tx) -> idempotency.Answer | None:
        """Do the same in a transaction."""
        return idempotency.reserve(
            tx,
            self._text,
            caller=self._caller,
            fingerprint=self._fingerprint,
            holder=self._holder,
            before=self._before,
        )

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Hold the key while the answer is made up, which may take long; give it back where there is none."""
        holding = asyncio.create_task(self._hold())
        try:
            yield
        except BaseException:
            holding.cancel()
            # Where the database is away, it comes free by itself.
            with suppress(StoreUnavailable):
                await self._store.run(
                    idempotency.release, self._text, caller=self._caller, holder=self._holder
                )
            raise
        finally:
            holding.cancel()

    def answer(self, tx: Tx, *, status: int, body: Any) -> None:
        """Keep the answer, in the transaction that writes what it tells of.

        Raises:
            KeyInFlight: This process was frozen, or away from the database; another request has the key now.
        """
        kept = idempotency.Answer(status=status, body=body)
        idempotency.answer(tx, self._text, caller=self._caller, holder=self._holder, answer=kept)

    async def _hold(self) -> None:
        while True:
            await asyncio.sleep(idempotency.HELD_FOR.total_seconds() / _SIGNS)
            with suppress(StoreUnavailable):
                await self._store.run(idempotency.hold, self._text, caller=self._caller, holder=self._holder)


class Accepted(Struct, frozen=True, kw_only=True):
    """The task that a request led to."""

    task: Task
    replayed: bool = False
    """Whether it is the answer to an earlier request with the same key."""


async def of(
    store: Store, text: str | None, *, caller: Caller, request: bytes, keys: Keys
) -> IdempotencyKey | None:
    """Return the key that came with a request, if one did.

    Args:
        store: Where keys are kept.
        text: The key.
        caller: Who sent it.
        request: What is asked for, the same bytes for the same request. Only a fingerprint of them is stored, which
            nobody can compare with guesses who has not the key store's key: there may be passwords in them.
        keys: The key store.

    """
    if not text:
        return None
    fingerprint = await keys.fingerprint(request)
    before = hashlib.sha256(request).hexdigest()
    return IdempotencyKey(store, text, caller=caller, fingerprint=fingerprint, before=before)


def once(tx: Tx, key: IdempotencyKey | None, act: Callable[[Tx], Task], *, status: int) -> Accepted:
    """Carry out what takes one transaction only, once for each key."""
    earlier = key.reserve_in(tx) if key else None
    if earlier is not None:
        return Accepted(task=msgspec.convert(earlier.body, Task), replayed=True)
    task = act(tx)
    if key is not None:
        key.answer(tx, status=status, body=msgspec.to_builtins(task))
    return Accepted(task=task)
