"""The file of containers: the places that an operator makes of clouds, regions and zones.

placements:
- name: green
description: Runs on hydropower.
tags: [green]
members: [north/RegionOne/az1, south]
"""

import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import yaml
from msgspec import Struct

from enamel.model.errors import Fault, Invalid
from enamel.model.placement import Container

LONGEST = 255
_REMEDY = "Correct the file that [clouds] placements names; docs/how-to/placements.md shows one."


class _File(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the file holds."""

    placements: tuple[Container, ...]


def read(file: Path | None, *, clouds: Collection[str]) -> tuple[Container, ...]:
    """Return the containers of a file; none where there is no file.

    Args:
        file: The YAML file.
        clouds: The clouds that members can be in.

    Raises:
        Invalid: The file cannot be read, or what it says cannot be; every fault is told with its line.

    """
    if file is None:
        return ()
    try:
        text = file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise _invalid([f"{file}: it cannot be read: {error}."]) from error
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        lines = dict(_lines(root, "$")) if root is not None else {}
        data = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        raise _invalid([f"{file}: it is no YAML: {' '.join(str(error).split())}"]) from error
    twice = [f"{file}:{lines[path]}: '{key}' is written twice." for path, key in _twice(root, "$")]
    try:
        found = msgspec.convert(data, _File).placements
    except msgspec.ValidationError as error:
        what, _, path = str(error).partition(" - at `")
        raise _invalid([*twice, f"{file}:{lines.get(path.rstrip('`'), 1)}: {what}."]) from error
    said = [f"{file}:{lines[path]}: {sentence}" for path, sentence in _faults(found, clouds=clouds)]
    if twice or said:
        raise _invalid([*twice, *said])
    return found


def _invalid(sentences: Sequence[str]) -> Invalid:
    faults = tuple(Fault(pointer="[clouds] placements", detail=sentence) for sentence in sentences)
    return Invalid(" ".join(sentences), faults=faults, remedy=_REMEDY)


def _faults(found: Sequence[Container], *, clouds: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield what is wrong, each with where it stands."""
    names: set[str] = set()
    for number, one in enumerate(found):
        here = f"$.placements[{number}]"
        if not one.name or len(one.name) > LONGEST or re.search(r"[/\s]", one.name):
            detail = f"A placement's name has 1 to {LONGEST} characters, without '/' and spaces."
            yield f"{here}.name", detail
        elif one.name in clouds:
            yield f"{here}.name", f"'{one.name}' is the name of a cloud: choose another."
        elif one.name in names:
            yield f"{here}.name", f"There are two placements with the name '{one.name}'."
        names.add(one.name)
    for number, one in enumerate(found):
        for place, member in enumerate(one.members):
            path = member.strip("/")
            first = path.split("/")[0]
            here = f"$.placements[{number}].members[{place}]"
            if path != member or "" in path.split("/") or path.count("/") > 2:
                yield here, f"'{member}' is no path: write cloud, cloud/region or cloud/region/zone."
            elif first not in clouds and member not in names:
                there = f"a cloud ({', '.join(clouds) or 'there is none'}) nor a placement of this file"
                yield here, f"'{one.name}' has the member '{member}', which is neither in {there}."
    yield from _loops(found)


def _loops(found: Sequence[Container]) -> Iterator[tuple[str, str]]:
    """Yield each loop once, where its first container stands."""
    members = {one.name: list(one.members) for one in reversed(found)}
    numbers = {one.name: number for number, one in reversed([*enumerate(found)])}
    done: set[str] = set()

    def walk(name: str, way: tuple[str, ...]) -> Iterator[tuple[str, str]]:
        if name in way:
            loop = " > ".join([*way[way.index(name) :], name])
            yield f"$.placements[{numbers[name]}].members", f"The placements go round in a loop: {loop}."
        elif name in members and name not in done:
            for member in members[name]:
                yield from walk(member, (*way, name))
            done.add(name)

    for one in found:
        yield from walk(one.name, ())


def _lines(node: Any, path: str) -> Iterator[tuple[str, int]]:
    """Yield the line of everything in a document, by the path that msgspec would call it by."""
    yield path, node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from _lines(value, f"{path}.{key.value}")
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            yield from _lines(value, f"{path}[{number}]")


def _twice(node: Any, path: str) -> Iterator[tuple[str, str]]:
    """Yield the keys that stand twice in one mapping: YAML would keep the last and say nothing."""
    if isinstance(node, yaml.MappingNode):
        keys = [str(key.value) for key, _ in node.value]
        for key, value in node.value:
            yield from _twice(value, f"{path}.{key.value}")
        yield from ((f"{path}.{key}", key) for key in dict.fromkeys(keys) if keys.count(key) > 1)
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            yield from _twice(value, f"{path}[{number}]")
