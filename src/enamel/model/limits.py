"""Limits: how many tasks may run at a time, over all workers."""

import re
from collections.abc import Mapping

from msgspec import Struct

from enamel.model import topic

_LIMIT = re.compile(r"(?:(type|cloud):(\S+?)|project)\s*=\s*([0-9]{1,7})")


class Limits(Struct, frozen=True, kw_only=True):
    """How many tasks may run at a time; what is not named has no limit."""

    types: Mapping[str, int] = {}
    """By patterns of types, such as `server.*`: all that fit one count together."""
    clouds: Mapping[str, int] = {}
    """By names of clouds."""
    project: int | None = None
    """For each project."""

    def __bool__(self) -> bool:
        """Tell whether there is any limit."""
        return bool(self.types or self.clouds or self.project is not None)


NONE = Limits()
"""No limits."""


def parse(text: str) -> Limits:
    """Return the limits that a text such as `type:server.create=50, cloud:north=200, project=100` names.

    Raises:
        ValueError: A part of it names none.

    """
    types: dict[str, int] = {}
    clouds: dict[str, int] = {}
    project = None
    for part in filter(None, map(str.strip, text.split(","))):
        match = _LIMIT.fullmatch(part)
        if not match or (match[1] == "type" and match[2].startswith("!")):
            raise ValueError(
                f"'{part}' is no limit: write type:server.create=50, cloud:north=200 or project=100"
            )
        number = int(match[3])
        if not match[1] and not number:
            raise ValueError("project=0 is a limit under which nothing ever runs: choose 1 or more")
        if match[1] == "type":
            topic.parse([match[2]])
            types[match[2]] = number
        elif match[1] == "cloud":
            clouds[match[2]] = number
        else:
            project = number
    return Limits(types=types, clouds=clouds, project=project)


def text(limits: Limits) -> str:
    """Return the text that names limits."""
    parts = [f"type:{pattern}={number}" for pattern, number in limits.types.items()]
    parts += [f"cloud:{name}={number}" for name, number in limits.clouds.items()]
    return ", ".join([*parts, *([f"project={limits.project}"] if limits.project is not None else [])])
