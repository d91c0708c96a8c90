"""The kind of a setting: how its text is read and how its value is written."""

import ipaddress
import types
import typing
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Struct

from enamel.model import ceiling, driver_path, duration, limits, secret_url, topic
from enamel.model.driver_path import DriverPath

SecretUrl = Annotated[str, msgspec.Meta(extra={"secret": True})]
"""A URL that may contain a password, before the host or in its query."""
Loopback = Annotated[str, msgspec.Meta(extra={"loopback": True})]
"""An address that only this machine can reach."""
Networks = tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]
"""Networks of IP addresses."""


class Kind(Struct, frozen=True, kw_only=True):
    """What values a setting accepts."""

    read: Callable[[str], Any]
    """Returns the value of a text. Raises ValueError with a sentence if the text has none."""
    write: Callable[[Any], str] = str
    """Returns the text of a value."""
    word: str
    """What to write, in a few words."""
    secret: bool = False


def of(annotation: Any) -> Kind:
    """Return the kind of a field's type."""
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Annotated:
        return _noted(of(inner[0]), inner[1])
    if origin in (typing.Union, types.UnionType):
        (value,) = [part for part in inner if part is not type(None)]
        return _optional(of(value))
    if origin is typing.Literal:
        return _choice(inner)
    return _PLAIN[annotation]


def shown(kind: Kind, value: Any) -> str:
    """Return the text of a value, with its passwords blanked."""
    if value is None:
        return ""
    return secret_url.blank(kind.write(value)) if kind.secret else kind.write(value)


def _whole_number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"'{text}' is not a whole number") from None


def _yes_or_no(text: str) -> bool:
    word = text.strip().lower()
    if word in {"true", "yes", "on", "1"}:
        return True
    if word in {"false", "no", "off", "0"}:
        return False
    raise ValueError(f"'{text}' is neither true nor false")


def _duration(text: str) -> timedelta:
    # Other services of OpenStack accept plain seconds.
    return duration.parse(f"{text}s" if text.isdigit() else text)


def _seconds(value: timedelta) -> str:
    total = int(value.total_seconds())
    size, unit = next((size, unit) for size, unit in _UNITS if total % size == 0)
    return f"{total // size}{unit}"


_UNITS = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))


def _networks(text: str) -> Networks:
    parts = filter(None, (part.strip() for part in text.split(",")))
    try:
        return tuple(map(ipaddress.ip_network, parts))
    except ValueError as error:
        raise ValueError(f"{error}: write networks such as 10.20.0.0/16") from None


_PLAIN: dict[Any, Kind] = {
    str: Kind(read=str, word="text"),
    int: Kind(read=_whole_number, word="number"),
    bool: Kind(read=_yes_or_no, write=lambda value: str(value).lower(), word="true or false"),
    timedelta: Kind(read=_duration, write=_seconds, word="duration, such as 90s, 5m or 2d"),
    Path: Kind(read=lambda text: Path(text).expanduser().absolute(), word="path"),
    Networks: Kind(
        read=_networks, write=lambda value: ", ".join(map(str, value)), word="networks separated by commas"
    ),
    ceiling.Ceilings: Kind(read=ceiling.parse, write=ceiling.text, word="numbers separated by commas"),
    tuple[DriverPath, ...]: Kind(
        read=driver_path.parse, write=driver_path.text, word="paths separated by commas"
    ),
    limits.Limits: Kind(read=limits.parse, write=limits.text, word="limits separated by commas"),
    topic.Topics: Kind(
        read=lambda text: topic.parse(text.split(",")), write=str, word="patterns separated by commas"
    ),
}


def _noted(kind: Kind, note: msgspec.Meta) -> Kind:
    """Return a kind, narrowed by its annotation."""
    extra = note.extra or {}
    if extra.get("loopback"):
        return msgspec.structs.replace(kind, read=_loopback, word="loopback address")
    if extra.get("secret"):
        return msgspec.structs.replace(kind, secret=True)
    bounds = f"{note.ge} or more" if note.le is None else f"from {note.ge} to {note.le}"

    def read(text: str) -> Any:
        value = kind.read(text)
        if value < note.ge or (note.le is not None and value > note.le):
            raise ValueError(f"{text} is out of bounds: choose a {kind.word} {bounds}")
        return value

    return msgspec.structs.replace(kind, read=read, word=f"{kind.word} {bounds}")


def _loopback(text: str) -> str:
    try:
        fits = text == "localhost" or ipaddress.ip_address(text).is_loopback
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(
            f"'{text}' is not a loopback address. Everyone who reaches this service can use its clouds: put a proxy "
            "that authenticates its callers in front of it"
        )
    return text


def _optional(kind: Kind) -> Kind:
    return msgspec.structs.replace(kind, read=lambda text: kind.read(text) if text.strip() else None)


def _choice(words: tuple[str, ...]) -> Kind:
    def read(text: str) -> str:
        choice = next((word for word in words if word.lower() == text.strip().lower()), None)
        if choice is None:
            raise ValueError(f"'{text}' is none of {', '.join(words)}")
        return choice

    return Kind(read=read, word=f"one of {', '.join(words)}")
