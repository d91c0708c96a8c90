"""What Nova accepts in a body: JSON schemas, and refusals worded as Nova words them."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

import jsonschema

from enamel.sandbox import kernel

Schema = dict[str, Any]

_ERRORS = {
    400: "badRequest",
    401: "unauthorized",
    403: "forbidden",
    404: "itemNotFound",
    405: "badMethod",
    409: "conflictingRequest",
    413: "overLimit",
    415: "badMediaType",
    429: "overLimit",
    501: "notImplemented",
    503: "serviceUnavailable",
}


def word(refusal: kernel.Refusal) -> kernel.Reply:
    """Render a refusal the way Nova does."""
    kind = _ERRORS.get(refusal.status, "computeFault")
    return kernel.Reply(
        status=refusal.status,
        body={kind: {"code": refusal.status, "message": refusal.message}},
        headers=refusal.headers,
        media="application/json; charset=UTF-8",
    )


_FORMATS = jsonschema.FormatChecker()


@_FORMATS.checks("base64")
def _is_base64(text: object) -> bool:
    """Return whether a text is valid user data (base64)."""
    try:
        base64.b64decode(str(text))
    except binascii.Error:
        return False
    return True


@_FORMATS.checks("uuid")
def _is_uuid(text: object) -> bool:
    """Return whether a text is a UUID, with dashes or without."""
    return (
        not isinstance(text, str) or re.fullmatch(r"[0-9a-f]{32}", text.lower().replace("-", "")) is not None
    )


def checker(schema: Schema) -> jsonschema.Draft202012Validator:
    """Compile a schema for repeated use."""
    return jsonschema.Draft202012Validator(schema, format_checker=_FORMATS)


def check(body: Any, against: jsonschema.Draft202012Validator) -> None:
    """Refuse a body that does not fit its schema."""
    problem = next(against.iter_errors(body), None)
    if problem is None:
        return
    if problem.path:
        raise kernel.Refusal(
            400,
            f"Invalid input for field/attribute {problem.path[-1]}. Value: {problem.instance}. {problem.message}",
        )
    raise kernel.Refusal(400, problem.message)


def obj(required: tuple[str, ...] = (), *, more: bool | Schema = False, **properties: Schema) -> Schema:
    """Return the schema of an object."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": more,
    }


TEXT: Schema = {"type": "string"}
NULLABLE: Schema = {"type": ["string", "null"]}
NAME: Schema = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"\S"}
DESCRIPTION: Schema = {"type": ["string", "null"], "minLength": 0, "maxLength": 255}
HOSTNAME: Schema = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"^[a-zA-Z0-9\-._]*$"}
UUID: Schema = {"type": "string", "format": "uuid"}
POSITIVE: Schema = {"type": ["integer", "string"], "pattern": "^[0-9]*$", "minimum": 1, "minLength": 1}
COUNT: Schema = {"type": ["integer", "string"], "pattern": "^[0-9]*$", "minimum": 0, "minLength": 1}
BOOLEAN: Schema = {
    "enum": [
        True, "True", "TRUE", "true", "1", "ON", "On", "on", "YES", "Yes", "yes", "y", "t",
        False, "False", "FALSE", "false", "0", "OFF", "Off", "off", "NO", "No", "no", "n", "f",
    ],
}  # fmt: skip
METADATA: Schema = {
    "type": "object",
    "patternProperties": {r"^[a-zA-Z0-9\-_:. ]{1,255}$": {"type": "string", "maxLength": 255}},
    "additionalProperties": False,
}
TAG: Schema = {"type": "string", "minLength": 1, "maxLength": 60, "pattern": "^[^,/]*$"}
TAGS: Schema = {"type": "array", "items": TAG, "maxItems": 50}
DISK_CONFIG: Schema = {"enum": ["AUTO", "MANUAL"]}

_DISK = obj(
    device_name={"type": ["string", "null"], "maxLength": 255, "pattern": r"^[a-zA-Z0-9._/-]*$"},
    source_type={"enum": ["volume", "image", "snapshot", "blank"]},
    destination_type={"enum": ["volume", "local"]},
    uuid={"type": "string", "minLength": 1, "maxLength": 255},
    boot_index={"type": ["integer", "string", "null"], "pattern": "^-?[0-9]+$"},
    volume_size=POSITIVE,
    delete_on_termination=BOOLEAN,
    volume_type={"type": ["string", "null"], "minLength": 0, "maxLength": 255},
    guest_format={"type": "string", "maxLength": 255},
    device_type={"type": "string", "maxLength": 255},
    disk_bus={"type": "string", "maxLength": 255},
    no_device={},
    tag=TAG,
)

_NETWORKS: Schema = {
    "type": "array",
    "items": obj(uuid=UUID, port={"anyOf": [UUID, {"type": "null"}]}, fixed_ip=TEXT, tag=TAG),
}


def _server(version: kernel.Version) -> Schema:
    """Return the schema of a new server at a microversion."""
    required = ["name", "flavorRef"]
    networks: Schema = _NETWORKS
    properties: dict[str, Schema] = {
        "name": NAME,
        "flavorRef": {"type": ["string", "integer"], "minLength": 1},
        "imageRef": {"type": "string"},
        "adminPass": TEXT,
        "metadata": METADATA,
        "OS-DCF:diskConfig": DISK_CONFIG,
        "accessIPv4": TEXT,
        "accessIPv6": TEXT,
        "personality": {"type": "array"},
        "availability_zone": {"type": "string", "minLength": 1, "maxLength": 255},
        "block_device_mapping": {"type": "array", "items": {"type": "object"}},
        "block_device_mapping_v2": {"type": "array", "items": _DISK},
        "config_drive": BOOLEAN,
        "key_name": {"type": "string", "minLength": 1, "maxLength": 255},
        "max_count": POSITIVE,
        "min_count": POSITIVE,
        "return_reservation_id": BOOLEAN,
        "security_groups": {
            "type": "array",
            "items": {"type": "object", "properties": {"name": NAME}, "additionalProperties": True},
        },
        "user_data": {"type": "string", "format": "base64", "maxLength": 65535},
    }
    if version >= (2, 19):
        properties["description"] = DESCRIPTION
    if version >= (2, 37):
        networks = {"oneOf": [_NETWORKS, {"enum": ["none", "auto"]}]}
        required.append("networks")
    if version >= (2, 52):
        properties["tags"] = TAGS
    if version >= (2, 57):
        del properties["personality"]
    if version >= (2, 63):
        properties["trusted_image_certificates"] = {"type": ["array", "null"]}
    if version >= (2, 74):
        properties["host"] = properties["hypervisor_hostname"] = TEXT
    if version >= (2, 90):
        properties["hostname"] = HOSTNAME
    properties["networks"] = networks
    server = {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }
    hints = obj(more=True, group=UUID)
    return obj(
        ("server",),
        **{"server": server, "os:scheduler_hints": hints, "OS-SCH-HNT:scheduler_hints": hints},
    )


_TURNS = ((2, 90), (2, 74), (2, 63), (2, 57), (2, 52), (2, 37), (2, 19), (2, 1))
_SERVERS = {turn: checker(_server(turn)) for turn in _TURNS}


def server(version: kernel.Version) -> jsonschema.Draft202012Validator:
    """Return the checker of a new server at a microversion."""
    return _SERVERS[next(turn for turn in _TURNS if turn <= version)]


def truth(value: object) -> bool:
    """Return what a boolean means in any of its spellings."""
    return str(value).lower() in ("true", "1", "on", "yes", "y", "t")
