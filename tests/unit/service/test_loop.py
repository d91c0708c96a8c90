"""Long work runs beside the loop, and what keeps the loop is reported."""

import asyncio
import threading
import time
from datetime import timedelta

import structlog

from enamel import telemetry
from enamel.model import redaction
from enamel.service import off_loop
from enamel.service.process import loop_watch


async def test_large_work_runs_in_a_thread_with_its_context() -> None:
    here = threading.get_ident()
    assert await off_loop.run(off_loop.LARGE, threading.get_ident) == here
    assert await off_loop.run(off_loop.LARGE + 1, threading.get_ident) != here
    with redaction.keeping(redaction.Redactor(["planted-1a2b"])):
        assert await off_loop.run(1000, redaction.blank, "planted-1a2b") == "***"


async def test_what_keeps_the_loop_is_reported() -> None:
    def counted() -> float:
        return telemetry.LOOP_KEPT._sum.get()

    before = counted()
    with structlog.testing.capture_logs() as logs:
        watching = asyncio.create_task(
            loop_watch.watch(interval=timedelta(milliseconds=1), quiet=timedelta(minutes=1))
        )
        await asyncio.sleep(0.01)
        time.sleep(0.1)  # noqa: ASYNC251 - this is what is to be found
        while counted() == before:
            await asyncio.sleep(0.001)
        watching.cancel()
    line = next(line for line in logs if line["event"] == "loop.kept")
    assert line["ms"] > 50 and "cpu_ms" in line
