"""Builds every object of a process, once, and takes them down again in reverse."""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from enamel.api import app
from enamel.api import serve as api_serve
from enamel.clouds import registry
from enamel.clouds.openstack.driver import OpenStack
from enamel.clouds.registry import Registry
from enamel.conf.settings import Settings
from enamel.dispatch import local as local_dispatch
from enamel.flow.runner import Runner, Tools
from enamel.model.errors import CloudUnknown
from enamel.sandbox import faults, kernel
from enamel.sandbox import serve as sandbox_serve
from enamel.sandbox.serve import Sandbox
from enamel.secrets import local as local_keys
from enamel.service.caller import Callers, LocalCaller
from enamel.service.cancel import Cancel
from enamel.service.follow import Follow
from enamel.service.late import LatePlanner
from enamel.service.read import Read
from enamel.service.submit import Submit
from enamel.steps.probe import Probe
from enamel.store import migrations
from enamel.store.engine import Store
from enamel.store.journal import Journal
from enamel.store.lease import Lease
from enamel.store.place import Place
from enamel.worker.worker import Worker

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


@dataclass(kw_only=True, slots=True)
class Services:
    """The use cases, for whichever face puts them before callers."""

    submit: Submit
    read: Read
    follow: Follow
    cancel: Cancel
    callers: Callers


@dataclass(frozen=True, kw_only=True, slots=True)
class Running:
    """A process that does its work."""

    url: str
    """Where the API answers."""
    clouds: Registry
    services: Services
    sandbox: Sandbox | None
    """The built-in cloud, where one was started."""


@contextlib.asynccontextmanager
async def up(
    settings: Settings,
    *,
    sandbox: kernel.Settings | None = None,
    rules: Sequence[faults.Rule] = (),
) -> AsyncIterator[Running]:
    """Run API and worker in one process, with the built-in cloud where no other is configured.

    Args:
        settings: What the process was told.
        sandbox: What the built-in cloud is like, if it is started.
        rules: The faults it has from the beginning.

    Raises:
        CloudUnknown: The configuration of the clouds cannot be used, or names several and none is chosen.
        OSError: The port is taken, or the data directory cannot be written.
    """
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(Place(settings.data))
        cloud = await _sandbox(stack, settings, sandbox, rules)
        clouds = _clouds(settings, cloud)
        stack.push_async_callback(clouds.close)
        store = Store(settings.store.url, give_up_after=settings.store.give_up_after)
        stack.push_async_callback(store.close)
        await asyncio.to_thread(migrations.upgrade, store.engine)
        dispatch = local_dispatch.Local()
        keys = local_keys.Local(settings.data / "secrets")
        services = _services(store, clouds, keys, dispatch)
        worker = _worker(settings, store, clouds, keys, dispatch)
        working = asyncio.create_task(worker.serve(), name="worker")
        stack.push_async_callback(_stopped, worker, working)
        url = await stack.enter_async_context(
            api_serve.running(app.application(services), host=settings.api.host, port=settings.api.port)
        )
        log.info("up", url=url, cloud=clouds.names()[0], sandbox=cloud is not None)
        yield Running(url=url, clouds=clouds, services=services, sandbox=cloud)


async def _sandbox(
    stack: contextlib.AsyncExitStack,
    settings: Settings,
    wanted: kernel.Settings | None,
    rules: Sequence[faults.Rule],
) -> Sandbox | None:
    """Start the built-in cloud where it is asked for, or where no other is configured."""
    if not settings.clouds.sandbox and (settings.clouds.default or registry.installed().names()):
        return None
    return await stack.enter_async_context(sandbox_serve.running(wanted or kernel.Settings(), rules=rules))


def _clouds(settings: Settings, sandbox: Sandbox | None) -> Registry:
    """Return the clouds of the process."""
    if sandbox is not None:
        file = settings.data / "sandbox-clouds.yaml"
        _write_private(file, sandbox.clouds_yaml())
        return Registry([OpenStack(file=file)], default="sandbox")
    found = registry.installed(default=settings.clouds.default)
    names = found.names()
    chosen = settings.clouds.default
    if chosen is not None and chosen not in names:
        found.get(chosen)
    if chosen is None and len(names) > 1 and not os.environ.get("OS_CLOUD"):
        raise CloudUnknown(
            f"clouds.yaml has several entries: {', '.join(names)}.",
            remedy="Say which one to use with --cloud or OS_CLOUD.",
        )
    return found


def _write_private(file: Path, text: str) -> None:
    """Write a file that holds a password, for its owner's eyes only."""
    with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as opened:
        opened.write(text)


def _services(
    store: Store, clouds: Registry, keys: local_keys.Local, dispatch: local_dispatch.Local
) -> Services:
    return Services(
        submit=Submit(store, clouds=clouds, keys=keys, dispatch=dispatch),
        read=Read(store, clouds=clouds),
        follow=Follow(store, dispatch=dispatch),
        cancel=Cancel(store, dispatch=dispatch),
        callers=LocalCaller(clouds),
    )


def _worker(
    settings: Settings,
    store: Store,
    clouds: Registry,
    keys: local_keys.Local,
    dispatch: local_dispatch.Local,
) -> Worker:
    """Return the worker of this process."""
    lease = Lease(store, name=f"{socket.gethostname()}:{os.getpid()}", length=settings.worker.lease)
    journal = Journal(lease, changed=dispatch.changed)
    tools = Tools(saver=journal, clouds=clouds, secrets=keys, prober=Probe())
    return Worker(
        lease,
        runner=LatePlanner(Runner(tools), lease=lease),
        dispatch=dispatch,
        keys=keys,
        topics=settings.worker.topics,
        slots=settings.worker.slots,
        alone=settings.store.url.startswith("sqlite"),
        look_every=settings.worker.look_every,
        drain_for=settings.worker.drain_for,
    )


async def _stopped(worker: Worker, working: asyncio.Task[None]) -> None:
    """Let the worker hand over what it has."""
    worker.stop()
    await working
