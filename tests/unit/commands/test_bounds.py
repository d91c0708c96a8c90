"""Bounds on what one request may ask for: told with the number, before anything is planned."""

from typing import Any

import pytest

from enamel.flow.draft import Draft
from enamel.model import errors, launch
from enamel.model.errors import Fault, Invalid
from enamel.model.launch import Launch
from enamel.service.validation import body
from enamel.steps.volume import CreateVolume
from tests.unit.commands import north

WEB: dict[str, Any] = {"name": "web", "template": "cirros", "type": "m1.small"}
VOLUME = {"size_gb": 1}


def faults(**fields: Any) -> list[Fault]:
    return body.shape({**WEB, **fields}, Launch)[1]


@pytest.mark.parametrize(
    ("field", "value", "most"),
    [
        ("volumes", [VOLUME] * 20_000, 100),
        ("networks", ["private"] * 40_000, 100),
        ("security_groups", ["unknown"] * 40_000, 100),
        ("allow", ["tcp/22"] * 40_000, 100),
        ("tags", ["a"] * 40_000, 1000),
        ("properties", {str(number): "" for number in range(40_000)}, 128),
        ("notify", [{"url": "https://example.org/"}] * 40_000, 1000),
        ("servers", [{}] * 40_000, 1000),
        ("count", 40_000, 1000),
        ("affinity", {"near": {"server_ids": ["x"] * 40_000}}, 100),
    ],
)
def test_every_list_has_a_bound(field: str, value: Any, most: int) -> None:
    wrong = faults(**{field: value})
    assert len(wrong) == 1 and wrong[0].pointer.startswith(f"/{field}")
    assert str(most) in wrong[0].detail


@pytest.mark.parametrize(
    "fields",
    [
        {"count": 200, "volumes": [VOLUME] * 100},
        {"count": 1000, "networks": ["private"] * 5},
        {"defaults": {"volumes": [VOLUME] * 100}, "servers": [{"hostname": f"a{n}"} for n in range(51)]},
        {"servers": [{"hostname": f"a{n}", "allow": ["tcp/22"] * 100} for n in range(60)]},
    ],
)
def test_a_launch_has_a_bound_as_a_whole(fields: dict[str, Any]) -> None:
    (wrong,) = faults(**fields)
    assert "at most 5,000" in wrong.detail and "Divide" in wrong.detail


def test_the_largest_launch_is_planned() -> None:
    whole = {**WEB, "count": 1000, "volumes": [VOLUME], "boot_volume": VOLUME, "public_address": True}
    assert body.read(whole, Launch).resources == launch.MOST_RESOURCES
    del whole["boot_volume"]
    assert len(north.planned(north.launch(**whole)).plan.nodes) >= 3000


def test_an_error_lists_a_hundred_faults() -> None:
    many = tuple(Fault(pointer=f"/{number}", detail="wrong") for number in range(40_000))
    assert len(Invalid("wrong", faults=many).faults) == errors.MOST_FAULTS
    servers = [{"hostname": f"a{n}", "security_groups": [f"g{n}-{m}" for m in range(3)]} for n in range(900)]
    planned = north.planned({"defaults": {"template": "cirros", "type": "m1.small"}, "servers": servers})
    assert len([fault for fault in planned.faults if fault.code == "unknown"]) == errors.MOST_FAULTS


class _Counted(dict[str, Any]):
    """A table that counts how often it is searched."""

    searches = 0

    def __contains__(self, key: object) -> bool:
        self.searches += 1
        return super().__contains__(key)


def test_a_free_name_is_not_searched_for_from_the_start() -> None:
    draft = Draft()
    draft._nodes = counted = _Counted()
    names = [draft.add(CreateVolume(size_gb=1, name="data"), group="web").name for _ in range(300)]
    assert names[:3] == ["volume-create-web", "volume-create-web-2", "volume-create-web-3"]
    assert len(set(names)) == 300 and counted.searches <= 300


def test_a_name_that_looks_like_a_number_is_not_taken_twice() -> None:
    draft = Draft()
    names = [
        draft.add(CreateVolume(size_gb=1, name="data"), name=name).name
        for name in ("a-2", "a", "a", "a-2", "a")
    ]
    assert len(set(names)) == 5
