"""Enamel and a cloud for it, run in a thread while a test talks to them over HTTP."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from enamel import bootstrap
from enamel.conf import settings
from enamel.sandbox import kernel
from enamel.sandbox.serve import Sandbox

QUICK = kernel.Settings(boot_seconds=(0.05, 0.1), pace=0.1, quotas={"instances": 40})


class Whole(Struct, frozen=True):
    """Where the service and its cloud are."""

    url: str
    sandbox: Sandbox
    loop: asyncio.AbstractEventLoop


@contextmanager
def running(place: Path, *, cloud: kernel.Settings = QUICK) -> Iterator[Whole]:
    """Run a service until the block ends."""
    ready: Future[Whole] = Future()
    end = threading.Event()

    async def serve() -> None:
        told = settings.up({}, data=place / "data", sandbox=True, port=0)
        async with bootstrap.up(told, sandbox=cloud) as up:
            assert up.sandbox is not None
            ready.set_result(Whole(up.url, up.sandbox, asyncio.get_running_loop()))
            await asyncio.to_thread(end.wait)

    def run() -> None:
        try:
            asyncio.run(serve())
        except BaseException as error:
            if ready.done():
                raise
            ready.set_exception(error)

    thread = threading.Thread(target=run, name="enamel")
    thread.start()
    try:
        yield ready.result(timeout=60)
    finally:
        end.set()
        thread.join()
