"""The launch: from the options of `enamel server create` to the body of a request."""

import base64
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from enamel.model import duration

T = TypeVar("T")


def body(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body that options describe; those of a file come first, and options go before them.

    Raises:
        click.UsageError: An option has no meaning.

    """
    found = _file(given["file"]) if given.get("file") else {}
    for option, read in READERS.items():
        value = given.get(option)
        if value not in (None, (), False):
            found.update(read(value))
    return found | _notices(given)


def _file(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise click.BadParameter(f"{path} is not a JSON file: {error}", param_hint="--file") from error
    if not isinstance(found, dict):
        raise click.BadParameter(f"{path} holds no JSON object.", param_hint="--file")
    return found


def _field(name: str) -> Callable[[Any], dict[str, Any]]:
    return lambda value: {name: list(value) if isinstance(value, tuple) else value}


def _size(text: str) -> dict[str, Any]:
    """Return a server type: its name, or what it must have."""
    if "=" not in text:
        return {"type": text}
    return {
        "type": {key: _number(value, "--type") for key, value in _pairs(text.split(","), "--type").items()}
    }


def _public(given: bool | str) -> dict[str, Any]:
    return {"public_address": True if given is True else {"from": given}}


def _networks(names: Iterable[str]) -> dict[str, Any]:
    """Return the networks: a word, or a list of names, `NAME=ADDRESS` and `port=ID`."""
    listed = list(names)
    if listed in (["auto"], ["none"]):
        return {"networks": listed[0]}
    return {"networks": [_network(name) for name in listed]}


def _network(text: str) -> str | dict[str, str]:
    name, separator, value = text.partition("=")
    if not separator:
        return text
    return {"port": value} if name == "port" else {"network": name, "fixed_ip": value}


def _boot_volume(text: str) -> dict[str, Any]:
    return {"boot_volume": _volume(text, "--boot-volume", names=("size_gb", "type"))}


def _volumes(texts: Iterable[str]) -> dict[str, Any]:
    return {"volumes": [_volume(text, "--volume", names=("size_gb", "type", "name")) for text in texts]}


def _volume(text: str, option: str, *, names: tuple[str, ...]) -> dict[str, Any]:
    """Return the volume that `SIZE[:TYPE[:NAME]]` means; what is empty is left out."""
    parts = text.split(":")
    if len(parts) > len(names):
        raise click.BadParameter(
            f"'{text}' has more parts than {':'.join(names).upper()}.", param_hint=option
        )
    found: dict[str, Any] = {name: part for name, part in zip(names, parts, strict=False) if part}
    if "size_gb" not in found:
        raise click.BadParameter(f"'{text}' has no size: write gigabytes first.", param_hint=option)
    found["size_gb"] = _number(found["size_gb"], option)
    return found


def _keypair(text: str) -> dict[str, Any]:
    """Return the key that `NAME[=FILE]` means; a file's key is imported if there is none of that name."""
    name, separator, place = text.partition("=")
    if not separator:
        return {"keypair": name}
    return {"keypair": {"name": name, "public_key": _text(Path(place).expanduser(), "--keypair")}}


def _text(path: Path, option: str) -> str:
    """Return what a small file says."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise click.BadParameter(f"{path} cannot be read: {error}", param_hint=option) from error


def _moment(text: str) -> dict[str, Any]:
    """Return the moment that a time or a duration from now means; a time without a zone is this machine's."""
    try:
        after = duration.parse(text)
    except ValueError:
        try:
            return {"not_before": datetime.fromisoformat(text).astimezone().isoformat()}
        except (ValueError, OverflowError) as error:
            raise click.BadParameter(
                f"'{text}' is neither a time, such as 2026-12-24T18:00, nor a duration from now, such as 30m.",
                param_hint="--not-before",
            ) from error
    return {"not_before": (datetime.now().astimezone() + after).isoformat()}


def _notices(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return who is told by webhook: each address of all that is asked for, signed with the same secret."""
    more = {option: given[option] for option in ("notify_on", "notify_secret") if given.get(option)}
    if not given.get("notify"):
        if more:
            option = "--" + min(more).replace("_", "-")
            raise click.UsageError(f"{option} belongs to --notify: say whom to tell.")
        return {}
    common: dict[str, Any] = {"events": list(more["notify_on"])} if "notify_on" in more else {}
    if "notify_secret" in more:
        common["secret"] = _text(more["notify_secret"], "--notify-secret")
    return {"notify": [{"url": url, **common} for url in given["notify"]]}


def _user_data(path: Path) -> dict[str, Any]:
    try:
        return {"user_data": base64.b64encode(path.read_bytes()).decode()}
    except OSError as error:
        raise click.BadParameter(f"{path} cannot be read: {error}", param_hint="--user-data") from error


def _properties(pairs: Iterable[str]) -> dict[str, Any]:
    return {"properties": _pairs(pairs, "--property")}


def _pairs(texts: Iterable[str], option: str) -> dict[str, str]:
    found = {}
    for text in texts:
        name, separator, value = text.partition("=")
        if not separator or not name:
            raise click.BadParameter(f"'{text}' is not KEY=VALUE.", param_hint=option)
        found[name] = value
    return found


def _number(text: str, option: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise click.BadParameter(f"'{text}' is not a whole number.", param_hint=option) from error


READERS: dict[str, Callable[[Any], dict[str, Any]]] = {
    "name": _field("name"),
    "count": _field("count"),
    "template": _field("template"),
    "type": _size,
    "public_address": _public,
    "source": _public,
    "address": lambda value: {"public_address": {"address": value}},
    "network": _networks,
    "boot_volume": _boot_volume,
    "volume": _volumes,
    "keypair": _keypair,
    "allow": _field("allow"),
    "security_group": _field("security_groups"),
    "user_data": _user_data,
    "property": _properties,
    "tag": _field("tags"),
    "placement": _field("placement"),
    "ready_when": _field("ready_when"),
    "ttl": _field("ttl"),
    "timeout": _field("timeout"),
    "not_before": _moment,
    "on_failure": _field("on_failure"),
    "all_or_nothing": _field("all_or_nothing"),
    "spread": _field("spread"),
    "priority": _field("priority"),
}
"""How each option becomes fields of the body, in the order in which they are laid over each other."""
