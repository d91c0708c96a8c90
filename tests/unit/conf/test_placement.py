"""The file of containers: what it says is taken as it stands, or refused with its line."""

from pathlib import Path

import pytest

from enamel.conf import placement
from enamel.model.errors import Invalid
from enamel.model.placement import Container, Containers

CLOUDS = ("north", "south")


def read(text: str, place: Path) -> tuple[Container, ...]:
    file = place / "placements.yaml"
    file.write_text(text)
    return placement.read(file, clouds=CLOUDS)


def refused(text: str, place: Path) -> list[str]:
    with pytest.raises(Invalid) as error:
        read(text, place)
    return [fault.detail.removeprefix(f"{place / 'placements.yaml'}") for fault in error.value.faults]


def test_containers_have_members_of_all_kinds(tmp_path: Path) -> None:
    found = read(
        """
        placements:
          - {name: all, members: [green, south, north/RegionOne/az2]}
          - name: green
            description: Runs on water.
            tags: [green]
            properties: {contact: ops}
            members: [north/RegionOne/az1, north/RegionOne/az2]
        """,
        tmp_path,
    )
    assert (found[1].description, found[1].tags, found[1].properties) == (
        *("Runs on water.", ("green",)),
        {"contact": "ops"},
    )
    containers = Containers(found)
    assert containers.leaves(found[0]) == ("north/RegionOne/az1", "north/RegionOne/az2", "south")
    assert containers.clouds(found[0]) == ("north", "south")
    assert containers.with_id(found[1].id) is found[1] and found[1].id == Container(name="green").id


@pytest.mark.parametrize(
    ("path", "means"),
    [
        ("all", "all"),
        ("all/green", "green"),
        ("all/green/north/RegionOne/az1", "north/RegionOne/az1"),
        ("green/south", None),
        ("all/south/RegionOne", "south/RegionOne"),
        ("north/RegionOne", "north/RegionOne"),
    ],
)
def test_a_path_may_lead_through_containers(path: str, means: str | None) -> None:
    green = Container(name="green", members=("north/RegionOne/az1",))
    assert Containers([Container(name="all", members=("green", "south")), green]).below(path) == means


def test_without_a_file_there_are_none() -> None:
    assert placement.read(None, clouds=CLOUDS) == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("placements:\n- {name: a, members: [b]}\n- {name: b, members: [a]}", ":2: The placements go round in a loop: a > b > a."),
        ("placements:\n- name: a\n  members:\n  - a", ":4: The placements go round in a loop: a > a."),
        ("placements:\n- {name: a}\n- {name: a}", ":3: There are two placements with the name 'a'."),
        ("placements:\n- {name: north}", ":2: 'north' is the name of a cloud: choose another."),
        ("placements:\n- {name: a, members:\n  [east/RegionOne]}", ":3: 'a' has the member 'east/RegionOne', which is neither in a cloud (north, south) nor a placement of this file."),
        ("placements:\n- {name: a, members: [north//az1]}", ":2: 'north//az1' is no path: write cloud, cloud/region or cloud/region/zone."),
        ("placements:\n- {name: a/b}", ":2: A placement's name has 1 to 255 characters, without '/' and spaces."),
        ("placements:\n- name: a\n  tags: [1]", ":3: Expected `str`, got `int`."),
        ("placements:\n- name: a\n  name: b", ":3: 'name' is written twice."),
        ("placements:\n- {nam: a}", ":2: Object contains unknown field `nam`."),
        ("placements: &a [*a]", ": it is no YAML: maximum recursion depth exceeded"),
        ("placements: [", ": it is no YAML: while parsing a flow node"),
        ("", ":1: Expected `object`, got `null`."),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_its_line(text: str, said: str, tmp_path: Path) -> None:
    [told, *_] = refused(text, tmp_path)
    assert told.startswith(said)


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    assert (
        len(refused("placements:\n- {name: north, members: [east]}\n- {name: a, members: [b]}", tmp_path))
        == 3
    )


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"nothing\.yaml: it cannot be read"):
        placement.read(tmp_path / "nothing.yaml", clouds=CLOUDS)
