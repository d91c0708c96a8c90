"""What a task has made goes again, in the reverse order, and nothing else."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from enamel.commands import COMMANDS
from enamel.commands.command import CommandRequest
from enamel.flow import plan as plans
from enamel.flow.plan import Plan
from enamel.model import item, task
from enamel.model.errors import WrongState
from enamel.model.item import Item
from enamel.model.task import Task
from tests.unit.commands import north

REVERT = COMMANDS["task.revert"]
OUTPUTS: dict[str, dict[str, Any]] = {
    "security_group.create": {"id": "g", "name": "web"},
    "port.create": {"ports": [{"id": "p1", "name": "web-1"}, {"id": "p2", "name": "web-2"}]},
    "address.create": {"id": "a", "address": "203.0.113.1"},
    "volume.create": {"id": "v", "name": "v"},
    "volume.await": {"id": "v"},
    "server.boot": {"servers": [{"id": "s", "name": "web"}]},
    "server.await_active": {"id": "s"},
}


def ended(**changes: Any) -> tuple[Task, tuple[Item, ...]]:
    made = north.plan(count=2, public_address=True, allow=["icmp"], volumes=[{"size_gb": 1}])
    old = Task(
        id=north.TASK,
        type="server.create",
        action="CREATE",
        state=task.State.COMPLETED,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        created_by="u",
        project_id=north.PROJECT,
        request_id="req-1",
        cloud="north",
        plan=plans.data(made),
    )
    items = tuple(
        Item(
            task=old.id,
            name=node.name,
            kind=node.kind,
            action=node.action,
            group=node.group,
            state=item.State.COMPLETED,
            outputs=OUTPUTS[node.kind],
        )
        for node in made.nodes
    )
    return msgspec.structs.replace(old, **changes), items


def child(type: str, *, state: task.State = task.State.COMPLETED, attempt: int = 1, **more: Any) -> Task:
    """A task that is about the earlier one."""
    plain = ended()[0]
    return msgspec.structs.replace(
        plain, id="task-2", type=type, state=state, attempt=attempt, parent=plain.id, plan={}, **more
    )


def reverted(old: Task, items: tuple[Item, ...], **more: Any) -> Plan:
    known = north.facts(task=old, items=items, **more)
    return REVERT.plan(CommandRequest(body=None, params={"task": old.id}), known).plan


def test_every_undoable_step_is_undone_after_all_that_build_on_it() -> None:
    plan = reverted(*ended())
    undone = {node.name: node for node in plan.nodes}
    assert set(undone) == {
        "undo-security_group-create",
        "undo-port-create-1",
        "undo-port-create-2",
        *(
            f"undo-{kind}-web-{n}"
            for kind in ("address-create", "volume-create", "server-boot")
            for n in (1, 2)
        ),
    }
    assert undone["undo-server-boot-web-1"].after == ()
    assert undone["undo-volume-create-web-1"].after == ("undo-server-boot-web-1",)
    assert undone["undo-address-create-web-1"].after == ("undo-server-boot-web-1",)
    for place, name in ((1, "web-1"), (2, "web-2")):
        ports = undone[f"undo-port-create-{place}"]
        assert set(ports.after) == {f"undo-{kind}-{name}" for kind in ("address-create", "server-boot")}
        assert [port["name"] for port in ports.inputs["outputs"]["ports"]] == [name]
        assert [want["name"] for want in ports.inputs["step"]["wants"]] == [name]
    assert set(undone["undo-security_group-create"].after) >= {"undo-port-create-1", "undo-port-create-2"}
    assert plan.keep_going
    assert plan.on_failure == "keep"


def test_what_is_gone_already_is_left_alone() -> None:
    old, items = ended()
    left = []
    for one in items:
        if one.kind == "port.create":
            one = msgspec.structs.replace(one, outputs={**one.outputs, "undone": [0]})
        elif one.group == "web-1":
            one = msgspec.structs.replace(one, state=item.State.REVERTED)
        left.append(one)
    plan = reverted(old, tuple(left))
    assert {node.name for node in plan.nodes if node.name.endswith("web-1")} == set()
    [ports] = [node for node in plan.nodes if node.name.startswith("undo-port-create")]
    assert [port["id"] for port in ports.inputs["outputs"]["ports"]] == ["p2"]


def test_a_task_that_left_nothing_cannot_be_reverted() -> None:
    old, items = ended()
    none = tuple(msgspec.structs.replace(one, state=item.State.REVERTED) for one in items)
    with pytest.raises(WrongState, match="nothing to undo"):
        reverted(old, none)


@pytest.mark.parametrize(
    ("changes", "more", "said"),
    [
        ({"state": task.State.RUNNING}, {}, "cancel it instead"),
        ({"type": "server.terminate"}, {}, "cannot be undone"),
        ({"type": "task.revert"}, {}, "cannot be undone"),
        ({}, {"children": (child("task.revert"),)}, "task-2"),
        ({}, {"children": (child("server.create"),)}, "task-2"),
    ],
    ids=["running", "a termination", "a revert", "reverted", "restarted"],
)
def test_some_tasks_cannot_be_reverted(changes: dict[str, Any], more: dict[str, Any], said: str) -> None:
    with pytest.raises(WrongState, match=said):
        reverted(*ended(**changes), **more)
