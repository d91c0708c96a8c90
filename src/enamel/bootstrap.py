"""Builds every object of a process, once, and takes them down again in reverse."""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from enamel.api import app, local_listener, routes
from enamel.api import serve as api_serve
from enamel.api.local_guard import LocalGuard
from enamel.clouds import drivers, registry
from enamel.clouds.accounts import Accounts, LocalAccounts
from enamel.clouds.openstack.driver import OpenStack
from enamel.clouds.pacing.gate import Paces
from enamel.clouds.registry import Registry
from enamel.clouds.shared import open as boards
from enamel.commands import COMMANDS
from enamel.commands.orphan.find import Rules
from enamel.conf import placement
from enamel.conf.settings import Settings
from enamel.dispatch import open as dispatch_open
from enamel.dispatch.base import Dispatch
from enamel.flow.runner import Runner
from enamel.flow.runtime import Runtime
from enamel.model.errors import CloudUnknown, Invalid
from enamel.model.placement import Containers
from enamel.sandbox import faults, kernel
from enamel.sandbox import serve as sandbox_serve
from enamel.sandbox.serve import Sandbox
from enamel.secrets import local as local_keys
from enamel.secrets.base import Keys
from enamel.service import assembly
from enamel.service.access import clouds as caller_clouds
from enamel.service.access.caller import LocalCaller
from enamel.service.access.webhook_targets import WebhookTargets
from enamel.service.process import doctor, health_checks, loop_watch
from enamel.service.process.doctor import Examination
from enamel.service.process.health import Health
from enamel.service.services import Services
from enamel.steps.probe import Probe
from enamel.store import dialects, idempotency, migrations
from enamel.store.directory_lock import DatabaseLock, DirectoryLock
from enamel.store.engine import Store
from enamel.store.journal import Journal
from enamel.store.lease import Lease
from enamel.worker import signal_reader, webhook
from enamel.worker.scheduled_revert import ScheduledRevertPlanner
from enamel.worker.signal_reader import SignalReader
from enamel.worker.webhook import WebhookSender
from enamel.worker.worker import Worker

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Running:
    """A process that does its work."""

    url: str
    """Where it answers; empty where a worker does not listen."""
    clouds: Registry
    services: Services
    sandbox: Sandbox | None = None
    """The built-in cloud, where one was started."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Parts:
    """What every role is made of."""

    settings: Settings
    store: Store
    clouds: Registry
    accounts: Accounts
    keys: Keys
    dispatch: Dispatch
    containers: Containers


# -- the roles


@contextlib.asynccontextmanager
async def up(
    settings: Settings,
    *,
    sandbox: kernel.Settings | None = None,
    rules: Sequence[faults.Rule] = (),
) -> AsyncIterator[Running]:
    """Run API and worker in one process, with the built-in cloud where no other is configured.

    Args:
        settings: The settings of the process.
        sandbox: What the built-in cloud is like, if it is started.
        rules: The faults it has from the beginning.

    Raises:
        CloudUnknown: The configuration of the clouds cannot be used.
        OSError: The port is taken, or the data directory cannot be written.
    """
    async with contextlib.AsyncExitStack() as stack:
        # SQLite and others make files as they like: none of them is for anybody else.
        os.umask(0o077)
        stack.enter_context(DirectoryLock(settings.data))
        stack.enter_context(DatabaseLock(settings.database))
        cloud = await _sandbox(stack, settings, sandbox, rules)
        clouds = _clouds(settings, cloud)
        parts = await _parts(stack, settings, clouds, prepare=migrations.upgrade)
        if settings.alone:
            # Whoever was accepting a request in here is dead.
            await parts.store.run(idempotency.release_all)
        lease = _lease(parts)
        services = _services(parts, lease=lease)
        await _work(stack, parts, lease=lease)
        guard = LocalGuard(directory=settings.data, token=local_listener.token(settings.data))
        url = await _listen(stack, parts, services, guard=guard, own=local_listener.listen(settings.data))
        await stack.enter_async_context(_background(_try_clouds(clouds), name="try clouds"))
        log.info("up", url=url, cloud=caller_clouds.default(clouds), sandbox=cloud is not None)
        yield Running(url=url, clouds=clouds, services=services, sandbox=cloud)


@contextlib.asynccontextmanager
async def api(settings: Settings) -> AsyncIterator[Running]:
    """Run the API alone; it needs workers beside it.

    Raises:
        CloudUnknown: The configuration of the clouds cannot be used.
        Invalid: The settings are not for several processes.
        SchemaMismatch: The database has to be upgraded first, or this version of Enamel.
        OSError: The port is taken.

    """
    async with contextlib.AsyncExitStack() as stack:
        parts = await _parts(stack, settings, _shared_clouds(settings), prepare=migrations.check)
        services = _services(parts)
        url = await _listen(stack, parts, services, guard=LocalGuard())
        log.info("api.up", url=url, clouds=list(parts.clouds.names()))
        yield Running(url=url, clouds=parts.clouds, services=services)


@contextlib.asynccontextmanager
async def worker(settings: Settings) -> AsyncIterator[Running]:
    """Run a worker alone. It tells how it is where the settings say so.

    Raises:
        CloudUnknown: The configuration of the clouds cannot be used.
        Invalid: The settings are not for several processes, or name types of tasks that there are not.
        SchemaMismatch: The database has to be upgraded first, or this version of Enamel.
        OSError: The port is taken.

    """
    _known_types(settings)
    async with contextlib.AsyncExitStack() as stack:
        parts = await _parts(stack, settings, _shared_clouds(settings), prepare=migrations.check)
        lease = _lease(parts)
        services = _services(parts, lease=lease)
        url = ""
        if settings.health.port is not None:
            listener = api_serve.listen(settings.health.host, settings.health.port)
            about = tuple(route for route in routes.ROUTES if route.path in routes.ABOUT_THE_PROCESS)
            face = app.application(services, table=about)
            url = await stack.enter_async_context(api_serve.running(face, listener=listener))
        # Asked for its health, a worker answers until its last task is handed over.
        await _work(stack, parts, lease=lease)
        stack.callback(services.end)
        log.info("worker.up", url=url, types=str(settings.worker.types), max_tasks=settings.worker.max_tasks)
        yield Running(url=url, clouds=parts.clouds, services=services)


# -- the parts


async def _parts(
    stack: contextlib.AsyncExitStack,
    settings: Settings,
    clouds: Registry,
    *,
    prepare: Callable[..., None],
) -> Parts:
    """Open what every role needs."""
    stack.push_async_callback(clouds.close)
    await stack.enter_async_context(_background(clouds.close_idle_forever(), name="close idle clouds"))
    await stack.enter_async_context(_background(loop_watch.watch(), name="watch the loop"))
    containers = Containers(placement.read(settings.clouds.placements, clouds=clouds.names()))
    store = Store(settings.database, idle_after=settings.worker.lease, timeout=settings.store.timeout)
    stack.push_async_callback(store.close)
    await asyncio.to_thread(prepare, store.engine)
    await store.read_clock()
    await stack.enter_async_context(_background(store.keep_time(), name="keep time"))
    way = settings.dispatch.url
    if way is None and await asyncio.to_thread(dialects.is_pooled, store.engine):
        # A pooler passes no notifications on to those who listen.
        log.warning("dispatch.polls", why="[store] url leads to a pooler, such as pgbouncer")
        way = "polling"
    dispatch = await stack.enter_async_context(
        dispatch_open.open(way, store=dialects.spelled(settings.database), types=COMMANDS)
    )
    return Parts(
        settings=settings,
        store=store,
        clouds=clouds,
        accounts=LocalAccounts(clouds),
        keys=local_keys.Local(settings.keys),
        dispatch=dispatch,
        containers=containers,
    )


@contextlib.asynccontextmanager
async def _background(work: Coroutine[Any, Any, None], *, name: str) -> AsyncIterator[None]:
    """Carry something out beside the rest of the process, until the context is left."""
    task = asyncio.create_task(work, name=name)
    task.add_done_callback(_tell_end)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _tell_end(task: asyncio.Task[None]) -> None:
    """Log why something in the background broke off: nobody awaits it before the process ends."""
    error = None if task.cancelled() else task.exception()
    if error is not None:
        log.error("background.broke", name=task.get_name(), exc_info=error)


def _services(parts: Parts, *, lease: Lease | None = None) -> Services:
    """Return the use cases of a process."""
    checks: dict[str, Callable[[], Awaitable[str | None]]] = {
        "store": health_checks.StoreCheck(parts.store),
        "keys": health_checks.KeysCheck(parts.keys),
        "dispatch": health_checks.DispatchCheck(parts.dispatch),
        "clouds": health_checks.CloudsCheck(parts.clouds),
        "cache": health_checks.CacheCheck(parts.clouds.board),
    }
    if lease is not None:
        checks["lease"] = health_checks.LeaseCheck(lease)
    else:
        checks["workers"] = health_checks.WorkersCheck(parts.store)
    orphans = parts.settings.orphans
    return assembly.build(
        assembly.Parts(
            store=parts.store,
            accounts=parts.accounts,
            own_clouds=parts.clouds,
            keys=parts.keys,
            dispatch=parts.dispatch,
            callers=LocalCaller(parts.accounts, store=parts.store),
            health=Health(checks),
            targets=_guard(parts),
            containers=parts.containers,
            orphan_rules=Rules(
                min_sightings_interval=orphans.min_sightings_interval,
                min_age=orphans.min_age,
                min_idle_time=orphans.min_idle_time,
            ),
        )
    )


async def _listen(
    stack: contextlib.AsyncExitStack,
    parts: Parts,
    services: Services,
    *,
    guard: LocalGuard,
    own: socket.socket | None = None,
) -> str:
    """Put the services on the web and return where."""
    settings = parts.settings.api
    listener = api_serve.handed_over(os.environ) or api_serve.listen(
        settings.host, settings.port, reuse_port=settings.reuse_port
    )
    face = app.application(services, guard=guard)
    serving = api_serve.running(
        face,
        listener=listener,
        own=own,
        graceful_shutdown_timeout=settings.graceful_shutdown_timeout,
        ending=services.end,
    )
    return await stack.enter_async_context(serving)


def _guard(parts: Parts) -> WebhookTargets:
    """Return who knows where webhooks are not sent."""
    return WebhookTargets(parts.settings.webhooks.allow)


def _lease(parts: Parts) -> Lease:
    name = f"{socket.gethostname()}:{os.getpid()}"
    return Lease(parts.store, name=name, length=parts.settings.worker.lease)


async def _work(stack: contextlib.AsyncExitStack, parts: Parts, *, lease: Lease) -> None:
    """Have a worker work until the stack is left."""
    settings = parts.settings.worker
    journal = Journal(lease, changed=parts.dispatch.changed)
    waiters = signal_reader.waiters(parts.store)
    tools = Runtime(
        saver=journal,
        accounts=parts.accounts,
        secrets=parts.keys,
        prober=Probe(),
        signals=waiters,
        now=parts.store.now,
    )
    worker = Worker(
        lease,
        runner=ScheduledRevertPlanner(Runner(tools), lease=lease),
        dispatch=parts.dispatch,
        keys=parts.keys,
        topics=settings.types,
        max_tasks=settings.max_tasks,
        alone=parts.settings.alone,
        poll_interval=settings.poll_interval,
        graceful_shutdown_timeout=settings.graceful_shutdown_timeout,
        retention=parts.settings.store.retention,
        limits=settings.limits,
        signals=SignalReader(lease, waiters=waiters, dispatch=parts.dispatch),
        sender=WebhookSender(
            lease,
            keys=parts.keys,
            guard=_guard(parts),
            settings=webhook.Settings(timeout=parts.settings.webhooks.timeout),
        ),
    )
    working = asyncio.create_task(worker.serve(), name="worker")
    working.add_done_callback(_tell_end)
    stack.push_async_callback(_stopped, worker, working)


async def _stopped(worker: Worker, working: asyncio.Task[None]) -> None:
    """Let the worker hand over what it has."""
    worker.stop()
    await working


def _known_types(settings: Settings) -> None:
    """Refuse patterns that fit no type of task, or leave none: most are typing errors, and nobody would notice."""
    topics = settings.worker.types
    strange = topics.strange(COMMANDS)
    if strange:
        fault = f"No type of task fits {', '.join(repr(pattern) for pattern in strange)}"
    elif not any(topics.serve(type) for type in COMMANDS):
        fault = f"'{topics}' leaves no type of task to take"
    else:
        return
    raise Invalid(
        f"{fault}; there are {', '.join(COMMANDS)}.",
        remedy="Correct --types, or [worker] types in the configuration.",
    )


# -- the clouds


async def _sandbox(
    stack: contextlib.AsyncExitStack,
    settings: Settings,
    sandbox: kernel.Settings | None,
    rules: Sequence[faults.Rule],
) -> Sandbox | None:
    """Start the built-in cloud where it is asked for, or where no other is configured."""
    chosen = settings.clouds
    if not chosen.sandbox and (chosen.default or registry.installed(more=chosen.drivers).names()):
        return None
    return await stack.enter_async_context(sandbox_serve.running(sandbox or kernel.Settings(), rules=rules))


def _clouds(settings: Settings, sandbox: Sandbox | None) -> Registry:
    """Return the clouds of the process."""
    board = boards.open(settings.cache.url)
    chosen = settings.clouds
    paces = Paces(
        max_concurrent_calls=chosen.max_concurrent_calls,
        max_calls_per_second=chosen.max_calls_per_second,
        board=board,
    )
    if sandbox is not None:
        file = settings.data / "sandbox-clouds.yaml"
        _write_private(file, sandbox.clouds_yaml())
        others = [*drivers.installed(but={"openstack"}), *map(drivers.load, chosen.drivers)]
        return Registry([OpenStack(file=file), *others], default="sandbox", board=board, paces=paces)
    default = settings.clouds.default
    clouds = registry.installed(default=default, board=board, paces=paces, more=chosen.drivers)
    if settings.cloud is not None:
        return clouds.only(settings.cloud)
    if default is not None:
        # A default that is not there is said at the start.
        clouds.only(default)
    return clouds


def _shared_clouds(settings: Settings) -> Registry:
    """Return the clouds of a process that is one of several.

    Raises:
        Invalid: It cannot be one of several.
        CloudUnknown: No cloud is configured, or not the one that is named.

    """
    if settings.alone:
        raise Invalid(
            f"[store] url: {settings.database} is SQLite, which is for one process.",
            remedy="Name a PostgreSQL or MariaDB database, or run `enamel up`.",
        )
    if settings.clouds.sandbox:
        raise Invalid(
            "[clouds] sandbox: the built-in cloud lives in one process.",
            remedy="Run `enamel sandbox` by itself, and name its clouds.yaml with OS_CLIENT_CONFIG_FILE.",
        )
    clouds = _clouds(settings, None)
    if not clouds.names():
        raise CloudUnknown(
            "No cloud is configured.", remedy="Write a clouds.yaml, and name it with OS_CLIENT_CONFIG_FILE."
        )
    return clouds


async def _try_clouds(clouds: Registry) -> None:
    """Log in to every cloud once, so that the log and the health tell at once what is wrong with one."""
    for examined in await doctor.examine_all(clouds, clouds.names(), login_only=True):
        for check in examined.checks:
            if check.problem is not None:
                log.warning(
                    "cloud.unusable",
                    cloud=examined.cloud,
                    detail=check.problem.detail,
                    remedy=check.problem.remedy,
                )


async def examine_clouds(settings: Settings) -> Sequence[Examination]:
    """Return what is right and wrong with every cloud of the configuration; nothing else is opened.

    Raises:
        CloudUnknown: None is configured, or the configuration cannot be used.
    """
    clouds = _clouds(settings, None)
    try:
        names = clouds.names()
        if not names:
            raise CloudUnknown(
                "No cloud is configured.", remedy="Write a clouds.yaml, or set the OS_* variables."
            )
        return await doctor.examine_all(clouds, names)
    finally:
        await clouds.close()


def _write_private(file: Path, text: str) -> None:
    """Write a file that holds a password, for its owner's eyes only."""
    with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as opened:
        opened.write(text)
