"""The launch: turns the options of `enamel server create` into the body of a request."""

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
    """Return the body for some options, which override the fields of a file.

    Raises:
        click.UsageError: An option is wrong.

    """
    fields = _file(given["file"]) if given.get("file") else {}
    for option, read in READERS.items():
        value = given.get(option)
        if value not in (None, (), False):
            fields.update(read(value))
    return fields | _networks(given) | _webhooks(given)


def _file(path: Path) -> dict[str, Any]:
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise click.BadParameter(f"{path} is not a JSON file: {error}", param_hint="--file") from error
    if not isinstance(fields, dict):
        raise click.BadParameter(f"{path} does not contain a JSON object.", param_hint="--file")
    return fields


def _field(name: str) -> Callable[[Any], dict[str, Any]]:
    return lambda value: {name: list(value) if isinstance(value, tuple) else value}


def _choice(name: str) -> Callable[[Any], dict[str, Any]]:
    return lambda value: {name: value.upper()}


def _size(text: str) -> dict[str, Any]:
    """Return a server type: its name, or its least size."""
    if "=" not in text:
        return {"type": text}
    sizes = _pairs(text.split(","), "--flavor")
    return {"type": {field: _number(value, "--flavor") for field, value in sizes.items()}}


def _networks(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the networks of --network and --nic: `auto`, `none`, or a list."""
    names, nics = given.get("network") or (), given.get("nic") or ()
    words = [text for text in (*names, *nics) if text in ("auto", "none")]
    if not names and not nics:
        return {}
    if words and len(names) + len(nics) > 1:
        raise click.UsageError(f"'{words[0]}' excludes other networks.")
    return {"networks": words[0] if words else [*map(_network, names), *map(_nic, nics)]}


def _network(text: str) -> str | dict[str, str]:
    """Return the interface of `NAME`, `NAME=ADDRESS` or `port=ID`."""
    name, separator, value = text.partition("=")
    if not separator:
        return text
    return {"port": value} if name == "port" else {"network": name, "fixed_ip": value}


def _nic(text: str) -> str | dict[str, str]:
    """Return the interface of `net-id=UUID[,v4-fixed-ip=ADDRESS]` or `port-id=UUID`."""
    parts = _pairs(text.split(","), "--nic")
    network, port = parts.pop("net-id", None), parts.pop("port-id", None)
    addresses = [parts.pop(name) for name in ("v4-fixed-ip", "v6-fixed-ip") if name in parts]
    if parts or (network is None) == (port is None) or len(addresses) > (0 if port else 1):
        raise click.BadParameter(
            f"'{text}' is not net-id=UUID[,v4-fixed-ip=ADDRESS], port-id=UUID, auto or none.",
            param_hint="--nic",
        )
    if port is not None:
        return {"port": port}
    return {"network": str(network), "fixed_ip": addresses[0]} if addresses else str(network)


def _boot_volume(text: str) -> dict[str, Any]:
    return {"boot_volume": _volume(text, "--boot-volume", names=("size_gb", "type"))}


def _volumes(texts: Iterable[str]) -> dict[str, Any]:
    return {"volumes": [_volume(text, "--volume", names=("size_gb", "type", "name")) for text in texts]}


def _volume(text: str, option: str, *, names: tuple[str, ...]) -> dict[str, Any]:
    """Return the volume of `GB[:TYPE[:NAME]]`; empty parts are left out."""
    parts = text.split(":")
    if len(parts) > len(names):
        raise click.BadParameter(
            f"'{text}' has more parts than {':'.join(names).upper()}.", param_hint=option
        )
    fields: dict[str, Any] = {name: part for name, part in zip(names, parts, strict=False) if part}
    if "size_gb" not in fields:
        raise click.BadParameter(f"'{text}' does not begin with a size in gigabytes.", param_hint=option)
    fields["size_gb"] = _number(fields["size_gb"], option)
    return fields


def _keypair(text: str) -> dict[str, Any]:
    """Return the keypair of `NAME[=FILE]`; the key in the file is imported if no keypair has the name."""
    name, separator, file = text.partition("=")
    if not separator:
        return {"keypair": name}
    return {"keypair": {"name": name, "public_key": _text(Path(file).expanduser(), "--key-name")}}


def _text(path: Path, option: str) -> str:
    """Return the text of a small file."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise click.BadParameter(f"{path} cannot be read: {error}", param_hint=option) from error


def _moment(text: str) -> dict[str, Any]:
    """Return the moment of a time or a duration from now; a time without a zone is in the local time zone."""
    try:
        after = duration.parse(text)
    except ValueError:
        try:
            return {"not_before": datetime.fromisoformat(text).astimezone().isoformat()}
        except (ValueError, OverflowError) as error:
            raise click.BadParameter(
                f"'{text}' is neither a time such as 2026-12-24T18:00 nor a duration from now such as 30m.",
                param_hint="--not-before",
            ) from error
    return {"not_before": (datetime.now().astimezone() + after).isoformat()}


def _webhooks(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the webhooks: each URL gets the same events, signed with the same secret."""
    more = {option: given[option] for option in ("notify_on", "notify_secret") if given.get(option)}
    if not given.get("notify"):
        if more:
            option = "--" + min(more).replace("_", "-")
            raise click.UsageError(f"{option} needs --notify.")
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
    values = {}
    for text in texts:
        name, separator, value = text.partition("=")
        if not separator or not name:
            raise click.BadParameter(f"'{text}' is not KEY=VALUE.", param_hint=option)
        values[name] = value
    return values


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
    "public_address": lambda _: {"public_address": True},
    "address_network": lambda network: {"public_address": {"from": network}},
    "address": lambda address: {"public_address": {"address": address}},
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
    "on_failure": _choice("on_failure"),
    "all_or_nothing": _field("all_or_nothing"),
    "spread": _field("spread"),
    "priority": _choice("priority"),
}
"""How each option becomes fields of the body, in order: later ones override earlier ones."""
