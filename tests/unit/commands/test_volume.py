"""Volumes that are made and deleted by themselves."""

from typing import Any

import pytest

from enamel.commands import COMMANDS
from enamel.commands.command import CommandRequest, Planned
from enamel.model.errors import NotFound, WrongState
from enamel.model.states import VolumeState
from enamel.model.volume import VolumeRequest
from tests.unit.commands import north


def made(**fields: Any) -> Planned:
    want = CommandRequest(body=VolumeRequest(**{"name": "data", "size_gb": 20, **fields}))
    return COMMANDS["volume.create"].plan(want, north.facts())


def test_a_volume_is_made_and_waited_for() -> None:
    plan = made(type="standard", template="ubuntu").plan
    assert north.kinds(plan) == ["volume.create", "volume.await"]
    wanted = north.only(plan, "volume.create")
    assert (wanted["image_id"], wanted["type"], wanted["size_gb"]) == (north.UBUNTU, "standard", 20)
    assert plan.needs == {"volumes": 1, "gigabytes": 20}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"type": "gold"}, ("/type", "unknown")),
        ({"template": "none"}, ("/template", "unknown")),
        ({"template": "fresh"}, ("/template", "invalid")),
        ({"template": "ubuntu", "size_gb": 5}, ("/size_gb", "too_small")),
        ({"size_gb": 101}, ("", "quota_exceeded")),
    ],
)
def test_what_does_not_fit_is_a_fault(fields: dict[str, Any], expected: tuple[str, str]) -> None:
    assert [(one.pointer, one.code) for one in made(**fields).faults] == [expected]


def test_only_what_a_wish_names_is_asked_for() -> None:
    asked = COMMANDS["volume.create"].ask(CommandRequest(body=VolumeRequest(name="data", size_gb=1)))
    assert (asked.images, asked.volume_types) == (False, False)


def test_a_volume_goes_unless_a_server_has_it() -> None:
    command = COMMANDS["volume.delete"]
    there = CommandRequest(body=None, params={"volume": north.DATA})
    assert command.ask(there).volumes
    assert north.only(command.plan(there, north.facts()).plan, "volume.delete") == {"id": north.DATA}
    with pytest.raises(NotFound):
        command.plan(CommandRequest(body=None, params={"volume": north.WEB}), north.facts())


def test_an_attached_volume_stays() -> None:
    taken = north.cloud.Volume(
        id="v1", name="v", size_gb=1, state=VolumeState.IN_USE, status="in-use", attached_to=("s1",)
    )
    with pytest.raises(WrongState, match="s1"):
        COMMANDS["volume.delete"].plan(
            CommandRequest(body=None, params={"volume": "v1"}), north.facts(volumes=(taken,))
        )
