"""What can be done to a server: which actions its state allows, and which steps each takes."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from enamel.commands import COMMANDS
from enamel.commands.command import CommandRequest, Planned
from enamel.commands.server import action as server_action
from enamel.commands.server import action_steps
from enamel.model import action, cloud
from enamel.model.action import Action, ActionRequest
from enamel.model.errors import ActionImpossible, WrongState
from enamel.model.states import ServerActivity, ServerState
from enamel.model.task import Task
from tests.unit.commands import north

SERVER = cloud.Server(
    id="s1",
    name="web",
    state=ServerState.ACTIVE,
    flavor_id=north.SMALL,
    flavor_name="m1.small",
    vcpus=1,
    memory_mb=2048,
    image_id=north.CIRROS,
    volumes=(north.TAKEN_DISK,),
)
BUSY_TASK = Task(
    id=north.TASK,
    type="server.suspend",
    action="SUSPEND",
    created_at=datetime(2026, 1, 1, tzinfo=UTC),
    created_by="u",
    project_id=north.PROJECT,
    request_id="req-1",
    cloud="north",
)
FIELDS: dict[Action, dict[str, Any]] = {
    Action.SNAPSHOT: {"name": "today"},
    Action.BACKUP: {"name": "today", "kind": "daily", "keep": 2},
    Action.UPDATE_PASSWORD: {"password": "not-to-be-seen"},
    Action.RESIZE: {"type": "m1.medium"},
    Action.ATTACH_BLOCK_DEVICE: {"size_gb": 1},
    Action.DETACH_BLOCK_DEVICE: {"volume": "taken"},
    Action.ATTACH_NETWORK_INTERFACE: {"network": "private"},
    Action.DETACH_NETWORK_INTERFACE: {"port": "busy"},
}
WORDS: dict[Action, list[str]] = {
    Action.SNAPSHOT: ["SNAPSHOTTING", "UPLOADING", "UPLOADING"],
    Action.BACKUP: ["SNAPSHOTTING", "UPLOADING", "UPLOADING"],
    Action.UPDATE_PASSWORD: ["UPDATING_PASSWORD"],
    Action.LOCK: ["LOCKING"],
    Action.RESIZE: ["PREPARING", "MIGRATING", "FINALIZING"],
    Action.RESCUE: ["RESCUING"],
    Action.REBUILD: ["REBUILDING", "REBUILDING_BLOCK_DEVICES", "SPAWNING"],
    Action.MOVE: ["PREPARING", "MIGRATING"],
    Action.SHELVE: ["SHELVING", "PREPARING_UPLOAD", "UPLOADING"],
    Action.ATTACH_BLOCK_DEVICE: ["CREATING_VOLUME", "BLOCK_DEVICE_MAPPING", "ATTACHING_BLOCK_DEVICE"],
    Action.DETACH_BLOCK_DEVICE: ["DETACHING_BLOCK_DEVICE"],
    Action.ATTACH_NETWORK_INTERFACE: ["NETWORKING", "ATTACHING_NETWORK_INTERFACE"],
    Action.DETACH_NETWORK_INTERFACE: ["DETACHING_NETWORK_INTERFACE"],
    **{what: [simple.word] for what, simple in action_steps.SIMPLE.items()},
}


def able(what: Action) -> cloud.Server:
    """The server in a state that allows an action."""
    states = action.RULES[what].states
    state = ServerState.ACTIVE if ServerState.ACTIVE in states else min(states, key=lambda one: one.value)
    return msgspec.structs.replace(SERVER, state=state, locked=what is Action.UNLOCK)


def planned(what: Action, *, server: cloud.Server | None = None, **fields: Any) -> Planned:
    want = CommandRequest(body=ActionRequest(action=what, **fields), params={"server": "s1"})
    return COMMANDS[what.command].plan(want, north.facts(server=server or able(what)))


@pytest.mark.parametrize("what", list(server_action.SUMMARIES), ids=lambda what: what.value)
def test_each_action_has_its_steps(what: Action) -> None:
    made = planned(what, **FIELDS.get(what, {}))
    assert made.faults == ()
    plan = north.stored(made.plan)
    assert [node.action for node in plan.nodes] == WORDS[what]
    assert [(group.name, group.id) for group in plan.groups] == [("web", "s1")]
    assert "not-to-be-seen" not in repr(plan)


def test_every_action_has_its_rule_and_its_command() -> None:
    assert set(action.RULES) == set(Action)
    assert {what.command for what in Action} <= set(COMMANDS)
    assert set(action_steps.RECIPES) == set(server_action.SUMMARIES) == set(Action) - {Action.TERMINATE}


@pytest.mark.parametrize(
    ("server", "some", "none"),
    [
        (SERVER, {"PAUSE", "RESIZE", "LOCK"}, {"UNPAUSE", "POWER_ON", "UNLOCK", "RESTORE"}),
        (
            cloud.Server(id="s", name="n", state=ServerState.STOPPED),
            {"POWER_ON", "RESIZE", "HARD_REBOOT"},
            {"REBOOT"},
        ),
        (
            cloud.Server(id="s", name="n", state=ServerState.RESIZED),
            {"CONFIRM_RESIZE", "REVERT_RESIZE"},
            {"PAUSE"},
        ),
        (cloud.Server(id="s", name="n", state=ServerState.SOFT_DELETED), {"RESTORE"}, {"LOCK", "TERMINATE"}),
        (
            cloud.Server(id="s", name="n", state=ServerState.ACTIVE, locked=True),
            {"UNLOCK", "SNAPSHOT"},
            {"REBOOT", "LOCK"},
        ),
        (
            cloud.Server(id="s", name="n", state=ServerState.ACTIVE, activity=ServerActivity.REBOOTING),
            {"HARD_REBOOT", "TERMINATE"},
            {"PAUSE", "SNAPSHOT"},
        ),
        (cloud.Server(id="s", name="n", state=ServerState.DELETED), set(), {"TERMINATE", "REBOOT"}),
    ],
    ids=lambda value: getattr(getattr(value, "state", None), "value", ""),
)
def test_a_state_allows_its_actions(server: cloud.Server, some: set[str], none: set[str]) -> None:
    possible = {one.value for one in action.possible(server, offered=frozenset(Action))}
    assert some <= possible
    assert not none & possible


def test_a_busy_server_is_left_to_the_task_that_is_at_work() -> None:
    known = north.facts(server=SERVER, unfinished=(BUSY_TASK,))
    want = CommandRequest(body=ActionRequest(action=Action.PAUSE), params={"server": "s1"})
    with pytest.raises(WrongState, match=BUSY_TASK.id):
        COMMANDS["server.pause"].plan(want, known)


def test_a_lock_is_no_matter_of_other_tasks() -> None:
    known = north.facts(server=SERVER, unfinished=(BUSY_TASK,))
    want = CommandRequest(body=ActionRequest(action=Action.LOCK), params={"server": "s1"})
    assert COMMANDS["server.lock"].plan(want, known).faults == ()


def test_what_the_cloud_is_doing_is_named() -> None:
    server = msgspec.structs.replace(SERVER, activity=ServerActivity.RESIZING)
    with pytest.raises(ActionImpossible, match=r"at work on it \(resizing\)"):
        planned(Action.PAUSE, server=server)


def test_a_stopped_server_moves_cold_and_is_confirmed() -> None:
    server = msgspec.structs.replace(SERVER, state=ServerState.STOPPED)
    assert [node.action for node in planned(Action.MOVE, server=server).plan.nodes] == [
        "PREPARING",
        "MIGRATING",
        "FINALIZING",
    ]
    assert [one.pointer for one in planned(Action.MOVE, server=server, live=True).faults] == ["/live"]


def test_a_resize_beyond_the_quota_is_refused_with_the_numbers() -> None:
    full = {"cores": cloud.Limit(limit=2, used=2), "memory_mb": cloud.Limit(limit=-1, used=0)}
    want = CommandRequest(body=ActionRequest(action=Action.RESIZE, type="m1.medium"), params={"server": "s1"})
    [fault] = COMMANDS["server.resize"].plan(want, north.facts(server=SERVER, quota=full)).faults
    assert fault.code == "quota_exceeded"
