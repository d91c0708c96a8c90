"""Any plan, with anything going wrong, and workers that die at any write: the end is the same."""

import asyncio
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Struct

from enamel.clouds.accounts import LocalAccounts
from enamel.flow import plan as plans
from enamel.flow.graph import Graph
from enamel.flow.plan import Group, Node, Plan
from enamel.flow.runner import Runner
from enamel.flow.runtime import Runtime
from enamel.flow.signals import SignalWaiters
from enamel.model import item, task
from enamel.model.errors import LeaseLost
from enamel.model.item import Item
from enamel.model.signal import Signal
from enamel.model.task import Task
from enamel.steps import KINDS
from enamel.steps.step import Step
from tests.flows import fakes, history

ID = "01890000-0000-7000-8000-000000000001"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in (fakes.Make, fakes.Wait):
        monkeypatch.setitem(KINDS, kind.kind, kind)


class Story(Struct, frozen=True, kw_only=True):
    """A plan and what goes wrong with it."""

    plan: Plan
    script: dict[str, list[str]]
    hopeless: frozenset[str]
    cancel_after: int | None = None
    """After so many events the task is cancelled."""


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """Draw a plan of some steps, for the whole task, for one server, or for all of them, and its misfortunes."""
    groups = [f"web-{number}" for number in range(draw(st.integers(0, 3)))]
    alternatives = tuple({"where": number} for number in range(draw(st.integers(1, 2))))
    nodes: list[Node] = []
    script: dict[str, list[str]] = {}
    hopeless: set[str] = set()
    for number in range(draw(st.integers(1, 7))):
        group = draw(st.sampled_from([None, *groups]))
        # A step for the whole task builds on nothing that one server may fail to have.
        before = [node for node in nodes if node.group in (None, group)]
        after = [node for node in before if draw(st.booleans())]
        serves = group is None and bool(groups) and draw(st.booleans())
        kinds: list[type[Step]] = [fakes.Make, fakes.Make, fakes.Wait]
        kind = draw(st.sampled_from(kinds))
        inputs: dict[str, Any] = {
            "builds_on": [
                {"ref": f"{node.name}.mark"}
                for node in after
                if node.kind == fakes.Make.kind and not node.members
            ],
        }
        if kind is fakes.Make:
            inputs["places"] = len(groups) if serves else 1
        if group and draw(st.booleans()):
            inputs["where"] = {"alt": "where"}
        name = f"step{number}"
        nodes.append(
            Node(
                name=name,
                kind=kind.kind,
                action=kind.action,
                inputs=inputs,
                after=tuple(node.name for node in after),
                group=group,
                members=tuple(groups) if serves and kind is fakes.Make else (),
            )
        )
        script[name] = draw(st.lists(st.sampled_from(["busy", "lost before", "lost after"]), max_size=2))
        if draw(st.integers(0, 5)) == 0:
            hopeless.add(name if draw(st.booleans()) else f"{name}~0")
    made = Plan(
        nodes=tuple(nodes),
        groups=tuple(Group(name=name, alternatives=alternatives) for name in groups),
        on_failure=draw(st.sampled_from(["rollback", "rollback", "keep"])),
        all_or_nothing=draw(st.booleans()),
    )
    return Story(plan=made, script=script, hopeless=frozenset(hopeless))


class End(Struct, frozen=True, kw_only=True):
    """How a story ended."""

    task: Task
    items: dict[str, Item]
    there: dict[tuple[str, int], int]

    def same(self) -> tuple[Any, ...]:
        """Return what must not depend on how often workers died."""
        code = self.task.error.code if self.task.error else None
        return self.task.state, code, sorted(self.there)


async def _no_messages(task: str, name: str) -> Sequence[Signal]:
    return ()


async def _nap(seconds: float) -> None:
    await asyncio.sleep(0)


def play(story: Story, *, deaths: Sequence[int] = (), cancel: int | None = None) -> End:
    """Carry a plan out, with workers that die after so many writes, and hold its history to the invariants."""
    cloud = fakes.Marks(story.script, hopeless=story.hopeless)
    accepted = Task(
        id=ID, type="server.create", action="CREATE", created_at=NOON, created_by="me", project_id="ours",
        request_id="req", cloud="fake", plan=plans.data(story.plan), events=1,
    )  # fmt: skip
    store = fakes.Store(
        accepted,
        [
            Item(task=ID, name=node.name, kind=node.kind, action=node.action, group=node.group)
            for node in story.plan.nodes
        ],
    )

    async def live(writes: int | None) -> None:
        cloud.pen = fakes.Pen(store, writes=writes)
        tools = Runtime(
            saver=cloud.pen,
            accounts=LocalAccounts(fakes.Clouds(cloud)),
            secrets=fakes.NoSecrets(),
            prober=fakes.NoProber(),
            signals=SignalWaiters(_no_messages),
            sleep=_nap,
        )
        runner = Runner(tools)
        found, items = store.claim()
        work = asyncio.create_task(runner.run(found, items))
        if cancel is not None:
            for _ in range(cancel):
                await asyncio.sleep(0)
            if store.task.state not in task.ENDED:
                store.task = msgspec.structs.replace(store.task, cancel_requested=True)
            runner.cancel(ID)
        try:
            async with asyncio.timeout(5):
                await work
        except LeaseLost:
            return

    async def lives() -> None:
        for writes in (*deaths, None):
            if store.task.state not in task.ENDED:
                await live(writes)

    asyncio.run(lives())
    history.check(store.task, list(store.items.values()), store.events)
    assert cloud.late == [], "a worker without a lease has changed something"
    return End(task=store.task, items=store.items, there={key: n for key, n in cloud.there.items() if n})


def check_effects(story: Story, end: End) -> None:
    """Hold what is there to what the task says."""
    assert set(end.there.values()) <= {1}, "something is there twice"
    expected = set()
    for node in story.plan.nodes:
        one = end.items[node.name]
        if node.kind == fakes.Make.kind and one.state is item.State.COMPLETED:
            places = set(one.outputs["places"]) - set(one.outputs.get("undone", ()))
            expected |= {(one.outputs["mark"], place) for place in places}
    graph = Graph(story.plan)
    lost = {
        plans.mark(ID, name, alternative=graph.placement(graph.nodes[name], end.task.groups))
        for name, one in end.items.items()
        if one.uncertain and one.state is item.State.ABORTED and story.plan.on_failure == "keep"
    }
    # What is kept of a step whose outcome nobody knows is not told, but a revert finds it.
    there = {(mark, place) for mark, place in end.there if mark not in lost}
    assert expected == there, "what is there is not what the items say"
    failed = {entry.hostname for entry in end.task.servers if entry.state in {"FAILED", "REVERTED"}}
    if end.task.state is task.State.COMPLETED:
        makes = [node for node in story.plan.nodes if node.kind == fakes.Make.kind]
        assert len(end.there) == sum(node.inputs.get("places", 1) for node in makes)
    elif story.plan.on_failure == "rollback":
        if end.task.error is not None and end.task.error.code != "enamel.task.partly_done":
            assert end.there == {}, "a roll-back has left something"
        for node in story.plan.nodes:
            if node.group in failed and node.kind == fakes.Make.kind:
                assert end.items[node.name].state is not item.State.COMPLETED
            for place, member in enumerate(node.members):
                assert member not in failed or (plans.mark(ID, node.name), place) not in end.there


_SETTINGS = settings(
    max_examples=int(os.environ.get("ENAMEL_TEST_EXAMPLES", "100")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@_SETTINGS
@given(story=stories())
def test_every_effect_is_there_once_or_not_at_all(story: Story) -> None:
    check_effects(story, play(story))


@_SETTINGS
@given(story=stories(), deaths=st.lists(st.integers(0, 12), min_size=1, max_size=6))
def test_workers_that_die_change_nothing(story: Story, deaths: list[int]) -> None:
    once, again = play(story), play(story, deaths=deaths)
    check_effects(story, again)
    if _is_certain(story.plan):
        assert again.same() == once.same()


@_SETTINGS
@given(story=stories(), cancel=st.integers(0, 40), deaths=st.lists(st.integers(0, 12), max_size=3))
def test_cancelled_at_any_moment(story: Story, cancel: int, deaths: list[int]) -> None:
    end = play(story, cancel=cancel, deaths=deaths)
    check_effects(story, end)
    if end.task.error is not None and end.task.error.code == "enamel.task.cancelled":
        assert end.there == {}


def _is_certain(plan: Plan) -> bool:
    """Tell whether the end depends on the plan alone: under `keep` it depends on what was begun before a failure."""
    return plan.on_failure == "rollback"


def test_a_plan_of_every_write() -> None:
    """Die after each write of one plan, one after the other."""
    nodes = [
        Node(name="step0", kind="fake.make", action="", inputs={"places": 2}, members=("web-0", "web-1")),
        *(
            Node(
                name=f"boot{number}", kind="fake.make", action="", inputs={"where": {"alt": "where"}},
                after=("step0",), group=f"web-{number}",
            )
            for number in range(2)
        ),
        *(
            Node(
                name=f"wait{number}", kind="fake.wait", action="",
                inputs={"builds_on": [{"ref": f"boot{number}.mark"}], "where": {"alt": "where"}},
                after=(f"boot{number}",), group=f"web-{number}",
            )
            for number in range(2)
        ),
    ]  # fmt: skip
    groups = tuple(
        Group(name=f"web-{number}", alternatives=({"where": 0}, {"where": 1})) for number in range(2)
    )
    cases: list[Mapping[str, Any]] = [
        {"hopeless": frozenset()},
        {"hopeless": frozenset({"wait0~0"})},
        {"hopeless": frozenset({"boot0~0", "wait0"})},
        {"hopeless": frozenset({"boot1"})},
        {"hopeless": frozenset({"wait0", "wait1"})},
    ]
    for case in cases:
        story = Story(plan=Plan(nodes=tuple(nodes), groups=groups), script={}, **case)
        once = play(story)
        for writes in range(40):
            end = play(story, deaths=[writes])
            check_effects(story, end)
            assert end.same() == once.same(), (case, writes)
