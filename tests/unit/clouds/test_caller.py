"""The caller that every driver goes through: what is repeated, and what is not."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from enamel.clouds.calls import caller, context, record
from enamel.clouds.calls.timeouts import Timeouts
from enamel.clouds.pacing.gate import Pace
from enamel.model.call_context import CallContext
from enamel.model.errors import CloudRefused, CloudUnreachable, OutcomeUnknown
from enamel.model.states import ServerActivity, ServerState
from enamel.steps import act

QUICK = Timeouts(tries=3, first_pause=0.001, longest_pause=0.002)
READ = caller.Operation(service="compute", method="Describe", path="i-1", reads=True)
WRITE = caller.Operation(service="compute", method="Run", path="web")
SILENCE = CloudUnreachable("no answer")


class Cloud:
    """A cloud whose answers are made up beforehand."""

    def __init__(self, *outcomes: Exception | str) -> None:
        self.outcomes = list(outcomes)
        self.calls = caller.Caller(cloud="north", gates=Pace(cloud="north"), timeouts=QUICK)

    async def once(self, attempt: caller.Attempt) -> str:
        async with attempt:
            attempt.status = 200
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


async def test_a_read_is_repeated_and_each_attempt_is_recorded() -> None:
    there = Cloud(caller.Failure(SILENCE, no_effect=False), "found")
    with record.calls() as calls:
        assert await there.calls.run(READ, there.once) == "found"
    assert [(call.method, call.path, call.status) for call in calls] == [("Describe", "i-1", 200)] * 2
    assert not there.calls.in_use


async def test_a_write_is_repeated_only_where_nothing_can_have_happened() -> None:
    there = Cloud(caller.Failure(SILENCE, no_effect=True), "made")
    assert await there.calls.run(WRITE, there.once) == "made"
    lost = Cloud(caller.Failure(SILENCE, no_effect=False), "made twice")
    with pytest.raises(OutcomeUnknown, match="Run web"):
        await lost.calls.run(WRITE, lost.once)
    assert lost.outcomes == ["made twice"]


async def test_renewed_credentials_count_as_no_failure_and_a_refusal_is_final() -> None:
    there = Cloud(*[caller.Again()] * 5, "made")
    assert await there.calls.run(WRITE, there.once) == "made"
    refused = Cloud(CloudRefused("no"), "made")
    with pytest.raises(CloudRefused):
        await refused.calls.run(READ, refused.once)
    assert refused.outcomes == ["made"]


async def test_nothing_is_repeated_after_the_deadline() -> None:
    context.use(CallContext(deadline=datetime.now(UTC) - timedelta(seconds=1)))
    there = Cloud(caller.Failure(SILENCE, no_effect=False), "too late")
    with pytest.raises(CloudUnreachable):
        await there.calls.run(READ, there.once)
    assert there.outcomes == ["too late"]


def test_stored_plans_with_novas_words_are_read() -> None:
    step = msgspec.convert(
        {"id": "s", "what": "POWER_OFF", "goal": ["SHUTOFF", "VERIFY_RESIZE", "ACTIVE"]}, act.Act
    )
    assert step.goal == (ServerState.STOPPED, ServerState.RESIZED, ServerState.ACTIVE)
    stages = ["shelving", "shelving_image_pending_upload", "rebuild_block_device_mapping"]
    passed = msgspec.convert({"id": "s", "stages": stages}, act.Pass)
    assert passed.stages == (ServerActivity.SHELVING, ServerActivity.SHELVING, ServerActivity.REBUILDING)
