"""The processes of a chaos run: a cloud that lives through all of it, and an Enamel that is killed again and again.

They are forked from a server that has everything imported, so that a restart costs little.
"""

import asyncio
import multiprocessing
import os
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from enamel import bootstrap
from enamel.clouds.watch import schedule
from enamel.conf import settings
from enamel.flow import step_run
from enamel.sandbox import faults, kernel, serve

BORN_WITHIN = 30.0
"""Seconds for a process to be there; on a busy machine that may take a while."""


def _hurry() -> None:
    """Wait shorter for everything, so that many kills fall into the same few seconds of work."""
    defaults: dict[str, Any] = schedule.Schedule.__init__.__kwdefaults__ or {}
    defaults.update(often=0.1, unknown=0.2)
    step_run.__dict__["SETTLE"] = 0.3


def _write_to(log: Path) -> None:
    """Write what the process has to say to a file."""
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(handle, 1)
    os.dup2(handle, 2)


def cloud(place: Path, ready: Connection, wanted: kernel.Settings, rules: list[faults.Rule]) -> None:
    """Serve a sandbox until the process is killed."""
    _write_to(place / "cloud.log")

    async def main() -> None:
        async with serve.running(wanted, rules=rules) as sandbox:
            (place / "clouds.yaml").write_text(sandbox.clouds_yaml())
            ready.send(sandbox.url)
            await asyncio.Event().wait()

    asyncio.run(main())


def enamel(place: Path, ready: Connection) -> None:
    """Serve Enamel on the sandbox until the process is killed."""
    _hurry()
    enamel_on(place, ready, place / "clouds.yaml", "sandbox")


def enamel_on(place: Path, ready: Connection, clouds: Path, entry: str) -> None:
    """Serve Enamel on an entry of a clouds.yaml until the process is killed."""
    _write_to(place / "enamel.log")
    os.environ["OS_CLIENT_CONFIG_FILE"] = str(clouds)

    async def main() -> None:
        told = settings.up({}, data=place / "data", cloud=entry, port=0)
        async with bootstrap.up(told) as running:
            ready.send(running.url)
            await asyncio.Event().wait()

    asyncio.run(main())


class Nursery:
    """Where the processes come from."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._context: ForkServerContext = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload([__name__])
        self._children: list[BaseProcess] = []

    def start(self, work: Callable[..., None], *rest: Any) -> tuple[BaseProcess, str]:
        """Start a process and return it with its URL."""
        here, there = self._context.Pipe(duplex=False)
        child = self._context.Process(target=work, args=(self._place, there, *rest), daemon=True)
        child.start()
        there.close()
        self._children.append(child)
        if not here.poll(BORN_WITHIN):
            raise AssertionError(f"{work.__name__} did not start; its log is in {self._place}")
        url: str = here.recv()
        here.close()
        return child, url

    def close(self) -> None:
        """Kill what still lives."""
        for child in self._children:
            kill(child)


def kill(child: BaseProcess) -> None:
    """Kill a process as `kill -9` does, and wait until it is gone."""
    child.kill()
    child.join()
