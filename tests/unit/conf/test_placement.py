"""The file of containers is read, or refused with the line of each fault."""

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
    containers = read(
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
    assert (containers[1].description, containers[1].tags, containers[1].properties) == (
        *("Runs on water.", ("green",)),
        {"contact": "ops"},
    )
    tree = Containers(containers)
    assert tree.leaves(containers[0]) == ("north/RegionOne/az1", "north/RegionOne/az2", "south")
    assert tree.clouds(containers[0], among=("south", "north", "west")) == ("north", "south")
    green = containers[1]
    assert tree.with_id(green.id) is green and green.id == Container(name="green").id


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
    ("text", "sentence"),
    [
        ("placements:\n- {name: a, members: [b]}\n- {name: b, members: [a]}", ":2: The placements form a loop: a > b > a."),
        ("placements:\n- name: a\n  members:\n  - a", ":4: The placements form a loop: a > a."),
        ("placements:\n- {name: a}\n- {name: a}", ":3: Two placements have the name 'a'."),
        ("placements:\n- {name: north}", ":2: 'north' is the name of a cloud. Choose another name."),
        ("placements:\n- {name: a, members:\n  [east/RegionOne]}", ":3: 'a' has the member 'east/RegionOne', which is neither in a cloud (north, south) nor a placement of this file."),
        ("placements:\n- {name: a, members: [north//az1]}", ":2: 'north//az1' is not a path. Write cloud, cloud/region or cloud/region/zone."),
        ("placements:\n- {name: a/b}", ":2: The name of a placement has 1 to 255 characters, without '/' and spaces."),
        ("placements:\n- name: a\n  tags: [1]", ":3: Expected `str`, got `int`."),
        ("placements:\n- name: a\n  name: b", ":3: the key 'name' occurs twice."),
        ("placements:\n- {nam: a}", ":2: Object contains unknown field `nam`."),
        ("placements: &a [*a]", " is not YAML: maximum recursion depth exceeded"),
        ("placements: [", " is not YAML: while parsing a flow node"),
        ("", ":1: Expected `object`, got `null`."),
    ],
)  # fmt: skip
def test_a_faulty_file_is_refused_with_the_line(text: str, sentence: str, tmp_path: Path) -> None:
    [detail, *_] = refused(text, tmp_path)
    assert detail.startswith(sentence)


def test_all_faults_are_listed_at_once(tmp_path: Path) -> None:
    assert (
        len(refused("placements:\n- {name: north, members: [east]}\n- {name: a, members: [b]}", tmp_path))
        == 3
    )


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"nothing\.yaml cannot be read"):
        placement.read(tmp_path / "nothing.yaml", clouds=CLOUDS)
