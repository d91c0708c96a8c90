"""Notices: the webhooks of tasks, from the request to the state that callers see."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from msgspec import Struct

from enamel.commands.launch import webhooks as launch_webhooks
from enamel.model import ids, signature
from enamel.model.caller import Caller
from enamel.model.errors import Fault, Invalid, NotFound
from enamel.model.launch import Notify
from enamel.model.task import Task
from enamel.model.webhook import Webhook
from enamel.secrets.base import Keys
from enamel.service.tasks import idempotency
from enamel.service.tasks import read as reading
from enamel.service.validation import body
from enamel.store import engine, tasks, webhooks
from enamel.store.transaction import Tx

T = TypeVar("T")


class Replay(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What webhooks are told again."""

    url: str | None = None
    """Which of them; all where none is named."""
    after: int | None = None
    """The number of the event after which to begin; where none is named, a webhook that failed or was stopped goes on
    where it was, and others begin again."""


class NewSecret(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A secret that replaces another one."""

    url: str
    """The webhook."""
    secret: str
    """`whsec_` and 24 to 64 bytes in base64. The one before signs as well, until the next change."""


def read(data: Any, form: type[T]) -> T:
    """Return what a body asks for.

    Raises:
        Invalid: It has faults.

    """
    found, faults = body.shape({} if data is None else data, form)
    if found is None or faults:
        raise Invalid(" ".join(fault.detail for fault in faults), faults=tuple(faults))
    return found


class Webhooks:
    """Replays webhooks and changes their secrets."""

    def __init__(self, store: engine.Store, *, keys: Keys) -> None:
        self._store = store
        self._keys = keys

    async def replay(
        self, caller: Caller, id: str, wanted: Replay, *, idempotency_key: str | None = None
    ) -> tuple[Task, bool]:
        """Have webhooks of a task told again, and return the task.

        True with it means that it is the answer of an earlier request with the same key.

        Raises:
            NotFound: There is no such task, or it has no such webhook.
            Invalid: The number is none that an event can have.
            KeyReused: The idempotency key belongs to another request.

        """
        if wanted.after is not None and not 0 <= wanted.after < 2**31:
            detail = f"{wanted.after} is not the number of an event: begin after 0 for all of them."
            raise Invalid(detail, faults=(Fault(pointer="/after", detail=detail, code="range"),))

        def act(tx: Tx, task: str) -> None:
            if not webhooks.replay(tx, task, url=wanted.url, after=wanted.after):
                raise _no_webhook(task, wanted.url)

        request = f"replay {id} {wanted.url} {wanted.after}"
        return await self._change(caller, id, act, request=request, idempotency_key=idempotency_key)

    async def change_secret(
        self,
        caller: Caller,
        id: str,
        wanted: NewSecret,
        *,
        idempotency_key: str | None = None,
    ) -> tuple[Task, bool]:
        """Sign what a webhook is sent with a new secret, beside the one before; return the task.

        Raises:
            NotFound: There is no such task, or it has no such webhook.
            Invalid: It is not a secret of the right form.
            KeyReused: The idempotency key belongs to another request.

        """
        try:
            signature.key(wanted.secret)
        except ValueError as error:
            detail = f"This is no secret: {error}."
            raise Invalid(detail, faults=(Fault(pointer="/secret", detail=detail),)) from error
        ref = await self._keys.put(wanted.secret.encode())

        def act(tx: Tx, task: str) -> None:
            if not webhooks.sign_with(tx, task, url=wanted.url, secret=ref):
                raise _no_webhook(task, wanted.url)

        try:
            # The store keeps no more of this than a hash, and a secret is too long to be guessed from one.
            request = f"secret {id} {wanted.url} {wanted.secret}"
            told = await self._change(caller, id, act, request=request, idempotency_key=idempotency_key)
        except BaseException:
            await self._keys.delete(ref)
            raise
        if told[1]:
            await self._keys.delete(ref)
        return told

    async def _change(
        self,
        caller: Caller,
        id: str,
        act: Callable[[Tx, str], None],
        *,
        request: str,
        idempotency_key: str | None,
    ) -> tuple[Task, bool]:
        """Do something to a task of the caller's, once for each key, and return the task as it is then."""

        def change(tx: Tx) -> Task:
            if not ids.is_id(id):
                raise NotFound(f"There is no task '{id[:64]}'.")
            found = tasks.get(tx, id.lower(), project_id=caller.project_id)
            act(tx, found.id)
            return reading.look(tx, found.id)

        held = (
            idempotency.IdempotencyKey(self._store, idempotency_key, caller=caller)
            if idempotency_key
            else None
        )
        return await self._store.run(idempotency.once, held, request, change, status=200)


async def kept(wanted: Sequence[Notify], *, task: str, keys: Keys) -> list[Webhook]:
    """Return the webhooks of a new task, their secrets in the key store."""
    found = []
    for id, one in zip(_ids(len(wanted)), wanted, strict=True):
        refs = [await keys.put(secret.encode()) for secret in launch_webhooks.secrets(one)]
        found.append(Webhook(id=id, task=task, url=one.url, events=tuple(one.events), secrets=tuple(refs)))
    return found


async def inherited(old: Sequence[Webhook], *, task: str, keys: Keys) -> list[Webhook]:
    """Return the webhooks of an earlier task for the one that takes it up, with secrets of their own."""
    found = []
    for id, one in zip(_ids(len(old)), old, strict=True):
        refs = [await keys.put(await keys.get(ref)) for ref in one.secrets]
        found.append(Webhook(id=id, task=task, url=one.url, events=one.events, secrets=tuple(refs)))
    return found


def _ids(number: int) -> list[str]:
    """Return new ids whose order is that of the request: those of one millisecond have none by themselves."""
    return sorted(ids.new_id() for _ in range(number))


def _no_webhook(task: str, url: str | None) -> NotFound:
    return NotFound(f"Task {task} tells no webhook" + (f" at {url[:200]}." if url else "."))
