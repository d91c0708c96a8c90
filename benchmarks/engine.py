"""The engine alone: journaled steps per second, accepting, waking and waiting, on each database and way of dispatching.

Every measurement runs in a process of its own, on a database that was emptied before. Where a database is not named,
this starts one with its own data, as safe against power failures as it is by default.

A prototype of the runner can be measured side by side (`--prototype FILE`): it does the same eight steps of which two
go in parallel, with nothing around them.
"""

import argparse
import asyncio
import contextlib
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import sqlalchemy as sa
import uvloop
from msgspec import Struct
from rich.console import Console
from rich.table import Table

from enamel import steps as kinds
from enamel.cli.process import service
from enamel.clouds.accounts import LocalAccounts
from enamel.commands import COMMANDS
from enamel.dispatch import open as dispatch_open
from enamel.dispatch.base import Dispatch
from enamel.flow import plan as plans
from enamel.flow.draft import Draft, Handle
from enamel.flow.plan import Plan
from enamel.flow.runner import Runner
from enamel.flow.runtime import Runtime
from enamel.model import ids
from enamel.model.event import Event
from enamel.model.item import Item
from enamel.model.task import Task
from enamel.secrets.local import Local as Keys
from enamel.steps.probe import Probe
from enamel.steps.step import Context, Outputs, Step
from enamel.store import dialects, migrations, schema, tasks
from enamel.store.engine import Store
from enamel.store.journal import Journal
from enamel.store.lease import Lease
from enamel.worker import signal_reader
from enamel.worker.worker import Worker

TYPE = "server.create"
FAR = timedelta(hours=12)


# -- what is carried out


class Nothing(Step, frozen=True, kw_only=True):
    """Do nothing, journaled like everything else."""

    kind: ClassVar[str] = "bench.nothing"
    action: ClassVar[str] = "MEASURING"

    number: int = 0
    before: tuple[Any, ...] = ()

    async def do(self, at: Context) -> Outputs:
        """Note the time."""
        if Nothing.hear is not None:
            Nothing.hear(at.task, self.number)
        return {"id": f"{at.task}-{self.number}"}

    hear: ClassVar[Callable[[str, int], None] | None] = None


class Wait(Step, frozen=True, kw_only=True):
    """Wait until the benchmark is over."""

    kind: ClassVar[str] = "bench.wait"
    action: ClassVar[str] = "WAITING"
    repeatable: ClassVar[bool] = True
    timeout: ClassVar[timedelta] = FAR

    async def do(self, at: Context) -> Outputs:
        """Wait as a step that waits for a cloud does."""
        await at.sleep(FAR.total_seconds())
        return {}


kinds.KINDS |= {Nothing.kind: Nothing, Wait.kind: Wait}


def eight() -> Plan:
    """Return a plan of eight steps, of which two go in parallel."""
    draft = Draft()
    last: list[Handle] = []
    for stage in ([0], [1], [2], [3, 4], [5], [6], [7]):
        last = [
            draft.add(Nothing(number=number, before=tuple(one["id"] for one in last))) for number in stage
        ]
    return draft.plan()


def waiting() -> Plan:
    """Return a plan that waits."""
    draft = Draft()
    draft.add(Wait())
    return draft.plan()


class NoClouds:
    """Clouds that nobody asks for anything."""

    def names(self) -> Sequence[str]:
        return ["none"]

    def get(self, name: str, *, project: str | None = None) -> Any:
        return self


async def accept(store: Store, plan: Plan, *, project: str = "project") -> Task:
    """Store a task as the API does."""
    new = Task(
        id=ids.new_id(),
        type=TYPE,
        action="CREATE",
        created_at=datetime.now(UTC),
        created_by="user",
        project_id=project,
        request_id="req",
        cloud="none",
        plan=plans.data(plan),
        deadline=datetime.now(UTC) + FAR,
    )
    items = [Item(task=new.id, name=node.name, kind=node.kind, action=node.action) for node in plan.nodes]
    first = Event(task=new.id, seq=1, time=new.created_at, type="task.accepted")
    return await store.run(tasks.insert, new, items, first)


class Site(Struct, frozen=True, kw_only=True):
    """Where a measurement takes place."""

    store: str
    dispatch: str | None = None

    @contextlib.asynccontextmanager
    async def process(self) -> AsyncIterator[tuple[Store, Dispatch]]:
        """Open what a process has: its store and its part in dispatching."""
        store = Store(self.store, timeout=timedelta(seconds=60))
        try:
            async with dispatch_open.open(self.dispatch, store=self.store, types=COMMANDS) as dispatch:
                yield store, dispatch
        finally:
            await store.close()

    def empty(self) -> None:
        """Make the schema anew."""
        engine = dialects.connect(self.store, idle_after=FAR)
        with engine.begin() as connection:
            schema.metadata.drop_all(connection)
            connection.execute(sa.text("DROP TABLE IF EXISTS alembic_version"))
        migrations.upgrade(engine)
        engine.dispose()


@contextlib.asynccontextmanager
async def at_work(store: Store, dispatch: Dispatch, *, max_tasks: int = 10_000) -> AsyncIterator[Worker]:
    """Have a worker work for as long as the `with` block lasts."""
    with tempfile.TemporaryDirectory() as directory:
        lease = Lease(store, name="bench")
        keys = Keys(Path(directory))
        tools = Runtime(
            saver=Journal(lease, changed=dispatch.changed),
            accounts=LocalAccounts(NoClouds()),
            secrets=keys,
            prober=Probe(),
            signals=signal_reader.waiters(store),
        )
        worker = Worker(
            lease,
            runner=Runner(tools),
            dispatch=dispatch,
            keys=keys,
            max_tasks=max_tasks,
            graceful_shutdown_timeout=timedelta(seconds=0.2),
        )
        working = asyncio.create_task(worker.serve())
        try:
            yield worker
        finally:
            worker.stop()
            await working


async def poll(true: Callable[[], bool]) -> None:
    while not true():
        await asyncio.sleep(0.005)


def spread(seconds: list[float]) -> dict[str, float]:
    """Return the middle and the slow end of some times, in milliseconds."""
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    return {"p50 ms": round(cuts[49] * 1000, 1), "p99 ms": round(cuts[98] * 1000, 1)}


# -- the measurements


async def steps(site: Site, *, count: int) -> dict[str, float]:
    """Count journaled steps per second of one worker that has plenty to do."""
    plan = eight()
    ended = 0

    def hear(_task: str, number: int) -> None:
        nonlocal ended
        ended += number == 7

    async with site.process() as (store, dispatch):
        for _ in range(0, count, 500):
            await asyncio.gather(*(accept(store, plan, project=f"p{n % 20}") for n in range(500)))
        Nothing.hear = hear
        began, cpu = time.perf_counter(), time.process_time()
        async with at_work(store, dispatch) as worker:
            await poll(lambda: ended >= count and worker.idle)
            took = time.perf_counter() - began
            cpu = time.process_time() - cpu
    return {
        "steps/s": round(8 * count / took),
        "CPU %": round(100 * cpu / took),
        "steps/CPU s": round(8 * count / cpu),
    }


async def accepting(site: Site, *, rate: int, seconds: float) -> dict[str, float]:
    """Measure how long the commit of a new task and its hint take, at a steady rate; a worker takes the tasks."""
    plan = eight()
    took: list[float] = []

    async def one(store: Store, dispatch: Dispatch) -> None:
        began = time.perf_counter()
        new = await accept(store, plan)
        await dispatch.publish(new.type, task=new.id)
        took.append(time.perf_counter() - began)

    async with site.process() as (store, dispatch), asyncio.TaskGroup() as group:
        begin = time.perf_counter()
        for number in range(int(rate * seconds)):
            await asyncio.sleep(max(0.0, begin + number / rate - time.perf_counter()))
            group.create_task(one(store, dispatch))
    return spread(took)


async def waking(site: Site, *, count: int) -> dict[str, float]:
    """Measure from accepting a task in one process to the beginning of its first step in another that had nothing."""
    plan = eight()
    begun: dict[str, float] = {}
    took: list[float] = []
    first = asyncio.Event()

    def hear(task: str, number: int) -> None:
        if number == 0:
            begun[task] = time.perf_counter()
            first.set()

    Nothing.hear = hear
    async with site.process() as (api, told), contextlib.AsyncExitStack() as stack:
        # On SQLite, and where hints stay within a process, there is one process only.
        one = told.trouble is None and not site.dispatch and site.store.startswith("sqlite")
        store, dispatch = (api, told) if one else await stack.enter_async_context(site.process())
        async with at_work(store, dispatch) as worker:
            await asyncio.sleep(1.5)
            for number in range(count):
                # At odd moments, so that no rhythm of looking fits.
                await asyncio.sleep(0.11 + 0.013 * (number % 17))
                await poll(lambda: worker.idle)
                first.clear()
                began = time.perf_counter()
                new = await accept(api, plan)
                await told.publish(new.type, task=new.id)
                await first.wait()
                took.append(begun[new.id] - began)
    return spread(took)


async def fill(site: Site, *, count: int) -> dict[str, float]:
    """Store tasks that wait."""
    plan = waiting()
    async with site.process() as (store, _):
        for _ in range(0, count, 500):
            await asyncio.gather(*(accept(store, plan, project=f"p{n % 20}") for n in range(500)))
    return {}


async def memory(site: Site, *, count: int) -> dict[str, float]:
    """Measure the memory of a worker that has this many waiting tasks."""
    words = [sys.executable, "-m", "benchmarks", "engine", "--once", "fill", "--store", site.store]
    # In a process of its own, as in an API: what accepting takes is not the worker's.
    filling = await asyncio.create_subprocess_exec(*words, "--count", str(count), stdout=subprocess.DEVNULL)
    if await filling.wait():
        raise SystemExit("The tasks could not be stored.")
    async with site.process() as (store, dispatch):
        before = resident()
        began = time.perf_counter()
        async with at_work(store, dispatch, max_tasks=count) as worker:
            await poll(lambda: len(worker._running) >= count)
            took = time.perf_counter() - began
            await asyncio.sleep(3)
            after = resident()
    return {
        "MB": round(after, 0),
        "KB each": round((after - before) * 1024 / count, 1),
        "claimed in s": round(took, 1),
    }


def resident() -> float:
    """Return the memory of this process in megabytes."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE") / 1024 / 1024


# -- the prototype


def loaded(path: str) -> Any:
    spec = importlib.util.spec_from_file_location("prototype", path)
    if spec is None or spec.loader is None:
        raise SystemExit(f"{path} is no Python file.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


async def prototype(site: Site, path: str, *, what: str, count: int) -> dict[str, float]:
    """Measure the prototype: its steps per second, or how fast it wakes."""
    proto = loaded(path)
    engine = proto.make_engine(site.store, sync="FULL")
    proto.md.drop_all(engine)
    proto.md.create_all(engine)
    begun: dict[str, float] = {}

    async def nothing(id: str, number: int) -> str:
        begun.setdefault(id, time.perf_counter())
        return f"{id}-{number}"

    async def eight_steps(flow: Any) -> None:
        for number in (0, 1, 2):
            await flow.step(f"s{number}", nothing, flow.id, number)
        await asyncio.gather(*(flow.step(f"s{number}", nothing, flow.id, number) for number in (3, 4)))
        for number in (5, 6, 7):
            await flow.step(f"s{number}", nothing, flow.id, number)

    notify = site.store.startswith("postgresql")
    worker = proto.Worker(
        site.store,
        {TYPE: eight_steps},
        [TYPE],
        max_tasks=10_000,
        listen=notify and what == "waking",
        sync="FULL",
    )
    try:
        if what == "steps":
            with engine.begin() as connection:
                for _ in range(count):
                    proto.enqueue(connection, TYPE)
            began = time.perf_counter()
            await worker.run(until=lambda now: now.done >= count)
            await poll(lambda: worker.store.q.empty())
            took = time.perf_counter() - began
            return {"steps/s": round(8 * count / took), "tasks/s": round(count / took)}
        running = asyncio.create_task(worker.run())
        await asyncio.sleep(1.5)
        took_each = []
        for number in range(count):
            await asyncio.sleep(0.11 + 0.013 * (number % 17))
            began = time.perf_counter()
            with engine.begin() as connection:
                id = proto.enqueue(connection, TYPE, notify=notify)
            while id not in begun:
                await asyncio.sleep(0.0005)
            took_each.append(begun[id] - began)
        running.cancel()
        return spread(took_each)
    finally:
        engine.dispose()


# -- all of it


MEASUREMENTS = ("steps", "accept", "wake", "memory")


def run(measured: Coroutine[Any, Any, dict[str, float]]) -> dict[str, float]:
    """Run a measurement as the services run."""
    service.spare_collector()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(measured)


def once(options: argparse.Namespace) -> dict[str, float]:
    """Carry one measurement out in this process."""
    site = Site(store=options.store, dispatch=options.dispatch)
    quick = options.quick
    if options.prototype:
        what, count = (
            ("steps", 500 if quick else 3000) if options.once == "steps" else ("waking", 20 if quick else 60)
        )
        return run(prototype(site, options.prototype, what=what, count=count))
    if options.once == "fill":
        return run(fill(site, count=options.count))
    site.empty()
    measured = {
        "steps": lambda: steps(site, count=500 if quick else 3000),
        "accept": lambda: accepting(site, rate=200, seconds=3 if quick else 15),
        "wake": lambda: waking(site, count=20 if quick else 60),
        "memory": lambda: memory(site, count=1000 if quick else 10_000),
    }[options.once]
    return run(measured())


@contextlib.contextmanager
def databases(options: argparse.Namespace) -> Iterator[dict[str, str]]:
    """Yield the URLs of the databases and the broker; start those that were not named."""
    from tests.integration import services

    os.environ["ENAMEL_TEST_FSYNC"] = "on"
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory,
        contextlib.ExitStack() as stack,
    ):
        found = {"SQLite": f"sqlite:///{Path(directory) / 'enamel.db'}"}
        for label, name in (("PostgreSQL", "postgresql"), ("MariaDB", "mariadb"), ("RabbitMQ", "rabbitmq")):
            given = getattr(options, name)
            try:
                daemon = services.SERVICES[name](Path(directory))
                found[label] = given or stack.enter_context(daemon.running()).url
            except services.debian.Unavailable as why:
                print(f"Without {label}: {why}.", file=sys.stderr)
        yield found


def places(urls: dict[str, str]) -> Iterator[tuple[str, Site]]:
    """Yield what is measured, by its name."""
    for name in ("SQLite", "PostgreSQL", "MariaDB"):
        if name not in urls:
            continue
        own = {"SQLite": "in process", "PostgreSQL": "NOTIFY", "MariaDB": "polling"}[name]
        yield f"{name}, {own}", Site(store=urls[name])
        if name != "SQLite" and "RabbitMQ" in urls:
            yield f"{name}, RabbitMQ", Site(store=urls[name], dispatch=urls["RabbitMQ"])


def child(
    site: Site, what: str, options: argparse.Namespace, *, prototype: str | None = None
) -> dict[str, Any]:
    """Carry one measurement out in a process of its own."""
    words = [sys.executable, "-m", "benchmarks", "engine", "--once", what, "--store", site.store]
    words += ["--dispatch", site.dispatch] if site.dispatch else []
    words += ["--prototype", prototype] if prototype else []
    words += ["--quick"] if options.quick else []
    done = subprocess.run(
        words, capture_output=True, text=True, env={**os.environ, "ENAMEL_LOG_LEVEL": "ERROR"}
    )
    try:
        measured: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    except (IndexError, ValueError):
        return {"failed": (done.stderr or done.stdout).strip().splitlines()[-1:]}
    return measured


def main(words: Sequence[str]) -> None:
    """Measure everything and print a table for each measurement."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks engine", description=__doc__)
    parser.add_argument("--postgresql", default=os.environ.get("ENAMEL_BENCH_POSTGRESQL"), metavar="URL")
    parser.add_argument("--mariadb", default=os.environ.get("ENAMEL_BENCH_MARIADB"), metavar="URL")
    parser.add_argument("--rabbitmq", default=os.environ.get("ENAMEL_BENCH_RABBITMQ"), metavar="URL")
    parser.add_argument("--prototype", metavar="FILE", help="a prototype of the runner to measure, too")
    parser.add_argument("--only", choices=MEASUREMENTS, action="append", help="measure this; can be repeated")
    parser.add_argument("--rounds", type=int, default=1, help="how often; medians are shown")
    parser.add_argument("--quick", action="store_true", help="less of everything, for a first look")
    parser.add_argument("--json", action="store_true", help="print what was measured for machines")
    parser.add_argument("--once", choices=(*MEASUREMENTS, "fill"), help=argparse.SUPPRESS)
    parser.add_argument("--count", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--store", help=argparse.SUPPRESS)
    parser.add_argument("--dispatch", help=argparse.SUPPRESS)
    options = parser.parse_args(words)
    if options.once:
        print(json.dumps(once(options)))
        return
    results: dict[str, dict[str, list[dict[str, Any]]]] = {}
    with databases(options) as urls:
        for _ in range(options.rounds):
            for what in options.only or MEASUREMENTS:
                for label, site in places(urls):
                    # What does not depend on the way of dispatching is measured once for each database.
                    if what == "memory" and site.dispatch:
                        continue
                    results.setdefault(what, {}).setdefault(label, []).append(child(site, what, options))
                    if options.prototype and not site.dispatch and what in {"steps", "wake"}:
                        measured = child(site, what, options, prototype=options.prototype)
                        name = f"{label.split(',')[0]}, prototype"
                        results[what].setdefault(name, []).append(measured)
    if options.json:
        print(json.dumps(results, indent=2))
        return
    for what, rows in results.items():
        show(what, rows)


def show(what: str, rows: dict[str, list[dict[str, Any]]]) -> None:
    """Print a table of the medians."""
    columns = list(dict.fromkeys(key for found in rows.values() for one in found for key in one))
    table = Table(title=what)
    table.add_column("")
    for column in columns:
        table.add_column(column, justify="right")
    for label, found in rows.items():
        cells = [[one[column] for one in found if column in one] for column in columns]
        table.add_row(label, *(_middle(values) for values in cells))
    Console().print(table)


def _middle(values: list[Any]) -> str:
    if not values:
        return ""
    return f"{statistics.median(values):g}" if isinstance(values[0], int | float) else str(values[0])
