"""The template: what a server can start from, be it an image, a snapshot of a server, or a bootable volume."""

import enum
from collections.abc import Iterable

from msgspec import Struct

from enamel.commands.launch import template
from enamel.model import cloud
from enamel.model.states import ImageState, VolumeState


class Kind(enum.Enum):
    """What a template is to its cloud."""

    IMAGE = "IMAGE"
    SNAPSHOT = "SNAPSHOT"
    """An image that was made from a server."""
    VOLUME = "VOLUME"
    """A volume that boots; the one server that starts from it takes it."""


class Template(Struct, frozen=True, kw_only=True):
    """What a server can start from."""

    id: str
    name: str
    kind: Kind
    usable: bool
    """Whether a server can start from it now."""
    state: str
    """The cloud's word for its state."""
    needs_disk_gb: int
    """How large a server's disk has to be at least."""
    needs_memory_mb: int
    """How much memory a server has to have at least; 0 where nothing is said."""


def listed(images: Iterable[cloud.Image], volumes: Iterable[cloud.Volume]) -> list[Template]:
    """Return all templates, in the order of their names."""
    found = [
        Template(
            id=one.id,
            name=one.name,
            kind=Kind.SNAPSHOT if one.snapshot else Kind.IMAGE,
            usable=one.state is ImageState.ACTIVE,
            state=one.status,
            needs_disk_gb=template.needed_gb(one),
            needs_memory_mb=one.min_memory_mb,
        )
        for one in images
    ]
    found += [
        Template(
            id=one.id,
            name=one.name,
            kind=Kind.VOLUME,
            usable=one.state is VolumeState.AVAILABLE,
            state=one.status,
            needs_disk_gb=0,
            needs_memory_mb=0,
        )
        for one in volumes
        if one.bootable
    ]
    return sorted(found, key=lambda one: (one.name, one.id))
