"""What the image service accepts: the bodies of new images and the patches of old ones."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from enamel.sandbox import http, kernel
from enamel.sandbox.image import state

PATCH_TYPES = (
    "application/openstack-images-v2.0-json-patch",
    "application/openstack-images-v2.1-json-patch",
)
READ_ONLY = frozenset(
    {
        "checksum",
        "created_at",
        "direct_url",
        "file",
        "os_hash_algo",
        "os_hash_value",
        "schema",
        "self",
        "size",
        "status",
        "stores",
        "updated_at",
        "virtual_size",
    }
)
FORMATS: dict[str, tuple[str, ...]] = {
    "disk_format": ("ami", "ari", "aki", "vhd", "vhdx", "vmdk", "raw", "qcow2", "vdi", "iso", "ploop"),
    "container_format": ("ami", "ari", "aki", "bare", "ovf", "ova", "docker", "compressed"),
    "visibility": ("community", "public", "private", "shared"),
}
TYPES: dict[str, type] = {
    "name": str,
    "owner": str,
    "min_ram": int,
    "min_disk": int,
    "protected": bool,
    "os_hidden": bool,
    "tags": list,
    "id": str,
}
BASE = frozenset(TYPES) | frozenset(FORMATS)
WORDS = {str: "'string'", int: "'integer'", bool: "'boolean'", list: "'array'"}
UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def created(request: http.Request) -> tuple[kernel.Json, dict[str, str]]:
    """Return the checked attributes and the properties of a new image."""
    body = _json(request)
    if not isinstance(body, dict):
        raise _mismatch(f"{body!r} is not of type 'object'")
    for name, value in body.items():
        check(request, name, value)
    if "id" in body:
        if UUID.fullmatch(body["id"]) is None:
            raise _mismatch(f"{body['id']!r} does not match the pattern of a UUID")
        if body["id"] in state.of(request).records:
            raise kernel.Refusal(409, f"Image ID {body['id']} already exists!")
    base = {name: value for name, value in body.items() if name in BASE}
    return base, {name: value for name, value in body.items() if name not in BASE}


def check(request: http.Request, name: str, value: Any) -> None:
    """Refuse an attribute that cannot be set, or a value that it cannot have."""
    if name in READ_ONLY:
        raise kernel.Refusal(403, f"Attribute '{name}' is read-only.")
    if name in FORMATS:
        if value is None and name != "visibility":
            return
        if value not in FORMATS[name]:
            known = [*([None] if name != "visibility" else []), *FORMATS[name]]
            raise _mismatch(f"{value!r} is not one of {known}")
    elif name in TYPES:
        nothing = value is None and name in ("name", "owner")
        fits = isinstance(value, TYPES[name]) and (TYPES[name] is not int or not isinstance(value, bool))
        if not nothing and not fits:
            raise _mismatch(f"{value!r} is not of type {WORDS[TYPES[name]]}")
        if name == "tags" and not all(isinstance(tag, str) and len(tag) <= 255 for tag in value):
            raise _mismatch(f"{value!r} is not a list of strings of at most 255 characters")
        if TYPES[name] is int and value < 0:
            raise _mismatch(f"{value!r} is less than the minimum of 0")
    elif not isinstance(value, str):
        raise _mismatch(f"{value!r} is not of type 'string'")
    if name == "visibility" and value == "public" and not request.caller.admin:
        raise kernel.Refusal(403, "You are not authorized to complete publicize_image action.")
    if name == "owner" and value != request.caller.project_id and not request.caller.admin:
        raise kernel.Refusal(403, f"You are not permitted to create images owned by '{value}'.")


def patched(request: http.Request, record: state.Record) -> tuple[kernel.Json, dict[str, str]]:
    """Return the attributes and properties that an image has after a patch, or refuse the whole patch."""
    if request.headers.get("content-type", "").partition(";")[0] not in PATCH_TYPES:
        raise kernel.Refusal(
            415,
            "The request media type application/json is not supported by this server.\n<br /><br />\nImage PATCH expects"
            f" Content-Type one of: {', '.join(PATCH_TYPES)}",
            headers={"Accept-Patch": ", ".join(PATCH_TYPES)},
        )
    patch = _json(request)
    if not isinstance(patch, list):
        raise kernel.Refusal(400, "Request body must be a JSON array of operation objects.")
    base, properties = dict(record.base), dict(record.properties)
    for change in patch:
        _apply(request, change, base, properties)
    return base, properties


def _apply(request: http.Request, change: Any, base: kernel.Json, properties: dict[str, str]) -> None:
    """Carry out one operation of a patch."""
    if not isinstance(change, dict):
        raise kernel.Refusal(400, "Operations must be JSON objects.")
    operation, path = change.get("op"), change.get("path")
    if operation not in ("add", "replace", "remove"):
        raise kernel.Refusal(400, f"Operations must be one of add, replace, remove; not {operation!r}.")
    if not isinstance(path, str) or not path.startswith("/"):
        raise kernel.Refusal(400, f'Pointer `{path}` does not start with "/".')
    name = path[1:].replace("~1", "/").replace("~0", "~")
    if operation == "remove":
        if name in READ_ONLY or name == "id":
            raise kernel.Refusal(403, f"Attribute '{name}' is read-only.")
        if name in BASE:
            raise kernel.Refusal(403, f"Property {name} may not be removed.")
        if properties.pop(name, None) is None:
            raise _conflict(f"Property {name} does not exist.")
        return
    if "value" not in change:
        raise kernel.Refusal(400, f'Operation "{operation}" requires a member named "value".')
    if name == "id":
        raise kernel.Refusal(403, "Attribute 'id' is read-only.")
    check(request, name, change["value"])
    if name in BASE:
        base[name] = sorted(set(change["value"])) if name == "tags" else change["value"]
        return
    if operation == "replace" and name not in properties:
        raise _conflict(f"Property {name} does not exist.")
    properties[name] = change["value"]


def _json(request: http.Request) -> Any:
    """Return the JSON value in a body, or refuse."""
    try:
        return msgspec.json.decode(request.content)
    except msgspec.DecodeError:
        raise kernel.Refusal(400, "Malformed JSON in request body.") from None


def _conflict(message: str) -> kernel.Refusal:
    """Refuse a patch that does not fit the image."""
    return kernel.Refusal(
        409, f"There was a conflict when trying to complete your request.<br /><br />\n{message}\n\n"
    )


def _mismatch(reason: str) -> kernel.Refusal:
    """Refuse an invalid body."""
    return kernel.Refusal(400, f"Provided object does not match schema 'image': {reason}")
