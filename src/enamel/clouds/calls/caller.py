"""The caller: what every call to a cloud goes through, whatever protocol its driver speaks.

A call waits for its turn at the service's gate, passes the fence when it changes something, is recorded, and is repeated
only where that cannot do anything twice: reads and deletions always, anything else where nothing can have happened.
What becomes of other writes that get no usable answer is unknown, and reported so.

    async def once(attempt: caller.Attempt) -> Reply:
        token = await session.token()            # before the turn: whatever else has to be waited for
        async with attempt:                      # the turn: gate, fence and record
            reply = await client.send(...)
            attempt.status = reply.status
        if reply.status == 503:
            raise caller.Failure(CloudBusy(...), no_effect=True, trouble=Trouble.BUSY)
        return reply

    reply = await calls.run(caller.Operation(service="compute", method="RunInstances", path="web-1"), once)
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from types import TracebackType
from typing import TypeVar

from msgspec import Struct

from enamel.clouds.calls import context, fence, record
from enamel.clouds.calls.timeouts import Timeouts
from enamel.clouds.pacing import gate as pacing_gate
from enamel.clouds.pacing import latency
from enamel.clouds.pacing.budget import Trouble
from enamel.model.errors import CloudUnreachable, EnamelError, OutcomeUnknown
from enamel.model.item import Call

T = TypeVar("T")


class Operation(Struct, frozen=True, kw_only=True):
    """What a call does, as the gate, the record and the errors need to know it."""

    service: str
    """Which of the cloud's services it is for; each has a gate of its own."""
    method: str
    """The HTTP method, or the operation's name."""
    path: str
    """What it is done to."""
    reads: bool = False
    """Whether it changes nothing."""
    repeatable: bool = False
    """Whether it does no harm when the cloud carries it out twice."""


class Failure(Exception):
    """An attempt got no usable answer, though another attempt may."""

    def __init__(
        self,
        error: EnamelError,
        *,
        no_effect: bool,
        trouble: Trouble | None = None,
        pause: float | None = None,
        throttled: bool = False,
    ) -> None:
        """Say what came of an attempt.

        Args:
            error: What is raised when no attempt is left.
            no_effect: Whether it is certain that the cloud has changed nothing.
            trouble: What the service showed of being asked too much, if anything.
            pause: Seconds for which the service asks not to be called.
            throttled: Whether it asks for a pause: the gate keeps it, for everybody.
        """
        super().__init__(str(error))
        self.error = error
        self.no_effect = no_effect
        self.trouble = trouble
        self.pause = pause
        self.throttled = throttled


class Again(Exception):
    """The attempt had no effect, and another one can be made at once: the credentials have been renewed."""


class Attempt:
    """One attempt at an operation: an asynchronous context manager around what is sent and received."""

    def __init__(self, caller: "Caller", operation: Operation) -> None:
        self.operation = operation
        self.status = 0
        """The answer's HTTP status, or the nearest to it; 0 while there is no answer."""
        self.request_id = ""
        """The cloud's id of the request."""
        self.path = operation.path
        """What the record shows."""
        self.sent = 0
        """Bytes of the call's body."""
        self.received = 0
        """Bytes of the answer's body."""
        self._caller = caller
        self._gate = caller.gate(operation.service)
        self._turn: AbstractAsyncContextManager[float] | None = None
        self._began = 0.0
        self._started = 0.0
        self._at = datetime.min
        self._seconds = 0.0
        self._complained = False

    async def __aenter__(self) -> "Attempt":
        """Wait for a turn. Raises CloudThrottled, LeaseLost, and what stands for a service that is down."""
        operation = self.operation
        self._turn = self._gate.turn(
            reads=operation.reads,
            account=self._caller.cloud,
            now_within=self._caller.timeouts.throttled_now,
        )
        try:
            self._began = await self._turn.__aenter__()
        except pacing_gate.Down as down:
            self._turn = None
            error = CloudUnreachable(
                f"{self._caller.cloud}'s {operation.service} service gave no answer to "
                f"{operation.method} {operation.path}: {down}",
                cloud=self._caller.cloud,
            )
            raise Failure(error, no_effect=True) from down
        try:
            if not operation.reads:
                fence.check()
        except BaseException as exc:
            await self._turn.__aexit__(type(exc), exc, exc.__traceback__)
            raise
        self._started, self._at = time.perf_counter(), datetime.now(UTC)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Record the call, and let the next one in."""
        self._seconds = time.perf_counter() - self._started
        record.add(
            Call(
                method=self.operation.method,
                service=self.operation.service,
                path=self.path,
                status=self.status,
                request_id=self.request_id,
                ms=round(self._seconds * 1000, 1),
                at=self._at,
            ),
            cloud=self._caller.cloud,
        )
        if isinstance(exc, Failure):
            # The gate hears of it before it lets the next one in.
            self.failed(exc)
        if self._turn is not None:
            await self._turn.__aexit__(kind, exc, trace)

    def failed(self, failure: Failure) -> None:
        """Tell the gate what the service has shown of being asked too much, once."""
        if failure.trouble is not None and not self._complained:
            self._complained = True
            self._gate.complained(failure.trouble, began=self._began, status=self.status, pause=failure.pause)

    def answered(self) -> None:
        """Tell the gate that the service has answered in its own good time, be it with a refusal."""
        if self.status:
            kind = latency.kind(self.operation.method, self.operation.path, sent=self.sent, got=self.received)
            self._gate.went_well(kind, seconds=self._seconds)


class Caller:
    """Calls one cloud with one account."""

    def __init__(self, *, cloud: str, gates: pacing_gate.Pace, timeouts: Timeouts) -> None:
        """Take what the calls go through.

        Args:
            cloud: What the cloud is called in the record and in errors.
            gates: Those of the cloud, shared by all accounts on it.
            timeouts: How long and how often it is called.
        """
        self.cloud = cloud
        self.timeouts = timeouts
        self._pace = gates
        self._under_way = 0

    @property
    def in_use(self) -> bool:
        """Whether an operation is under way."""
        return self._under_way > 0

    def gate(self, service: str) -> pacing_gate.Gate:
        """Return the gate of a service."""
        return self._pace.gate(service)

    async def run(self, operation: Operation, once: Callable[[Attempt], Awaitable[T]]) -> T:
        """Carry an operation out and return what an attempt at it returns.

        Args:
            operation: What is done.
            once: Makes one attempt. It raises Failure, Again, or an error of the cloud: a refusal, which is final.

        Raises:
            CloudError, QuotaExceeded: What the cloud answered, or that it did not answer.
            LeaseLost: The worker's lease is over, and the operation would change something.

        """
        self._under_way += 1
        try:
            return await self._run(operation, once)
        finally:
            self._under_way -= 1

    async def _run(self, operation: Operation, once: Callable[[Attempt], Awaitable[T]]) -> T:
        failures, begun = 0, time.monotonic()
        while True:
            attempt = Attempt(self, operation)
            try:
                value = await once(attempt)
            except Again:
                continue
            except Failure as failure:
                attempt.failed(failure)
                failures += not failure.throttled
                await self._pause_or_raise(operation, failure, failures=failures, begun=begun)
            except EnamelError:
                attempt.answered()
                raise
            else:
                attempt.answered()
                return value

    async def _pause_or_raise(
        self, operation: Operation, failure: Failure, *, failures: int, begun: float
    ) -> None:
        """Wait before the next attempt, or raise where there is to be none."""
        error = failure.error
        if not failure.no_effect and not (operation.reads or operation.repeatable):
            raise OutcomeUnknown(
                f"It is unknown what became of {operation.method} {operation.path}: {error.detail}",
                cloud=self.cloud,
                request_ids=error.request_ids,
            ) from error
        left = context.seconds_left()
        if failure.throttled:
            # The gate keeps the pause, for everybody.
            longest = self.timeouts.with_throttling(patient=context.current().patient)
            waited, closed = time.monotonic() - begun, self.gate(operation.service).closed_for
            if waited > longest or closed > min(longest, left, pacing_gate.LONGEST_PAUSE):
                raise error
            return
        if failures >= self.timeouts.tries:
            raise error
        longest = min(self.timeouts.longest_pause, self.timeouts.first_pause * 2 ** (failures - 1))
        pause = longest * random.uniform(0.5, 1.0)
        if pause > left:
            raise error
        await asyncio.sleep(pause)
