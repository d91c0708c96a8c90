"""The worker: claims tasks while its lease lasts, and drops them at once when it is lost."""

import asyncio
from collections.abc import Iterable
from datetime import timedelta
from functools import partial
from typing import Any

import structlog

from enamel import telemetry
from enamel.dispatch.base import Bell, Dispatch
from enamel.dispatch.hint import Stage
from enamel.flow import versions
from enamel.flow.journal import JournalBroken
from enamel.model import task as tasks_model
from enamel.model import topic
from enamel.model.errors import (
    LeaseLost,
    PlanUnreadable,
    StoreRefused,
    StoreUnavailable,
    TaskError,
)
from enamel.model.item import Item
from enamel.model.limits import NONE, Limits
from enamel.model.task import Task
from enamel.secrets.base import Keys
from enamel.store import claims, heartbeat
from enamel.store.lease import Lease
from enamel.worker.capacity import Capacity
from enamel.worker.reaper import Reaper
from enamel.worker.runner import TaskRunner
from enamel.worker.signal_reader import SignalReader
from enamel.worker.webhook import WebhookSender

log = structlog.get_logger(__name__)

_STUCK_AFTER = 5
"""Attempts of one worker after which a task ends that breaks off each time."""
_KEPT = 1000
"""Tasks of later versions, and tasks that broke off, that a worker remembers."""
_RENEWALS = 4
"""Renewals in the time of one lease."""


class Worker:
    """Carries out tasks of some topics, at most `max_tasks` at a time."""

    def __init__(
        self,
        lease: Lease,
        *,
        runner: TaskRunner,
        dispatch: Dispatch,
        keys: Keys,
        topics: topic.Topics = topic.ALL,
        max_tasks: int = 10_000,
        alone: bool = False,
        poll_interval: timedelta = timedelta(seconds=1),
        graceful_shutdown_timeout: timedelta = timedelta(seconds=10),
        pause: timedelta = timedelta(seconds=5),
        retention: timedelta | None = None,
        limits: Limits = NONE,
        sender: WebhookSender | None = None,
        signals: SignalReader | None = None,
    ) -> None:
        """Prepare a worker; `serve` lets it work.

        Args:
            lease: Its lease, not taken yet.
            runner: Carries the tasks out.
            dispatch: Wakes it when there are new tasks.
            keys: Where the secrets of ended tasks are removed.
            topics: The types of tasks that it claims.
            max_tasks: How many tasks it has at a time at most; one that waits costs little. It has fewer while it is behind.
            alone: Whether no other process can use this store: the tasks of earlier ones are taken over at once, without
                waiting for their leases to end.
            poll_interval: How often it looks for tasks without being woken.
            graceful_shutdown_timeout: How long it waits at its end for tasks to come to a point where they can be handed over.
            pause: How long a task rests that broke off for the first time; then twice, three times as long.
            retention: How long ended tasks are kept before it removes them; None for ever.
            limits: How many tasks may run at the same time, in all workers.
            sender: Sends events to webhooks; None if other workers do.
            signals: Wakes the steps for which messages have arrived; None where none waits.

        """
        self._lease = lease
        self._runner = runner
        self._dispatch = dispatch
        self._keys = keys
        self._topics = topics
        self._capacity = Capacity(max_tasks)
        self._limits = limits
        self._sender = sender
        self._signals = signals
        self._alone = alone
        self._poll_interval = poll_interval.total_seconds()
        self._graceful_shutdown_timeout = graceful_shutdown_timeout.total_seconds()
        self._pause = pause
        self._reaper = Reaper(lease, dispatch=dispatch, keys=keys, topics=topics, retention=retention)
        self._running: dict[str, asyncio.Task[None]] = {}
        self._begun: set[str] = set()
        """Tasks that the runner knows."""
        self._told: set[str] = set()
        """Tasks whose cancellation was passed to the runner."""
        self._unreadable: dict[str, None] = {}
        """Ids of the tasks whose plans it could not read, in the order of the attempts."""
        self._broke_off: dict[str, int] = {}
        """How often tasks broke off in this worker. Their attempts count hand-overs as well, which are no fault of theirs."""
        self._stop = asyncio.Event()

    @property
    def idle(self) -> bool:
        """Return whether the worker has no task."""
        return not self._running

    def stop(self) -> None:
        """Make `serve` hand over its tasks and return."""
        self._stop.set()

    async def serve(self) -> None:
        """Work until `stop`. A worker that loses its lease drops its tasks and goes on as a new worker."""
        while not self._stop.is_set():
            try:
                await self._lease.take()
                log.info("worker.started", worker=self._lease.id, name=self._lease.name)
                await self._reaper.reap(everyone=self._alone)
                # If there is another process after all, the two must not go on taking each other's tasks.
                self._alone = False
                await self._work()
            except StoreUnavailable as error:
                log.warning("worker.waits_for_store", worker=self._lease.name, why=error.detail)
            except LeaseLost:
                log.error("worker.lease_lost", worker=self._lease.id, tasks=len(self._running))
            except Exception:
                log.exception("worker.broke", worker=self._lease.id, tasks=len(self._running))
                await asyncio.sleep(self._poll_interval)
            finally:
                self._lease.over.set()
                await _drop(self._running.values())

    async def _work(self) -> None:
        """Renew, claim and reap until the lease is lost or the worker is stopped.

        Raises:
            LeaseLost: Others have the tasks now.

        """
        over = asyncio.create_task(self._lease.over.wait())
        stop = asyncio.create_task(self._stop.wait())
        duties: list[asyncio.Task[Any]] = [
            over,
            stop,
            asyncio.create_task(self._renew_for_ever()),
            asyncio.create_task(self._capacity.watch(self._running)),
        ]
        try:
            with self._dispatch.listen(self._topics) as bell:
                taking = [
                    asyncio.create_task(self._claim_for_ever(bell)),
                    asyncio.create_task(self._reaper.serve()),
                    asyncio.create_task(self._reaper.tidy_for_ever()),
                ]
                taking += [asyncio.create_task(self._sender.serve())] if self._sender else []
                taking += [asyncio.create_task(self._signals.serve(self._topics))] if self._signals else []
                duties += taking
                done, _ = await asyncio.wait(duties, return_when=asyncio.FIRST_COMPLETED)
                for duty in done:
                    duty.result()
                self._lease.check()
                await _drop(taking)
            # It no longer listens: others get the hints about what it gives back.
            await self._drain(over)
        finally:
            await _drop(duties)

    async def _renew_for_ever(self) -> None:
        loop = asyncio.get_running_loop()
        beating = heartbeat.of(self._lease, lost=lambda: loop.call_soon_threadsafe(self._lease.over.set))
        try:
            while True:
                await asyncio.sleep(self._lease.length.total_seconds() / _RENEWALS)
                beating.living()
                self._cancel(await self._lease.renew())
        finally:
            beating.stop()

    async def _claim_for_ever(self, bell: Bell) -> None:
        loop = asyncio.get_running_loop()
        count_at = loop.time()
        rung = False
        while True:
            if loop.time() >= count_at:
                await self._give_back_strays()
                count_at = loop.time() + self._lease.length.total_seconds()
            if rung:
                # The hint may be about a task that is to be cancelled.
                self._cancel(await self._lease.run(claims.cancelled, self._lease.id))
            limit = self._capacity.room(len(self._running))
            reader = claims.Reader(plan_version=versions.VERSION, unreadable=frozenset(self._unreadable))
            claim = partial(
                claims.claim, topics=self._topics, limit=limit, limits=self._limits, reader=reader
            )
            began = loop.time()
            claimed = await self._lease.run(claim, self._lease.id) if limit else ()
            self._capacity.lagged(loop.time() - began, held=len(self._running))
            for task, items in claimed:
                self._begin(task, items, bell)
            rung = (not limit or len(claimed) < limit) and await bell.wait(timeout=self._poll_interval)

    async def _give_back_strays(self) -> None:
        """Give back tasks that the store says this worker has, and it does not know.

        The answer to a claim may get lost with the connection, after its commit.
        """
        known = frozenset(self._running)
        strays = await self._lease.run(claims.held, self._lease.id) - known
        if strays:
            log.warning("worker.strays", worker=self._lease.id, tasks=len(strays))
            await self._lease.run(claims.release, self._lease.id, strays)

    def _begin(self, task: Task, items: tuple[Item, ...], bell: Bell) -> None:
        telemetry.CLAIMED.inc()
        if task.started_at is not None:
            telemetry.CLAIM_WAIT.observe(max(0.0, (task.started_at - task.created_at).total_seconds()))
        run = asyncio.create_task(self._carry_out(task, items), name=f"task {task.id}")
        self._running[task.id] = run
        telemetry.TASKS_HELD.set(len(self._running))

        def ended(run: asyncio.Task[None]) -> None:
            if not run.cancelled() and (error := run.exception()):
                log.error("task.dropped", task=task.id, error=repr(error))
            self._begun.discard(task.id)
            self._told.discard(task.id)
            del self._running[task.id]
            telemetry.TASKS_HELD.set(len(self._running))
            bell.ring()

        # A task that is dropped before its first step never runs `_carry_out`.
        run.add_done_callback(ended)
        if task.cancel_requested:
            asyncio.get_running_loop().call_soon(self._cancel, [task.id])

    def _cancel(self, asked: Iterable[str]) -> None:
        """Pass cancellations to the runner, each once, and only of tasks that it has."""
        for id in self._begun.intersection(asked) - self._told:
            self._told.add(id)
            self._runner.cancel(id)

    async def _carry_out(self, task: Task, items: tuple[Item, ...]) -> None:
        self._begun.add(task.id)
        try:
            try:
                await self._runner.run(task, items)
            except LeaseLost:
                raise
            except PlanUnreadable as error:
                left = await self._give_back(task, error)
            except JournalBroken as error:
                # The journal has logged what the database said.
                log.error("task.postponed", task=task.id, attempt=task.attempt, error=str(error))
                left = await self._give_up(task, error)
            except Exception as error:
                log.exception("task.stuck", task=task.id, attempt=task.attempt)
                left = await self._give_up(task, error)
            else:
                left = await self._lease.settle(task.id)
            if left is not None and left.state in tasks_model.ENDED:
                await self._reaper.bury(left)
        except LeaseLost:
            self._lease.over.set()

    async def _give_back(self, task: Task, error: PlanUnreadable) -> Task | None:
        """Give a task back that a later version has planned, and leave it for others from now on."""
        log.warning("task.given_back", task=task.id, type=task.type, why=error.detail)
        self._unreadable[task.id] = None
        _forget_oldest(self._unreadable)
        ended = await self._lease.run(claims.give_back, self._lease.id, task.id, why=error)
        if ended is None:
            await self._dispatch.publish(task.type, task=task.id, stage=Stage.RETURNED)
        return ended

    async def _give_up(self, task: Task, error: Exception) -> Task | None:
        """Postpone a task that broke off, or end it after too many attempts."""
        times = self._broke_off.pop(task.id, 0) + 1
        if times < _STUCK_AFTER:
            self._broke_off[task.id] = times
            _forget_oldest(self._broke_off)
            await self._lease.run(claims.postpone, self._lease.id, task.id, rest=self._pause * times)
            return None
        return await self._lease.run(claims.fail, self._lease.id, task.id, error=_stuck(times, error))

    async def _drain(self, over: asyncio.Task[Any]) -> None:
        """Stop the tasks where other workers can continue them, then give the lease back."""
        for id in tuple(self._begun):
            self._runner.hand_over(id)
        log.info("worker.draining", worker=self._lease.id, tasks=len(self._running))
        ending: asyncio.Future[Any] = asyncio.gather(*self._running.values(), return_exceptions=True)
        waits: list[asyncio.Future[Any]] = [ending, over]
        await asyncio.wait(
            waits, timeout=self._graceful_shutdown_timeout, return_when=asyncio.FIRST_COMPLETED
        )
        self._lease.check()
        await _drop(self._running.values())
        for id, type in (await self._lease.leave()).items():
            await self._dispatch.publish(type, task=id, stage=Stage.RETURNED)
        log.info("worker.stopped", worker=self._lease.id)


def _forget_oldest(remembered: dict[str, Any]) -> None:
    """Keep what is remembered of tasks from growing for ever."""
    if len(remembered) > _KEPT:
        del remembered[next(iter(remembered))]


def _stuck(times: int, error: Exception) -> TaskError:
    """Return the error of a task that no attempt can carry out."""
    undo = "Revert the task to remove what it made; its items show what that is."
    if not isinstance(error, JournalBroken):
        return TaskError(
            f"Internal error: {times} attempts to carry out this task failed.",
            remedy=f"Report it with the worker's log. {undo}",
        )
    cause = error.__cause__
    why = f" {cause.detail} {cause.advice}" if isinstance(cause, StoreRefused) else ""
    return TaskError(
        f"The database refused to record the progress of this task in {times} attempts.{why}",
        remedy=f"The worker's log has the reason (journal.refused). {undo}",
    )


async def _drop(work: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel running work and wait until all of it has stopped."""
    ending = list(work)
    for task in ending:
        task.cancel()
    await asyncio.gather(*ending, return_exceptions=True)
