"""The file of containers: named groups of clouds, regions and zones that an operator defines.

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
from enamel.model.placement import Container, clouds_at

LONGEST = 255
_REMEDY = "Correct the file that [clouds] placements names; docs/how-to/placements.md shows one."


class _File(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The contents of the file."""

    placements: tuple[Container, ...]


def read(file: Path | None, *, clouds: Collection[str]) -> tuple[Container, ...]:
    """Return the containers of a file, or none without a file.

    Args:
        file: The YAML file.
        clouds: The clouds that members can be in.

    Raises:
        Invalid: The file is wrong; the error lists every fault with its line.

    """
    if file is None:
        return ()
    try:
        text = file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise _invalid([f"{file} cannot be read: {error}."]) from error
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        lines = dict(_lines(root, "$")) if root is not None else {}
        data = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        raise _invalid([f"{file} is not YAML: {' '.join(str(error).split())}"]) from error
    twice = [f"{file}:{lines[path]}: the key '{key}' occurs twice." for path, key in _twice(root, "$")]
    try:
        containers = msgspec.convert(data, _File).placements
    except msgspec.ValidationError as error:
        reason, _, path = str(error).partition(" - at `")
        raise _invalid([*twice, f"{file}:{lines.get(path.rstrip('`'), 1)}: {reason}."]) from error
    faults = [f"{file}:{lines[path]}: {sentence}" for path, sentence in _faults(containers, clouds=clouds)]
    if twice or faults:
        raise _invalid([*twice, *faults])
    return containers


def _invalid(sentences: Sequence[str]) -> Invalid:
    faults = tuple(Fault(pointer="[clouds] placements", detail=sentence) for sentence in sentences)
    return Invalid(" ".join(sentences), faults=faults, remedy=_REMEDY)


def _faults(containers: Sequence[Container], *, clouds: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield what is wrong: the path in the document and a sentence."""
    names: set[str] = set()
    for number, container in enumerate(containers):
        path = f"$.placements[{number}].name"
        if not container.name or len(container.name) > LONGEST or re.search(r"[/\s]", container.name):
            yield path, f"The name of a placement has 1 to {LONGEST} characters, without '/' and spaces."
        elif container.name in clouds:
            yield path, f"'{container.name}' is the name of a cloud. Choose another name."
        elif container.name in names:
            yield path, f"Two placements have the name '{container.name}'."
        names.add(container.name)
    for number, container in enumerate(containers):
        for index, member in enumerate(container.members):
            path = f"$.placements[{number}].members[{index}]"
            if sentence := _member_fault(member, of=container, names=names, clouds=clouds):
                yield path, sentence
    yield from _loops(containers)


def _member_fault(
    member: str, *, of: Container, names: Collection[str], clouds: Collection[str]
) -> str | None:
    """Return what is wrong with a member of a container, or None."""
    parts = member.split("/")
    if "" in parts or len(parts) > 3:
        return f"'{member}' is not a path. Write cloud, cloud/region or cloud/region/zone."
    if clouds_at(parts[0], clouds) or member in names:
        return None
    known = f"a cloud ({', '.join(clouds) or 'none is configured'}) nor a placement of this file"
    return f"'{of.name}' has the member '{member}', which is neither in {known}."


def _loops(containers: Sequence[Container]) -> Iterator[tuple[str, str]]:
    """Yield each loop once, at its first container."""
    members = {container.name: list(container.members) for container in reversed(containers)}
    numbers = {container.name: number for number, container in reversed([*enumerate(containers)])}
    done: set[str] = set()

    def walk(name: str, above: tuple[str, ...]) -> Iterator[tuple[str, str]]:
        if name in above:
            loop = " > ".join([*above[above.index(name) :], name])
            yield f"$.placements[{numbers[name]}].members", f"The placements form a loop: {loop}."
        elif name in members and name not in done:
            for member in members[name]:
                yield from walk(member, (*above, name))
            done.add(name)

    for container in containers:
        yield from walk(container.name, ())


def _lines(node: Any, path: str) -> Iterator[tuple[str, int]]:
    """Yield the line of every value in a document, by the path that msgspec gives it."""
    yield path, node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from _lines(value, f"{path}.{key.value}")
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            yield from _lines(value, f"{path}[{number}]")


def _twice(node: Any, path: str) -> Iterator[tuple[str, str]]:
    """Yield the keys that occur twice in one mapping: YAML keeps the last one without a word."""
    if isinstance(node, yaml.MappingNode):
        keys = [str(key.value) for key, _ in node.value]
        for key, value in node.value:
            yield from _twice(value, f"{path}.{key.value}")
        yield from ((f"{path}.{key}", key) for key in dict.fromkeys(keys) if keys.count(key) > 1)
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            yield from _twice(value, f"{path}[{number}]")
