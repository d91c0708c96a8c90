"""The body of a change of a server."""

from typing import Annotated

from msgspec import Meta, Struct

from enamel.model.launch import Name


class ServerChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be different about a server."""

    hostname: Name | None = None
    """What it is called from now on."""
    project_id: Annotated[str, Meta(min_length=1, max_length=255)] | None = None
    """The project that it goes to, by id or name; it gets another id there."""
    network: Annotated[str, Meta(min_length=1, max_length=255)] | None = None
    """Its network there, by name or id; by default the only network of that project."""
