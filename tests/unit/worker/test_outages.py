"""A store that cannot be read for a while: what waits for it goes on afterwards, and nothing fails for it."""

import asyncio
from typing import Any

import pytest

from enamel.model.errors import StoreUnavailable
from enamel.service.process.health import Health, Verdict
from enamel.service.process.health_checks import WorkersCheck
from enamel.worker import signal_reader


class Away:
    """A store that cannot be read at first."""

    def __init__(self, answer: Any, *, times: int) -> None:
        self.answer = answer
        self.times = times

    async def read(self, *_: Any, **__: Any) -> Any:
        if self.times:
            self.times -= 1
            raise StoreUnavailable()
        return self.answer


async def test_a_step_that_waits_for_messages_outlives_an_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signal_reader, "_AGAIN_AFTER", 0.01)
    waiters = signal_reader.waiters(Away(("message",), times=3))  # type: ignore[arg-type]
    async with asyncio.timeout(30):
        assert await waiters.receive("task", "ready", -1) == ("message",)


@pytest.mark.parametrize(("leases", "status"), [(0, Verdict.DEGRADED), (2, Verdict.OK)])
async def test_an_api_without_workers_says_so(leases: int, status: Verdict) -> None:
    (finding,) = await Health({"workers": WorkersCheck(Away(leases, times=0))}).check()  # type: ignore[arg-type]
    assert finding.status is status
