"""What commands reserve: the sum of what their steps use up, and the same refusal for each of them."""

from typing import Any

import msgspec
import pytest

from enamel.clouds.capability import Capability
from enamel.commands import COMMANDS
from enamel.commands.command import CommandRequest, Planned
from enamel.commands.facts import Facts
from enamel.model import cloud
from enamel.model.action import Action, ActionRequest
from enamel.model.states import ServerState
from enamel.model.volume import SnapshotRequest
from enamel.steps import KINDS
from tests.unit.commands import north

FULL = cloud.Limit(limit=10, used=10)


def server(**changes: Any) -> cloud.Server:
    base = cloud.Server(
        id=north.NEIGHBOUR,
        name="db",
        state=ServerState.ACTIVE,
        flavor_id="1",
        flavor_name="m1.tiny",
        vcpus=1,
        memory_mb=512,
    )
    return msgspec.structs.replace(base, **changes)


def act(what: Action, known: Facts, **fields: Any) -> Planned:
    request = CommandRequest(body=ActionRequest(action=what, **fields), params={"server": north.NEIGHBOUR})
    return COMMANDS[what.command].plan(request, known)


@pytest.mark.parametrize(
    ("what", "fields", "needs"),
    [
        (Action.RESIZE, {"type": "m1.medium"}, {"cores": 1, "memory_mb": 3584}),
        (Action.ATTACH_BLOCK_DEVICE, {"size_gb": 7}, {"volumes": 1, "gigabytes": 7}),
        (Action.ATTACH_BLOCK_DEVICE, {"volume": "data"}, {}),
        (Action.ATTACH_NETWORK_INTERFACE, {"network": "private"}, {"ports": 1}),
        (Action.ATTACH_NETWORK_INTERFACE, {"port": "free"}, {}),
        (Action.SNAPSHOT, {"name": "image"}, {}),
        (Action.REBOOT, {}, {}),
    ],
)
def test_actions_reserve_what_their_steps_use_up(
    what: Action, fields: dict[str, Any], needs: dict[str, int]
) -> None:
    planned = act(what, north.facts(server=server()), **fields)
    assert (planned.faults, planned.plan.needs) == ((), needs)
    asked = COMMANDS[what.command].ask(
        CommandRequest(body=ActionRequest(action=what, **fields), params={"server": north.NEIGHBOUR})
    )
    assert needs.keys() <= asked.quota
    full = north.facts(server=server(), quota=dict.fromkeys(needs, FULL))
    assert [fault.code for fault in act(what, full, **fields).faults] == ["quota_exceeded"] * len(needs)


def test_a_smaller_type_needs_nothing() -> None:
    large = server(flavor_name="m1.medium", vcpus=2, memory_mb=4096)
    assert act(Action.RESIZE, north.facts(server=large), type="m1.small").plan.needs == {}


def test_a_server_of_unknown_size_needs_nothing() -> None:
    unknown = server(vcpus=0, memory_mb=0)
    assert act(Action.RESIZE, north.facts(server=unknown), type="m1.medium").plan.needs == {}


def test_a_snapshot_of_a_volume_needs_its_size() -> None:
    request = CommandRequest(body=SnapshotRequest(name="a"), params={"volume": north.DATA})
    assert COMMANDS["volume.snapshot"].plan(request, north.facts()).plan.needs == {"gigabytes": 5}


def test_a_launch_needs_the_sum_of_its_steps() -> None:
    plan = north.plan(
        count=3,
        public_address=True,
        volumes=[{"size_gb": 2}],
        allow=["tcp/22"],
        keypair={"name": "mine", "public_key": north.KEY},
    )
    assert plan.needs == {
        "servers": 3,
        "cores": 3,
        "memory_mb": 6144,
        "ports": 3,
        "addresses": 3,
        "volumes": 3,
        "gigabytes": 6,
        "keypairs": 1,
        "security_groups": 1,
    }


@pytest.mark.parametrize(
    ("what", "fields", "lacks"),
    [
        (Action.ATTACH_BLOCK_DEVICE, {"size_gb": 7}, Capability.VOLUME),
        (Action.ATTACH_NETWORK_INTERFACE, {"network": "private"}, Capability.PORTS),
    ],
)
def test_a_capability_that_a_step_requires(what: Action, fields: dict[str, Any], lacks: Capability) -> None:
    base = north.facts(server=server())
    known = msgspec.structs.replace(base, capabilities=base.capabilities - {lacks})
    [fault] = act(what, known, **fields).faults
    assert fault.code == "capability_missing" and lacks.value in fault.detail


def test_what_every_step_requires_is_a_capability() -> None:
    for kind in KINDS.values():
        assert kind.requires <= set(Capability)
