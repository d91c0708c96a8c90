"""The volume types that exist; one of them names a backend that does not, so its volumes fail as they would in Cinder."""

from __future__ import annotations

from collections.abc import Mapping

from enamel.sandbox import core, kernel, table

BACKEND = "sandbox"
"""The name of the one backend."""
DEFAULT = "__DEFAULT__"


def usual(cloud: core.Core) -> list[table.Row]:
    """Return the types every sandbox has."""
    kinds: dict[str, tuple[str | None, dict[str, str]]] = {
        "broken": ("Asks for a backend that does not exist", {"volume_backend_name": "nowhere"}),
        "standard": (None, {}),
        "multiattach": (None, {"multiattach": "<is> True"}),
        DEFAULT: ("Default Volume Type", {}),
    }
    return [new(cloud, name, description=about, specs=specs) for name, (about, specs) in kinds.items()]


def has_backend(row: table.Row) -> bool:
    """Return whether any backend can serve a type."""
    return bool(row["extra_specs"].get("volume_backend_name", BACKEND) == BACKEND)


def named(types: Mapping[str, table.Row], name: str) -> table.Row:
    """Return the type of that name or id, or refuse."""
    if name in types:
        return types[name]
    for row in types.values():
        if row["name"] == name:
            return row
    raise kernel.Refusal(404, f"Volume type with name {name} could not be found.")


def default(types: Mapping[str, table.Row]) -> table.Row:
    """Return the default type."""
    return named(types, DEFAULT)


def new(
    cloud: core.Core, name: str, *, description: str | None, specs: dict[str, str], public: bool = True
) -> table.Row:
    """Return the row of a new type."""
    return {
        "id": cloud.new_id(),
        "name": name,
        "is_public": public,
        "description": description,
        "extra_specs": specs,
    }
