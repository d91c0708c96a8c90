"""The pace of calls to the services of one cloud, kept by all tasks of all projects together.

A gate stands before each service. It lets in as many as the service seems to bear, in the order of the lanes. When the
service asks for a pause, the gate closes for everybody, not only for the call that was throttled.
"""

import asyncio
import contextlib
import math
import random
import time
from collections.abc import AsyncIterator, Callable, Hashable
from datetime import UTC, datetime

import structlog
from msgspec import Struct

from enamel import telemetry
from enamel.clouds.calls import context
from enamel.clouds.pacing import budget, lanes, latency
from enamel.clouds.pacing.budget import Ceiling, Pauses, Trouble
from enamel.clouds.shared.store import SharedStore
from enamel.clouds.shared.throttle_notes import ThrottleNotes
from enamel.model import ceiling
from enamel.model.call_context import Lane
from enamel.model.ceiling import Ceilings
from enamel.model.errors import CloudThrottled

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

LONGEST_PAUSE = 60.0
"""How many seconds a task's call waits at most at a closed gate; for a longer pause it fails at once, and is retried later."""
WORTH_TELLING = 1.0
"""A gate that closes for less than these seconds is not worth a line in the log, nor a note to others."""
NOT_NEW = 0.5
"""Seconds by which another process's pause may seem longer than the same one here."""


class Down(Exception):
    """The service is down: a call that went ahead found it so, for all who stood in line. Nothing was sent."""


class Complaint(Struct, frozen=True, kw_only=True):
    """What a service has complained of."""

    at: datetime
    trouble: Trouble
    status: int
    """0 where there was no answer."""
    pause: float | None
    """Seconds that the service has asked for; None where it named none that makes sense."""


class Gate:
    """The door to one service."""

    def __init__(
        self,
        most: Ceiling | None = None,
        *,
        cloud: str = "",
        service: str = "",
        pauses: Pauses | None = None,
        notes: ThrottleNotes | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.service = service
        self.budget = budget.Budget(most or Ceiling(), pauses=pauses, now=now)
        self.strain = latency.Latency()
        self.inside = 0
        """How many calls are under way."""
        self.complaints = 0
        """How many there were since the process began."""
        self.last_complaint: Complaint | None = None
        self._cloud = cloud
        self._notes = notes
        self._telling: set[asyncio.Task[None]] = set()
        self._now = now
        self._lanes = lanes.Lanes()
        self._alarm: asyncio.TimerHandle | None = None

    @property
    def waiting(self) -> dict[Lane, int]:
        """Return how many wait in each lane."""
        return dict(self._lanes.waiting)

    @property
    def closed_for(self) -> float:
        """Return for how many seconds calls to the service are paused; 0 if they are not."""
        return max(0.0, self.budget.open_from - self._now())

    @contextlib.asynccontextmanager
    async def turn(
        self, *, reads: bool, account: str = "", now_within: float | None = None
    ) -> AsyncIterator[float]:
        """Wait for a turn; yield when it began.

        Args:
            reads: Whether the call changes nothing.
            account: Whose account of the cloud it is made with, where several lead to it.
            now_within: Seconds that a call waits which is not a task's; the deadline of the context may be earlier.

        Raises:
            CloudThrottled: It takes longer than the caller waits.
            Down: Whoever went ahead found the service down.

        """
        if self._notes is not None and self._notes.due:
            await self._heed(self._notes)
        asking = context.current()
        left = context.seconds_left()
        longest = None if asking.patient else now_within
        if left < (longest or math.inf):
            longest = max(0.0, left)
        if self.closed_for > (LONGEST_PAUSE if longest is None else longest):
            raise self._away()
        if self._lanes or not self._may_enter():
            turn = lanes.Turn(
                project=f"{account} {asking.caller.project_id}",
                task=asking.task,
                lane=asking.lane or (Lane.READS if reads else Lane.WRITES),
            )
            await self._in_line(turn, longest=longest)
        else:
            self._enter()
        try:
            yield self._now()
        finally:
            self.inside -= 1
            self._let_in()

    def went_well(self, kind: Hashable, *, seconds: float) -> None:
        """Record a call that the service answered without complaint."""
        if self.strain.took(kind, seconds):
            self.budget.eased()
        else:
            self.budget.went_well()
        self._let_in()

    def complained(
        self, trouble: Trouble, *, began: float, status: int = 0, pause: float | None = None
    ) -> float:
        """Record a complaint; return for how many seconds the gate is closed because of it."""
        self.complaints += 1
        self.last_complaint = Complaint(at=datetime.now(UTC), trouble=trouble, status=status, pause=pause)
        telemetry.COMPLAINTS.labels(cloud=self._cloud, service=self.service, trouble=trouble.value).inc()
        closed = self.budget.complained(trouble, began=began, pause=pause)
        self._send_away()
        if closed and pause is None and trouble is not Trouble.TOO_MANY:
            # Each of them finding it out one after the other would take for ever.
            self._dismiss(lambda: Down(trouble.value))
        if closed >= WORTH_TELLING:
            self._tell(closed)
            log.warning(
                "cloud.paused",
                cloud=self._cloud,
                service=self.service,
                why=trouble.value,
                status=status,
                seconds=round(closed, 1),
                limit=self.budget.limit,
            )
        return closed

    async def _heed(self, notes: ThrottleNotes) -> None:
        """Keep the pause that another process was asked for."""
        pause = await notes.look()
        self.budget.share = notes.processes
        if pause > self.closed_for + NOT_NEW:
            self.budget.close(pause)
            self._send_away()

    def _tell(self, pause: float) -> None:
        """Let the other processes know of a pause."""
        if self._notes is not None:
            telling = asyncio.get_running_loop().create_task(self._notes.tell(pause))
            self._telling.add(telling)
            telling.add_done_callback(self._telling.discard)

    def _may_enter(self) -> bool:
        return self.inside < self.budget.limit and self.budget.pause() <= 0

    def _enter(self) -> None:
        self.inside += 1
        self.budget.began()

    async def _in_line(self, turn: lanes.Turn, *, longest: float | None) -> None:
        self._lanes.push(turn)
        self._let_in()
        try:
            async with asyncio.timeout(longest):
                await turn.granted
        except BaseException as exc:
            self._lanes.remove(turn)
            if turn.entered:
                self.inside -= 1
            self._let_in()
            if isinstance(exc, TimeoutError):
                raise self._away() from exc
            raise

    def _away(self) -> CloudThrottled:
        """Return the error for a call that does not wait until the gate opens."""
        seconds = max(1, math.ceil(self.closed_for))
        complaint = self.last_complaint
        if complaint is None:
            why = ""
        elif complaint.pause is not None:
            why = ", as the service asked"
        else:
            why = f": {complaint.trouble.value}"
        return CloudThrottled(
            f"Calls to {self.service} on {self._cloud} are paused for {seconds} s{why}.",
            cloud=self._cloud,
            retry_after=seconds,
        )

    def _send_away(self) -> None:
        """Let nobody stand in line for longer than anybody waits."""
        if self.closed_for > LONGEST_PAUSE:
            self._dismiss(self._away)

    def _dismiss(self, why: Callable[[], Exception]) -> None:
        """Send everybody away who stands in line."""
        for turn in self._lanes.clear():
            if not turn.granted.done():
                turn.granted.set_exception(why())

    def _let_in(self) -> None:
        """Let in as many as may enter, and check again when the next may."""
        while self._lanes and self._may_enter():
            turn = self._lanes.pop()
            if not turn.granted.done():
                self._enter()
                turn.entered = True
                turn.granted.set_result(None)
        if self._lanes and self.inside < self.budget.limit:
            self._look_again(self.budget.pause())

    def _look_again(self, seconds: float) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        # Processes that have waited together do not all come back in the same instant.
        late = seconds * random.uniform(0.0, 0.1)
        self._alarm = asyncio.get_running_loop().call_later(seconds + late + 0.001, self._rung)

    def _rung(self) -> None:
        self._alarm = None
        self._let_in()


class Pace:
    """The gates of one cloud."""

    def __init__(
        self,
        *,
        cloud: str = "",
        most: Callable[[str], Ceiling] = lambda service: Ceiling(),
        pauses: Pauses | None = None,
        notes: Callable[[str], ThrottleNotes] | None = None,
    ) -> None:
        """Begin with open gates.

        Args:
            cloud: What the cloud is called in logs and metrics.
            most: What the operator allows of a service.
            pauses: How long calls to a service are paused that does not say for how long.
            notes: What other processes tell about a service.
        """
        self.cloud = cloud
        self.gates: dict[str, Gate] = {}
        """By service, of those that were called yet."""
        self._most = most
        self._pauses = pauses
        self._notes = notes

    def gate(self, service: str) -> Gate:
        """Return the door to a service."""
        known = self.gates.get(service)
        if known is None:
            known = self.gates[service] = Gate(
                self._most(service),
                cloud=self.cloud,
                service=service,
                pauses=self._pauses,
                notes=self._notes(service) if self._notes else None,
            )
        return known


class Paces:
    """The paces of all clouds of a process. Entries of the configuration that are one cloud have one pace."""

    def __init__(
        self,
        *,
        max_concurrent_calls: Ceilings = ceiling.NONE,
        max_calls_per_second: Ceilings = ceiling.NONE,
        board: SharedStore | None = None,
    ) -> None:
        """Take what operators allow.

        Args:
            max_concurrent_calls: How many calls may be under way at the same time.
            max_calls_per_second: How many may begin in a second.
            board: Where processes share the pauses that clouds have asked for.
        """
        self._max_concurrent_calls = max_concurrent_calls
        self._max_calls_per_second = max_calls_per_second
        self._board = board
        self._paces: dict[str, Pace] = {}

    def of(self, site: str, *, cloud: str, pauses: Pauses | None = None) -> Pace:
        """Return the pace of a cloud.

        Args:
            site: What is the same in all entries of the same cloud, and in all processes.
            cloud: The entry that is opened.
            pauses: How long calls to a service are paused that does not say for how long.
        """
        pace = self._paces.get(site)
        if pace is None:
            on = self._board
            pace = self._paces[site] = Pace(
                cloud=cloud,
                most=lambda service: self._ceiling(cloud, service),
                pauses=pauses,
                notes=(lambda service: ThrottleNotes(on, site, service))
                if on is not None and on.there
                else None,
            )
        return pace

    def _ceiling(self, cloud: str, service: str) -> Ceiling:
        usual = Ceiling()
        max_concurrent_calls = self._max_concurrent_calls.of(cloud, service)
        return Ceiling(
            max_concurrent_calls=usual.max_concurrent_calls
            if max_concurrent_calls is None
            else max(1, int(max_concurrent_calls)),
            max_calls_per_second=self._max_calls_per_second.of(cloud, service),
        )
