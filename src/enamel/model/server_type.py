"""The bodies of server types that are made, changed and shared."""

import enum
from typing import Annotated

from msgspec import Meta, Struct

from enamel.model.launch import Name


class Visibility(enum.Enum):
    """Who can use a server type."""

    PUBLIC = "PUBLIC"
    """Everyone."""
    PRIVATE = "PRIVATE"
    """The project that made it, and those it is shared with."""


class TypeSpec(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a server of a type has."""

    memory_mb: Annotated[int, Meta(ge=1, le=2**31 - 1)]
    cpu_units: Annotated[int, Meta(ge=1, le=2**31 - 1)]
    root_disk_gb: Annotated[int, Meta(ge=0, le=2**31 - 1)] = 10
    """0 where the image or the boot volume decides."""
    swap_mb: Annotated[int, Meta(ge=0, le=2**31 - 1)] = 0
    rxtx_factor: Annotated[float, Meta(gt=0, le=1e6)] = 1.0
    """Share of the network, on clouds that know it."""


class ServerTypeRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A size of server that is to be offered."""

    name: Name
    spec: TypeSpec
    description: Annotated[str, Meta(max_length=255)] = ""
    visibility: Visibility = Visibility.PRIVATE


class SpecChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What servers of a type are to have from now on; what is not given stays."""

    memory_mb: Annotated[int, Meta(ge=1, le=2**31 - 1)] | None = None
    cpu_units: Annotated[int, Meta(ge=1, le=2**31 - 1)] | None = None
    root_disk_gb: Annotated[int, Meta(ge=0, le=2**31 - 1)] | None = None
    """0 where the image or the boot volume decides."""
    swap_mb: Annotated[int, Meta(ge=0, le=2**31 - 1)] | None = None
    rxtx_factor: Annotated[float, Meta(gt=0, le=1e6)] | None = None
    """Share of the network, on clouds that know it."""


class ServerTypeChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be different about a size of server; what is not given stays."""

    name: Name | None = None
    description: Annotated[str, Meta(max_length=255)] | None = None
    spec: SpecChange | None = None
    visibility: Visibility | None = None


class Shares(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who can use a private size of server beside the project that made it."""

    users: tuple[Annotated[str, Meta(min_length=1, max_length=255)], ...] = ()
    """By id or name."""
    projects: tuple[Annotated[str, Meta(min_length=1, max_length=255)], ...] = ()
    """By id or name."""
