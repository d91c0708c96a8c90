"""What the volume service accepts in a body, and the wording of its refusals."""

from __future__ import annotations

import re
from typing import Any

from enamel.sandbox import http, kernel

NEW_VOLUME = frozenset(
    {
        "availability_zone",
        "backup_id",
        "consistencygroup_id",
        "description",
        "display_description",
        "display_name",
        "group_id",
        "image_id",
        "imageRef",
        "metadata",
        "multiattach",
        "name",
        "OS-SCH-HNT:scheduler_hints",
        "scheduler_hints",
        "size",
        "snapshot_id",
        "source_volid",
        "volume_type",
        "project_id",
        "user_id",
        "attach_status",
        "status",
    }
)
"""The fields of a new volume; the last ones are ignored, because old clients send them."""


def item(request: http.Request, word: str) -> kernel.Json:
    """Return the object under a key of the body, or refuse."""
    body = request.body()
    if word not in body:
        raise kernel.Refusal(400, f"'{word}' is a required property")
    if not isinstance(body[word], dict):
        raise field(word, body[word], f"{body[word]!r} is not of type 'object'")
    inner: kernel.Json = body[word]
    return inner


def field(name: str, value: Any, why: str) -> kernel.Refusal:
    """Refuse the value of a field."""
    return kernel.Refusal(400, f"Invalid input for field/attribute {name}. Value: {value}. {why}")


def new_volume(request: http.Request) -> kernel.Json:
    """Return the checked request for a volume."""
    wish = item(request, "volume")
    unknown = [name for name in wish if name not in NEW_VOLUME]
    if unknown:
        raise unexpected("volume", wish, unknown)
    if wish.get("multiattach"):
        raise kernel.Refusal(
            400,
            "multiattach parameter has been removed. The default behavior is to use multiattach enabled volume types."
            " Contact your administrator to create a multiattach enabled volume type and use it to create multiattach"
            " volumes.",
        )
    if wish.get("size") is not None:
        wish["size"] = size(wish["size"], name="size")
    for name in ("name", "description", "availability_zone", "volume_type"):
        texts(name, wish.get(name))
    for name in ("snapshot_id", "source_volid", "imageRef", "image_id"):
        texts(name, wish.get(name))
    metadata(wish.get("metadata") or {})
    if sum(1 for name in ("snapshot_id", "source_volid", "imageRef") if wish.get(name)) > 1:
        raise kernel.Refusal(400, "Invalid input received: a volume can be made from one source only.")
    wish["imageRef"] = (wish.get("imageRef") or wish.get("image_id") or "").rpartition("/")[2] or None
    return wish


def unexpected(word: str, value: Any, names: list[str]) -> kernel.Refusal:
    """Refuse unknown fields."""
    verb = "was" if len(names) == 1 else "were"
    listed = ", ".join(repr(name) for name in names)
    return field(word, value, f"Additional properties are not allowed ({listed} {verb} unexpected)")


def size(value: Any, *, name: str) -> int:
    """Return a size in GiB, or refuse."""
    if isinstance(value, str) and not re.fullmatch(r"[0-9]+", value):
        raise field(name, value, f"{value!r} does not match '^[0-9]+$'")
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise field(name, value, f"{value!r} is not of type 'integer', 'string'")
    if int(value) < 1:
        raise field(name, value, f"{value} is less than the minimum of 1")
    return int(value)


def texts(name: str, value: Any) -> None:
    """Refuse what is neither a string nor null."""
    if value is not None and not isinstance(value, str):
        raise field(name, value, f"{value!r} is not of type 'string', 'null'")
    if value is not None and len(value) > 255:
        raise field(name, value, f"{value!r} is too long")


def metadata(wish: Any) -> dict[str, str]:
    """Return metadata, or refuse."""
    if not isinstance(wish, dict):
        raise field("metadata", wish, f"{wish!r} is not of type 'object'")
    for key, value in wish.items():
        if not isinstance(value, str):
            raise field(key, value, f"{value!r} is not of type 'string'")
        if not 1 <= len(key) <= 255 or len(value) > 255:
            raise field("metadata", wish, f"{value!r} is too long")
    return wish
