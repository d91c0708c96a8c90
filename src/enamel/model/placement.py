"""The containers that an operator puts over the clouds: places with members, some of which are containers, too."""

import uuid
from collections.abc import Collection, Iterator, Sequence

from msgspec import Struct

SPACE = uuid.UUID("5c6f2f6e-7f0a-5e0c-9d57-3a9a3f1f8a52")
"""Namespace of placement ids: the same path has the same id in every run."""


def id_of(path: str) -> str:
    """Return the id of the cloud, region or zone with a path."""
    return str(uuid.uuid5(SPACE, path))


def root_of(cloud: str, region: str) -> str:
    """Return the path of a cloud's region. A cloud that is one of several regions of an entry has it in its name."""
    return cloud if not region or cloud.endswith(f"/{region}") else f"{cloud}/{region}"


def covers(path: str, name: str) -> bool:
    """Tell whether a path is that of a placement or of one above it: `north` covers `north/east`, but not `northern`."""
    return name == path or name.startswith(f"{path}/")


def clouds_at(path: str, clouds: Collection[str]) -> tuple[str, ...]:
    """Return the clouds that a path leads to: the one it is in, or all regions of an entry."""
    return tuple(cloud for cloud in clouds if covers(path, cloud) or covers(cloud, path))


class Container(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A place that an operator has made of other places."""

    name: str
    """Nothing else has it: no other container, and no cloud."""
    description: str = ""
    """What being in it promises, in the operator's words."""
    tags: tuple[str, ...] = ()
    properties: dict[str, str] = {}
    members: tuple[str, ...] = ()
    """Other containers by their names, or paths cloud/region/zone; those named first are tried first."""

    @property
    def id(self) -> str:
        """The same as long as the name is."""
        # No path has two slashes in a row: a container never has the id of a cloud.
        return id_of(f"//{self.name}")


class Containers:
    """All containers of a configuration, which has no loops."""

    def __init__(self, listed: Sequence[Container] = ()) -> None:
        self._by_name = {container.name: container for container in listed}
        self._by_id = {container.id: container for container in listed}

    def __iter__(self) -> Iterator[Container]:
        """Yield them in the order of the configuration."""
        return iter(self._by_name.values())

    def named(self, name: str) -> Container | None:
        """Return the container of a name, if there is one."""
        return self._by_name.get(name)

    def with_id(self, id: str) -> Container | None:
        """Return the container of an id, if there is one."""
        return self._by_id.get(id)

    def below(self, path: str) -> str | None:
        """Return what a path means without the containers that it leads through; None where it leads nowhere.

        What comes back is a container's name, or a path that begins with a cloud.
        """
        first, _, rest = path.partition("/")
        container = self.named(first)
        if container is None or not rest:
            return path
        if self.named(rest.split("/")[0]) is not None:
            inside = rest.split("/")[0] in container.members
        else:
            inside = any(rest == member or rest.startswith(member + "/") for member in self.leaves(container))
        return self.below(rest) if inside else None

    def leaves(self, container: Container) -> tuple[str, ...]:
        """Return the paths of all places in a container that are no containers, in the order of the members."""
        leaves: dict[str, None] = {}
        for member in container.members:
            inner = self.named(member)
            leaves |= dict.fromkeys([member] if inner is None else self.leaves(inner))
        return tuple(leaves)

    def clouds(self, container: Container, *, among: Collection[str]) -> tuple[str, ...]:
        """Return which of some clouds a container reaches into, in the order of the members."""
        leaves = self.leaves(container)
        return tuple(dict.fromkeys(cloud for path in leaves for cloud in clouds_at(path, among)))
