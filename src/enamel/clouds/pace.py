"""The pace of calls to the services of one cloud, kept by all tasks of all projects together.

A gate stands before each service. It lets in as many as the service seems to bear, in the order of the lanes. When the
service asks for a pause, the gate closes for everybody, not only for the call that was told.
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
from enamel.clouds import asking, budget, lanes, strain
from enamel.clouds.asking import Lane
from enamel.clouds.budget import Ceiling, Pauses, Trouble
from enamel.model.errors import CloudThrottled

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

LONGEST_PAUSE = 60.0
"""A call of a task waits for so many seconds at a closed gate; before that it is sent away, and comes back later."""
WORTH_TELLING = 1.0
"""A gate that closes for less than these seconds is not worth a line in the log."""


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
        ceiling: Ceiling | None = None,
        *,
        cloud: str = "",
        service: str = "",
        pauses: Pauses | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.service = service
        self.budget = budget.Budget(ceiling or Ceiling(), pauses=pauses, now=now)
        self.strain = strain.Strain()
        self.inside = 0
        """How many calls are under way."""
        self.complaints = 0
        """How many there were since the process began."""
        self.last_complaint: Complaint | None = None
        self._cloud = cloud
        self._now = now
        self._lanes = lanes.Lanes()
        self._alarm: asyncio.TimerHandle | None = None

    @property
    def waiting(self) -> dict[Lane, int]:
        """Return how many wait in each lane."""
        return dict(self._lanes.waiting)

    @property
    def closed_for(self) -> float:
        """Return for how many seconds the service is left alone; 0 where it is not."""
        return max(0.0, self.budget.open_from - self._now())

    @contextlib.asynccontextmanager
    async def turn(self, *, reads: bool, now_within: float | None = None) -> AsyncIterator[float]:
        """Wait for a turn; yield when it began.

        Args:
            reads: Whether the call changes nothing.
            now_within: Seconds that somebody waits at the most who is no task.

        Raises:
            CloudThrottled: It takes longer than the caller waits.

        """
        asker = asking.current()
        longest = None if asker.patient else now_within
        if self.closed_for > (LONGEST_PAUSE if longest is None else longest):
            raise self._away()
        if self._lanes or not self._may_enter():
            lane = asker.lane or (Lane.READS if reads else Lane.WRITES)
            await self._in_line(lanes.Turn(asker, lane), longest=longest)
        else:
            self._enter()
        try:
            yield self._now()
        finally:
            self.inside -= 1
            self._let_in()

    def went_well(self, kind: Hashable, *, seconds: float) -> None:
        """Take note of a call that the service answered without complaint."""
        if self.strain.took(kind, seconds):
            self.budget.eased()
        else:
            self.budget.went_well()
        self._let_in()

    def complained(
        self, trouble: Trouble, *, began: float, status: int = 0, pause: float | None = None
    ) -> float:
        """Take note of a complaint; return for how many seconds the gate is closed because of it."""
        self.complaints += 1
        self.last_complaint = Complaint(at=datetime.now(UTC), trouble=trouble, status=status, pause=pause)
        telemetry.COMPLAINTS.labels(cloud=self._cloud, service=self.service, trouble=trouble.value).inc()
        closed = self.budget.complained(trouble, began=began, pause=pause)
        self._send_away()
        if closed >= WORTH_TELLING:
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

    def close(self, pause: float) -> None:
        """Leave the service alone for some seconds, because another process was told to."""
        self.budget.close(pause)
        self._send_away()

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
        """Return the error for somebody who does not wait until the gate opens."""
        seconds = max(1, math.ceil(self.closed_for))
        why = f": {self.last_complaint.trouble.value}" if self.last_complaint else ""
        return CloudThrottled(
            f"{self._cloud}'s {self.service} service is to be left alone for {seconds} s{why}.",
            cloud=self._cloud,
            retry_after=seconds,
        )

    def _send_away(self) -> None:
        """Let nobody stand in line for longer than anybody waits."""
        if self.closed_for > LONGEST_PAUSE:
            for turn in self._lanes.clear():
                if not turn.granted.done():
                    turn.granted.set_exception(self._away())

    def _let_in(self) -> None:
        """Let in as many as may, and look again when the next may."""
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
        ceiling: Callable[[str], Ceiling] = lambda service: Ceiling(),
        pauses: Pauses | None = None,
    ) -> None:
        """Begin with open gates.

        Args:
            cloud: What the cloud is called in logs and metrics.
            ceiling: What the operator allows at the most of a service.
            pauses: How long a service is left alone that does not say for how long.
        """
        self.cloud = cloud
        self.gates: dict[str, Gate] = {}
        """By service, of those that were called yet."""
        self._ceiling = ceiling
        self._pauses = pauses

    def gate(self, service: str) -> Gate:
        """Return the door to a service."""
        found = self.gates.get(service)
        if found is None:
            found = Gate(
                self._ceiling(service), cloud=self.cloud, service=service, pauses=self._pauses
            )
            self.gates[service] = found
        return found
