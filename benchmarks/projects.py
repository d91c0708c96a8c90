"""Projects: what a thousand projects of one cloud cost a process in memory, open files and calls, used and idle.

One registry opens a handle for each project, as a service for many callers does. The sandbox has a process of its own.
"""

import argparse
import asyncio
import contextlib
import ctypes
import gc
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path

import aiohttp
from msgspec import Struct
from rich.console import Console
from rich.table import Table

from enamel.clouds import driver
from enamel.clouds.openstack.driver import OpenStack
from enamel.clouds.registry import Registry
from enamel.sandbox import serve
from enamel.sandbox.identity import state

ENTRY = "sandbox-admin"
CALLERS = 50
"""How many projects are used at the same time."""


class Place(Struct, frozen=True, kw_only=True):
    """A sandbox in another process."""

    url: str
    clouds_yaml: str
    projects: list[str]


class Stage(Struct, frozen=True, kw_only=True):
    """What the process costs after a stage."""

    name: str
    seconds: float
    cpu: float
    memory_mb: float
    """What the system counts; the allocator keeps what was used before."""
    blocks: int
    """Blocks of memory that Python uses."""
    files: int
    calls: int
    opened: int
    """Handles that are open."""


def _serve(projects: int, pipe: Connection) -> None:
    """Serve a sandbox with projects in which the administrator has a role, until the other end of the pipe closes."""

    async def main() -> None:
        async with serve.running() as sandbox:
            keystone = sandbox.cloud.identity
            admin = keystone.user_named("admin")
            ids = [sandbox.cloud.new_hex() for _ in range(projects)]
            for number, id in enumerate(ids):
                keystone.projects[id] = state.Project(id=id, name=f"project-{number}")
                keystone.grants[admin.id, id] = state.ADMIN
            pipe.send((sandbox.url, sandbox.clouds_yaml(), ids))
            with contextlib.suppress(EOFError):
                await asyncio.to_thread(pipe.recv)

    asyncio.run(main())


@contextlib.contextmanager
def _sandbox(projects: int) -> Iterator[Place]:
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=_serve, args=(projects, theirs))
    process.start()
    theirs.close()
    try:
        url, clouds_yaml, ids = ours.recv()
        yield Place(url=url, clouds_yaml=clouds_yaml, projects=ids)
    finally:
        ours.close()
        process.join()


def _memory_mb() -> float:
    """Return the memory of this process, after it has given back what it can."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024**2


class Measurement:
    """Uses the projects of a sandbox, stage by stage."""

    def __init__(self, place: Place, file: Path) -> None:
        self._place = place
        file.write_text(place.clouds_yaml)
        self._clouds = Registry([OpenStack(file=file)], idle_timeout=timedelta(0))
        self.stages: list[Stage] = []

    async def run(self, *, wait_for: float) -> None:
        """Measure all stages.

        Args:
            wait_for: Seconds for which somebody waits in each project.
        """
        await self._stage("started", self._nothing)
        await self._stage("each project used once", lambda: self._each(_use))
        await self._stage(f"somebody waits in each for {wait_for:g} s", lambda: self._wait(wait_for))
        await self._stage("closed, as nobody uses them", self._clouds.close_idle)
        await self._stage("each used again", lambda: self._each(_use))
        await self._clouds.close()

    async def _stage(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        before = await self._calls()
        cpu, began = time.process_time(), time.perf_counter()
        await work()
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
        self.stages.append(
            Stage(
                name=name,
                seconds=seconds,
                cpu=cpu,
                memory_mb=_memory_mb(),
                blocks=sys.getallocatedblocks(),
                files=len(os.listdir("/proc/self/fd")),
                calls=await self._calls() - before,
                opened=self._clouds.opened,
            )
        )

    async def _calls(self) -> int:
        """Return how many calls the sandbox has got."""
        async with (
            aiohttp.ClientSession() as http,
            http.get(f"{self._place.url}/sandbox/calls") as answer,
        ):
            return sum((await answer.json())["counts"].values())

    async def _nothing(self) -> None:
        """Open nothing."""

    async def _each(self, use: Callable[[driver.Cloud], Awaitable[None]]) -> None:
        """Use every project, some at a time."""
        projects = iter(self._place.projects)

        async def caller() -> None:
            for project in projects:
                await use(self._clouds.get(ENTRY, project=project))

        await asyncio.gather(*(caller() for _ in range(CALLERS)))

    async def _wait(self, seconds: float) -> None:
        """Have somebody wait in every project."""
        waiting = [
            asyncio.create_task(_wait_for_a_server(self._clouds.get(ENTRY, project=project)))
            for project in self._place.projects
        ]
        await asyncio.sleep(seconds)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        while any(self._clouds.get(ENTRY, project=project).in_use for project in self._place.projects):
            await asyncio.sleep(0.1)


async def _use(cloud: driver.Cloud) -> None:
    """Ask what a launch asks: who we are, what there is, and what the project has."""
    await cloud.identity()
    await asyncio.gather(cloud.flavors(), cloud.images(), cloud.networks(), cloud.servers_list())


async def _wait_for_a_server(cloud: driver.Cloud) -> None:
    """Wait for a server until cancelled: it does not exist, so its watcher asks for it again and again."""
    while True:
        await cloud.servers.until("00000000-0000-0000-0000-000000000000", lambda server: False)


def main(words: Sequence[str]) -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(prog="benchmarks projects", description="What projects cost a process.")
    parser.add_argument("--projects", type=int, default=1000)
    parser.add_argument("--wait", type=float, default=10.0, help="seconds for which somebody waits in each")
    chosen = parser.parse_args(words)
    with _sandbox(chosen.projects) as place, tempfile.TemporaryDirectory() as directory:
        measurement = Measurement(place, Path(directory) / "clouds.yaml")
        asyncio.run(measurement.run(wait_for=chosen.wait))
    table = Table(title=f"{chosen.projects} projects of one cloud")
    for name in (
        "after",
        "seconds",
        "CPU s",
        "MB",
        "KB per project",
        "1,000 blocks",
        "open files",
        "calls",
        "open handles",
    ):
        table.add_column(name)
    at_first = measurement.stages[0]
    for stage in measurement.stages:
        each = 1024 * (stage.memory_mb - at_first.memory_mb) / chosen.projects
        table.add_row(
            stage.name,
            f"{stage.seconds:.1f}",
            f"{stage.cpu:.1f}",
            f"{stage.memory_mb:.0f}",
            f"{each:.0f}",
            f"{stage.blocks / 1000:.0f}",
            str(stage.files),
            f"{stage.calls:,}",
            str(stage.opened),
        )
    console = Console() if sys.stdout.isatty() else Console(width=120)
    console.print(table)
