"""Plans: written by a draft, stored, and read again by this version and later ones."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from enamel.flow import expressions, versions
from enamel.flow import plan as plans
from enamel.flow.draft import Draft
from enamel.flow.plan import Group, Node, Plan
from enamel.model import errors
from enamel.model.errors import PlanUnreadable
from enamel.service.tasks import shown_plan
from enamel.steps import KINDS, act, port, server, volume
from enamel.steps.step import Retry

OLD_NODE: dict[str, Any] = {
    "name": "volume-await",
    "kind": "volume.await",
    "action": "BLOCK_DEVICE_MAPPING",
    "inputs": {"id": {"ref": "volume-create.id"}},
    "after": [],
    "retry": {"attempts": 4, "first": 1.0, "factor": 3.0, "most": 30.0},
    "give_up_after": 1800.0,
}
"""As version 1 wrote it."""


def boot(**rest: Any) -> server.Boot:
    return server.Boot(names=("web",), flavor_id="f-1", **rest)


def stored(plan: Plan) -> dict[str, Any]:
    data: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(plans.data(plan)))
    return data


def test_dependencies_come_from_references_within_expressions() -> None:
    draft = Draft()
    made = draft.add(volume.CreateVolume(size_gb=1, name="a"))
    first = draft.add(boot(), group="db")
    text = expressions.substitute("db=${ip}", {"ip": first["servers", 0, "id"]})
    data = expressions.base64(expressions.join("\n", text, expressions.secret("rest")))
    second = draft.add(boot(user_data=data), group="web", after=[made])
    nodes = {node.name: node for node in draft.plan().nodes}
    assert nodes[second.name].after == (first.name, made.name)
    shown = shown_plan.of(draft.plan())
    assert shown.steps[-1].inputs["user_data"]["base64"]["join"]["parts"] == [
        {"substitute": {"text": "db=${ip}", "values": {"ip": {"ref": "server-boot-db.servers.0.id"}}}},
        expressions.SECRET,
    ]


def test_secrets_within_expressions_get_their_references() -> None:
    draft = Draft()
    draft.add(boot(user_data=expressions.base64(expressions.secret("a"))))
    kept = plans.with_secrets(draft.plan(), {"a": "ref-1"})
    assert list(expressions.paths(kept.nodes[0].inputs, "secret")) == ["ref-1"]


def test_arguments_that_look_like_expressions_are_quoted() -> None:
    draft = Draft()
    step = act.Act(id="s", what=act.Action.LOCK, arguments={"ref": "a.b"})
    draft.add(step)
    (node,) = plans.read(stored(draft.plan())).nodes
    assert node.inputs["arguments"] == {"literal": {"ref": "a.b"}}
    assert node.after == ()


def test_a_plan_is_read_as_it_was_written() -> None:
    draft = Draft()
    draft.add(
        port.CreatePorts(wants=(port.RequestedPort(network_id="n", name="web"),)), timeout=timedelta(hours=2)
    )
    plan = draft.plan(groups=(Group(name="web"),), notes=("a",))
    again = plans.read(stored(plan))
    assert plans.data(again) == plans.data(plan)
    assert again.version == versions.VERSION
    assert again.nodes[0].timeout == timedelta(hours=2)


def test_names_of_steps_are_unique() -> None:
    draft = Draft(cloud="north", group="web")
    names = [draft.add(volume.AwaitVolume(id="v")).name for _ in range(3)]
    assert names == ["volume-await-web@north", "volume-await-web@north-2", "volume-await-web@north-3"]


def test_a_plan_without_version_is_of_version_1() -> None:
    old = {"nodes": [OLD_NODE | {"inputs": {"id": "v", "x": {"base64": "left alone"}}}]}
    (node,) = plans.read(old).nodes
    assert node.timeout == timedelta(minutes=30)
    assert node.retry == Retry(
        maximum_attempts=4,
        initial_interval=timedelta(seconds=1),
        backoff=3.0,
        maximum_interval=timedelta(seconds=30),
    )
    assert node.inputs["x"] == {"literal": {"base64": "left alone"}}


def test_projects_that_were_part_of_an_entry_s_name_are_fields_of_their_own() -> None:
    project = "0" * 32
    boot = {**OLD_NODE, "cloud": f"me@north@{project}"}
    hand_over = {**OLD_NODE, "kind": "transfer.volume", "inputs": {"id": "v", "entry": f"north@{project}"}}
    plan = plans.read({"nodes": [boot, {**OLD_NODE, "cloud": "me@north"}, hand_over]})
    assert [(node.cloud, node.project) for node in plan.nodes] == [
        ("me@north", project),
        ("me@north", None),
        (None, None),
    ]
    assert plan.nodes[2].inputs == {"id": "v", "entry": "north", "project": project}


def test_version_1_is_upgraded_once() -> None:
    once = versions.upgraded({"nodes": [OLD_NODE]})
    assert versions.upgraded(once) == once
    assert once["version"] == versions.VERSION


@pytest.mark.parametrize(
    "data",
    [
        {"version": versions.VERSION + 1, "nodes": "whatever that is then"},
        {"nodes": [OLD_NODE | {"kind": "moon.land"}]},
    ],
)
def test_what_a_later_version_wrote_is_said_to_be_newer(data: dict[str, Any]) -> None:
    with pytest.raises(PlanUnreadable) as caught:
        plans.read(data)
    assert caught.value.data["newer"] is True


@pytest.mark.parametrize(
    "data",
    [
        {"nodes": [{"name": 1}]},
        {"nodes": [OLD_NODE | {"after": ["nobody"]}]},
        {"version": 2, "nodes": [OLD_NODE | {"inputs": {"id": {"join": []}}, "retry": {}}]},
    ],
)
def test_what_is_no_plan_is_not(data: dict[str, Any]) -> None:
    with pytest.raises(PlanUnreadable) as caught:
        plans.read(data)
    assert "newer" not in caught.value.data


def test_inputs_that_do_not_fit_a_step() -> None:
    node = Node(name="a", kind="volume.await", action="", inputs={"id": {"secret": "a"}})
    with pytest.raises(PlanUnreadable) as caught:
        plans.step_of(node, {"id": ["s3cr3t"]})
    assert "s3cr3t" not in caught.value.detail


def test_no_step_looks_like_an_expression() -> None:
    for kind in KINDS.values():
        assert kind.__struct_encode_fields__ == () or not (
            len(kind.__struct_encode_fields__) == 1
            and set(kind.__struct_encode_fields__) <= expressions.OPERATORS
        )


def test_pauses_between_attempts_grow_up_to_a_limit() -> None:
    policy = Retry(maximum_interval=timedelta(seconds=3))
    assert [policy.pause(attempt, errors.CloudBusy("No.")) for attempt in (1, 2, 3, 4)] == [
        0.5,
        1.0,
        2.0,
        3.0,
    ]
