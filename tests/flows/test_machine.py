"""Any order of requests and mishaps: submit, claim, cancel, revert, restart, workers that die, freeze, stop and start,
and answers that get lost."""

import asyncio
import contextlib
import os
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from enamel.model import task
from enamel.model.errors import EnamelError
from tests.flows import world as worlds

T = TypeVar("T")

LAUNCH = {"template": "cirros", "type": "m1.tiny"}
BODIES = st.fixed_dictionaries(
    {"count": st.integers(1, 3), "on_failure": st.sampled_from(["ROLLBACK", "ROLLBACK", "KEEP"])},
    optional={"public_address": st.just(True), "volumes": st.just([{"size_gb": 1}]), "spread": st.just(True)},
)
MISHAPS = st.sampled_from(
    [
        ({"method": "POST", "times": 1}, {"drop": "after"}),
        ({"method": "POST", "times": 1}, {"drop": "before"}),
        ({"method": "POST", "times": 1}, {"status": 500, "effect": True}),
        ({"method": "GET", "times": 1}, {"status": 502, "html": True}),
        ({"method": "DELETE", "times": 1}, {"drop": "after"}),
        ({"kind": "server", "times": 1}, {"error": "Out of luck."}),
    ]
)


class Machine(RuleBasedStateMachine):
    """A world to which anything happens, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self._stack = contextlib.ExitStack()
        self._loop = self._stack.enter_context(asyncio.Runner())
        self._opened = contextlib.AsyncExitStack()
        self._serving = True

    @initialize()
    def begin(self) -> None:
        place = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        self.world = self._do(self._opened.enter_async_context(worlds.opened(place)))

    @rule(body=BODIES)
    def submit(self, body: dict[str, Any]) -> None:
        name = f"web{len(self.world.accepted)}"
        self._do(self.world.accept({**LAUNCH, "name": name, **body}))

    @rule(mishap=MISHAPS)
    def go_wrong(self, mishap: tuple[dict[str, Any], dict[str, Any]]) -> None:
        self.world.fault(*mishap)

    @rule(milliseconds=st.integers(0, 150))
    def go_on(self, milliseconds: int) -> None:
        self._do(asyncio.sleep(milliseconds / 1000))

    @precondition(lambda self: self.world.accepted)
    @rule(number=st.integers(0, 99), what=st.sampled_from(["cancel", "task.revert", "task.restart"]))
    def ask(self, number: int, what: str) -> None:
        """Ask for something that is done to a task; where it is not the time for that, it is refused as such."""
        # How many there are depends on how far the worker got; what is drawn must not.
        id = self.world.accepted[number % len(self.world.accepted)]
        asked: Coroutine[Any, Any, Any]
        asked = self.world.cancel(id) if what == "cancel" else self.world.accept(command=what, task=id)
        try:
            self._do(asked)
        except EnamelError as error:
            if error.status != 409:
                raise

    @rule()
    def kill(self) -> None:
        """Take the worker for dead: it finds its lease gone in the middle of what it does."""
        self._do(self.world.crash())

    @rule(milliseconds=st.integers(0, 50))
    def freeze(self, milliseconds: int) -> None:
        """Freeze the worker until its lease is over: its own clock tells it at once."""
        self._do(self.world.freeze(thawed_for=milliseconds / 1000))

    @rule()
    def claim(self) -> None:
        """Have another worker claim what waits, and never be heard of again."""
        self._do(self.world.steal())

    @rule()
    def stop_or_start(self) -> None:
        if self._serving:
            self._do(self.world.stop())
        else:
            self._do(_called(self.world.start))
        self._serving = not self._serving

    def teardown(self) -> None:
        """Let everything end, and hold it to the invariants."""
        try:
            if hasattr(self, "world"):
                if not self._serving:
                    self.stop_or_start()
                self._do(self._end())
        finally:
            self._do(self._opened.aclose())
            self._stack.close()

    async def _end(self) -> None:
        for id in self.world.accepted:
            ended = await self.world.end(id)
            assert ended.task.state in task.ENDED
        await self.world.check()

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return self._loop.run(work)


async def _called(function: Any) -> None:
    function()


TestMachine = Machine.TestCase
TestMachine.settings = settings(
    max_examples=int(os.environ.get("ENAMEL_TEST_MACHINES", "8")),
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
