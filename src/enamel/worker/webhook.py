"""The sender: posts events to webhooks in order, each until the receiver accepts it or days have passed.

It reads what everybody reads, the events in the store. It writes only how far each webhook is: whatever becomes of a
delivery, the task goes its way.
"""

import asyncio
import random
import re
import socket
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import msgspec
import structlog
from aiohttp import abc
from msgspec import Struct

from enamel import telemetry
from enamel.clouds.calls import cleaning
from enamel.model import event as events_model
from enamel.model import redaction, secret_url, signature, webhook
from enamel.model.errors import LeaseLost, SecretMissing, StoreUnavailable
from enamel.model.event import FINAL, Event
from enamel.model.webhook import State, Webhook
from enamel.secrets.base import Keys
from enamel.service.access.webhook_targets import Refused, WebhookTargets
from enamel.store import events, webhooks
from enamel.store.lease import Lease

log = structlog.get_logger(__name__)

PAUSES = tuple(
    timedelta(seconds=seconds) for seconds in (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
)
"""How long to wait after each failed attempt; after the last of them, nothing more is tried."""
_JITTER = 0.2
"""The random part of a pause, so that a receiver that comes back is not overrun."""
_AT_ONCE = 200
"""Webhooks that are sent to at the same time …"""
_PER_HOST = 10
"""… and those of them at one host: a slow one holds up none but its own."""
_PUT_OFF = timedelta(seconds=2)
"""How long a webhook waits whose host has as many."""
_PAGE = 200
_GONE = 410
_LONGEST = 86400
"""Seconds that a receiver may ask for."""


class Settings(Struct, frozen=True, kw_only=True):
    """How webhooks are sent."""

    timeout: timedelta = timedelta(seconds=15)
    """How long to wait for the answer of a receiver."""
    poll_interval: timedelta = timedelta(seconds=0.5)
    """How often to check for events to send."""
    pauses: tuple[timedelta, ...] = PAUSES


USUAL = Settings()


class Outcome(Struct, frozen=True, kw_only=True):
    """What became of one attempt."""

    status: int | None = None
    error: str | None = None
    """None if the receiver accepted it."""
    final: bool = False
    """Whether no further attempt is wanted."""
    retry_after: timedelta = timedelta()


class WebhookSender:
    """Sends for one worker, under its lease."""

    def __init__(
        self,
        lease: Lease,
        *,
        keys: Keys,
        guard: WebhookTargets,
        settings: Settings = USUAL,
        random_number: Callable[[], float] = random.random,
    ) -> None:
        """Prepare a sender; `serve` lets it work.

        Args:
            lease: The lease of its worker.
            keys: Where the secrets of webhooks are.
            guard: Knows where nothing is sent.
            settings: How it sends.
            random_number: Returns a number from 0 up to 1.

        """
        self._lease = lease
        self._keys = keys
        self._guard = guard
        self._settings = settings
        self._random = random_number
        self._telling: dict[asyncio.Task[None], str] = {}
        """What is being sent, and the host to which."""
        self._busy = Counter[str]()
        """How much of it goes to each host."""

    async def serve(self) -> None:
        """Send events while the lease lasts.

        Raises:
            LeaseLost: The sender's own worker was taken for dead.

        """
        try:
            async with self._session() as session:
                while True:
                    room = _AT_ONCE - len(self._telling)
                    claimed = (
                        await self._lease.run(webhooks.claim, self._lease.id, limit=room) if room else ()
                    )
                    waiting = [hook.id for hook in claimed if not self._begin(session, hook)]
                    if waiting:
                        await self._lease.run(webhooks.put_off, self._lease.id, waiting, pause=_PUT_OFF)
                    if room and len(claimed) == room:
                        continue
                    await asyncio.sleep(self._settings.poll_interval.total_seconds())
        finally:
            for telling in tuple(self._telling):
                telling.cancel()
            await asyncio.gather(*self._telling, return_exceptions=True)

    def _begin(self, session: aiohttp.ClientSession, hook: Webhook) -> bool:
        """Begin to send to a webhook, unless its host is busy; return whether it has begun."""
        host = urlsplit(hook.url).netloc
        if self._busy[host] >= _PER_HOST:
            return False
        self._busy[host] += 1
        telling = asyncio.create_task(self._tell(session, hook))
        self._telling[telling] = host
        telling.add_done_callback(self._told)
        return True

    def _told(self, telling: asyncio.Task[None]) -> None:
        host = self._telling.pop(telling)
        self._busy[host] -= 1
        if not self._busy[host]:
            del self._busy[host]
        error = None if telling.cancelled() else telling.exception()
        if isinstance(error, LeaseLost):
            self._lease.over.set()
        elif error is not None:
            # The row stays this worker's until its lease ends, so a fault of Enamel's own does not run in circles.
            log.error("webhook.broken", error=repr(error))

    async def _tell(self, session: aiohttp.ClientSession, hook: Webhook) -> None:
        """Send a webhook all new events, and release it."""
        worker = self._lease.id
        while listed := await self._news(hook):
            for event in listed:
                outcome = None
                if webhook.wants(hook, event.type):
                    self._lease.check()
                    outcome = await self._send(session, hook, event)
                    if outcome.error is not None:
                        await self._note_failure(hook, event, outcome)
                        return
                    telemetry.WEBHOOKS.labels(outcome="delivered").inc()
                elif event is not listed[-1] and event.type not in FINAL:
                    continue
                status = outcome.status if outcome else None
                if not await self._lease.run(
                    webhooks.delivered, worker, hook.id, seq=event.seq, status=status
                ):
                    return
                hook = msgspec.structs.replace(hook, sent=event.seq, attempts=0)
                if event.type in FINAL:
                    await self._lease.run(webhooks.rest, worker, hook.id, over=True)
                    return
        await self._lease.run(webhooks.rest, worker, hook.id, over=False)

    async def _news(self, hook: Webhook) -> Sequence[Event]:
        """Return the events that a webhook has not got, as soon as the store can be read."""
        while True:
            try:
                return await self._lease.store.read(events.list, hook.task, after=hook.sent, limit=_PAGE)
            except StoreUnavailable as error:
                log.warning("webhook.waits_for_store", task=hook.task, why=error.detail)
                await asyncio.sleep(self._settings.poll_interval.total_seconds())

    async def _note_failure(self, hook: Webhook, event: Event, outcome: Outcome) -> None:
        attempts = hook.attempts + 1
        again = not outcome.final and attempts <= len(self._settings.pauses)
        pause = max(self._pause(attempts), outcome.retry_after) if again else None
        telemetry.WEBHOOKS.labels(outcome="retried" if again else "given up").inc()
        log.warning(
            "webhook.failed",
            task=hook.task,
            webhook=hook.id,
            seq=event.seq,
            attempts=attempts,
            status=outcome.status,
            error=outcome.error,
            pause=pause.total_seconds() if pause else None,
        )
        await self._lease.run(
            webhooks.failed,
            self._lease.id,
            hook.id,
            attempts=attempts,
            status=outcome.status,
            error=outcome.error or "",
            pause=pause,
            state=State.STOPPED if outcome.final else State.FAILED,
        )

    def _pause(self, attempts: int) -> timedelta:
        return self._settings.pauses[attempts - 1] * (1 + _JITTER * self._random())

    async def _send(self, session: aiohttp.ClientSession, hook: Webhook, event: Event) -> Outcome:
        """Make one attempt; what the receiver says in its body is not read."""
        body = events_model.encoded(event)
        # The same for every attempt, so that receivers can tell repetitions.
        id = f"{event.task}-{event.seq}"
        timestamp = int(time.time())
        headers = {
            "Content-Type": "application/cloudevents+json",
            "webhook-id": id,
            "webhook-timestamp": str(timestamp),
        }
        try:
            secrets = [(await self._keys.get(ref)).decode() for ref in hook.secrets]
            url = hook.url if hook.address is None else (await self._keys.get(hook.address)).decode()
        except SecretMissing as error:
            return Outcome(error=f"The secret cannot be read: {error}")
        if secrets:
            headers["webhook-signature"] = signature.sign(body, id=id, timestamp=timestamp, secrets=secrets)
        with redaction.keeping(redaction.Redactor((*secrets, *secret_url.secrets(url)))):
            return await self._post(session, url, body=body, headers=headers)

    async def _post(
        self, session: aiohttp.ClientSession, url: str, *, body: bytes, headers: Mapping[str, str]
    ) -> Outcome:
        try:
            parts = urlsplit(url)
            # aiohttp asks the resolver about names only, so addresses are checked here.
            await self._guard.addresses(parts.hostname or "", parts.port or 443)
            async with session.post(url, data=body, headers=headers, allow_redirects=False) as answer:
                return _outcome(answer)
        except Refused as refused:
            return Outcome(error=f"{refused}.", final=True)
        except TimeoutError:
            seconds = self._settings.timeout.total_seconds()
            return Outcome(error=f"It did not answer within {seconds:.0f} s.")
        except (OSError, aiohttp.ClientError, ValueError) as error:
            return Outcome(error=_said(error))

    def _session(self) -> aiohttp.ClientSession:
        """Return a session that keeps nothing: no connections, no cookies, no names, no proxies."""
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                resolver=_Resolver(self._guard), use_dns_cache=False, force_close=True, limit=_AT_ONCE
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=self._settings.timeout.total_seconds()),
            headers={"User-Agent": "enamel"},
            auto_decompress=False,
            trust_env=False,
        )


class _Resolver(abc.AbstractResolver):
    """Looks names up for aiohttp, which connects to what comes out: nothing comes between check and connection."""

    def __init__(self, guard: WebhookTargets) -> None:
        self._guard = guard

    async def resolve(self, host: str, port: int = 0, family: Any = 0) -> list[abc.ResolveResult]:
        """Return those addresses of a host that may be connected to."""
        return [
            abc.ResolveResult(
                hostname=host, host=address, port=port, family=_family(address), proto=0, flags=0
            )
            for address in await self._guard.addresses(host, port)
        ]

    async def close(self) -> None:
        """Do nothing: nothing is kept."""


def _outcome(answer: aiohttp.ClientResponse) -> Outcome:
    """Return what an answer means."""
    status = answer.status
    if 200 <= status < 300:
        return Outcome(status=status)
    if status == _GONE:
        return Outcome(status=status, error="It answered 410: it wants no more.", final=True)
    why = ": redirects are not followed" if 300 <= status < 400 else ""
    after = answer.headers.get("Retry-After", "")
    pause = min(int(after), _LONGEST) if re.fullmatch("[0-9]{1,9}", after) else 0
    return Outcome(status=status, error=f"It answered {status}{why}.", retry_after=timedelta(seconds=pause))


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def _said(error: Exception) -> str:
    """Return why nothing was taken, in a sentence that fits a column."""
    return f"It could not be reached: {cleaning.clean(str(error))[:200] or type(error).__name__}."
