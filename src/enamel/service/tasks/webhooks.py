"""The webhooks of tasks, from the request to the state that callers see."""

from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct

from enamel.commands.launch import webhooks as launch_webhooks
from enamel.model import ids, secret_url, signature
from enamel.model.call_context import CallContext
from enamel.model.errors import Fault, Invalid, NotFound
from enamel.model.launch import Notify
from enamel.model.task import Task
from enamel.model.webhook import Webhook
from enamel.secrets.base import Keys
from enamel.service.access import policy
from enamel.service.tasks import idempotency
from enamel.service.tasks.idempotency import Accepted
from enamel.service.tasks.read import Read, look
from enamel.service.validation import body
from enamel.store import engine, tasks, webhooks
from enamel.store.transaction import Tx


class Replay(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which events are sent again, and where."""

    url: str | None = None
    """The webhook; all of them if not set."""
    after: int | None = None
    """The number of the event after which to begin. If not set, a webhook that failed or was stopped goes on where it
    was, and others begin again."""


class NewSecret(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A secret that replaces another one."""

    url: str
    """The webhook."""
    secret: str
    """`whsec_` and 24 to 64 bytes in base64. The one before signs as well, until the next change."""


class Webhooks:
    """Replays webhooks and changes their secrets."""

    def __init__(self, store: engine.Store, *, keys: Keys, read: Read) -> None:
        self._store = store
        self._keys = keys
        self._read = read

    async def replay(
        self,
        ctx: CallContext,
        id: str,
        data: Any,
        *,
        cloud: str | None = None,
        idempotency_key: str | None = None,
    ) -> Accepted:
        """Send a task's events to its webhooks again, and return the task.

        Raises:
            NotFound: There is no such task, or it has no such webhook.
            Invalid: The body has faults, or no event can have the number.
            KeyReused: The idempotency key belongs to another request.
        """
        policy.enforce(ctx, "enamel:task:webhooks")
        request = body.read(data, Replay)
        if request.after is not None and not 0 <= request.after < 2**31:
            detail = f"{request.after} is not the number of an event: 0 replays all of them."
            raise Invalid(detail, faults=(Fault(pointer="/after", detail=detail, code="range"),))

        checked = await self._read.id_of(ctx, id, cloud=cloud)
        chosen = [hook.id for hook in await self._named(checked, request.url)]

        def act(tx: Tx, task: str) -> None:
            if not webhooks.replay(tx, task, ids=chosen, after=request.after):
                raise _no_webhook(task, request.url)

        text = f"replay {id} {request.url} {request.after}"
        return await self._change(ctx, checked, act, request=text, idempotency_key=idempotency_key)

    async def change_secret(
        self,
        ctx: CallContext,
        id: str,
        data: Any,
        *,
        cloud: str | None = None,
        idempotency_key: str | None = None,
    ) -> Accepted:
        """Sign what a webhook is sent with a new secret, beside the one before; return the task.

        Raises:
            NotFound: There is no such task, or it has no such webhook.
            Invalid: The body has faults, or the secret is malformed.
            KeyReused: The idempotency key belongs to another request.
        """
        policy.enforce(ctx, "enamel:task:webhooks")
        request = body.read(data, NewSecret)
        try:
            signature.key(request.secret)
        except ValueError as error:
            detail = f"The secret is malformed: {error}."
            raise Invalid(detail, faults=(Fault(pointer="/secret", detail=detail),)) from error
        checked = await self._read.id_of(ctx, id, cloud=cloud)
        named = await self._named(checked, request.url)
        if len(named) > 1:
            detail = f"Task {checked} has {len(named)} webhooks with this address. Give its whole query."
            raise Invalid(detail, faults=(Fault(pointer="/url", detail=detail),))
        ref = await self._keys.put(request.secret.encode())

        def act(tx: Tx, task: str) -> None:
            if not named or not webhooks.sign_with(tx, task, id=named[0].id, secret=ref):
                raise _no_webhook(task, request.url)

        try:
            # The store keeps no more of this than a hash, and a secret is too long to be guessed from one.
            text = f"secret {id} {request.url} {request.secret}"
            accepted = await self._change(ctx, checked, act, request=text, idempotency_key=idempotency_key)
        except BaseException:
            await self._keys.delete(ref)
            raise
        if accepted.replayed:
            await self._keys.delete(ref)
        return accepted

    async def _named(self, task: str, url: str | None) -> list[Webhook]:
        """Return the webhooks of a task that a URL names, whole or as it is shown; all of them where there is none."""
        hooks = await self._store.read(webhooks.list, task)
        if url is None:
            return [*hooks]
        alike = [hook for hook in hooks if hook.url == secret_url.shown(url)]
        whole = [hook for hook in alike if await _address(hook, self._keys) == url]
        return whole or [hook for hook in alike if hook.url == url]

    async def _change(
        self,
        ctx: CallContext,
        id: str,
        act: Callable[[Tx, str], None],
        *,
        request: str,
        idempotency_key: str | None,
    ) -> Accepted:
        """Change a task of the caller's, once for each key, and return the task as it is then."""

        def change(tx: Tx) -> Task:
            task = tasks.get(tx, id, project_id=ctx.caller.project_id)
            act(tx, task.id)
            return look(tx, task.id)

        key = idempotency.of(self._store, idempotency_key, caller=ctx.caller)
        return await self._store.run(idempotency.once, key, request, change, status=200)


async def kept(requested: Sequence[Notify], *, task: str, keys: Keys) -> list[Webhook]:
    """Return the webhooks of a new task, their secrets in the key store."""
    hooks = []
    for id, notify in zip(_ids(len(requested)), requested, strict=True):
        refs = [await keys.put(secret.encode()) for secret in launch_webhooks.secrets(notify)]
        shown = secret_url.shown(notify.url)
        hooks.append(
            Webhook(
                id=id,
                task=task,
                url=shown,
                address=await keys.put(notify.url.encode()) if shown != notify.url else None,
                events=tuple(notify.events),
                secrets=tuple(refs),
            )
        )
    return hooks


async def inherited(old: Sequence[Webhook], *, task: str, keys: Keys) -> list[Webhook]:
    """Return the webhooks of an earlier task for the one that takes it up, with secrets of their own."""
    hooks = []
    for id, hook in zip(_ids(len(old)), old, strict=True):
        refs = [await keys.put(await keys.get(ref)) for ref in hook.secrets]
        address = None if hook.address is None else await keys.put(await keys.get(hook.address))
        hooks.append(
            Webhook(id=id, task=task, url=hook.url, address=address, events=hook.events, secrets=tuple(refs))
        )
    return hooks


async def _address(hook: Webhook, keys: Keys) -> str:
    """Return the whole URL of a webhook. Raises SecretMissing."""
    return hook.url if hook.address is None else (await keys.get(hook.address)).decode()


def _ids(number: int) -> list[str]:
    """Return new ids whose order is that of the request: those of one millisecond have none by themselves."""
    return sorted(ids.new_id() for _ in range(number))


def _no_webhook(task: str, url: str | None) -> NotFound:
    return NotFound(f"Task {task} has no webhook" + (f" at {url[:200]}." if url else "."))
