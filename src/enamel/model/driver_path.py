"""Driver paths: how an operator names drivers that are not installed as packages."""

import re
from collections.abc import Mapping, Sequence

from msgspec import Struct

_PATH = re.compile(r"([A-Za-z_][\w.]*):([A-Za-z_]\w*)")


class DriverPath(Struct, frozen=True, kw_only=True):
    """Where the class of a driver is, and the arguments for it."""

    module: str
    name: str
    arguments: Mapping[str, str] = {}


def parse(text: str) -> tuple[DriverPath, ...]:
    """Return the paths in a text such as `package.module:Class projects=2, other.module:Class`.

    Raises:
        ValueError: A part of it is no path.
    """
    return tuple(_path(part.split()) for part in text.split(",") if part.strip())


def text(paths: Sequence[DriverPath]) -> str:
    """Return the text of paths."""
    return ", ".join(
        " ".join([f"{path.module}:{path.name}", *(f"{key}={value}" for key, value in path.arguments.items())])
        for path in paths
    )


def _path(words: Sequence[str]) -> DriverPath:
    match = _PATH.fullmatch(words[0])
    if match is None:
        raise ValueError(f"'{words[0]}' is not the path of a driver: write package.module:Class")
    arguments = {}
    for word in words[1:]:
        key, equals, value = word.partition("=")
        if not (equals and key.isidentifier()):
            raise ValueError(f"'{word}' is not an argument of a driver: write NAME=VALUE")
        arguments[key] = value
    return DriverPath(module=match[1], name=match[2], arguments=arguments)
