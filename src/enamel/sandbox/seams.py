"""What the services of the sandbox offer each other.

Compute calls network, image and volume. They never call compute: changes that may concern a running server are
reported with `state.Cloud.touch`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from msgspec import Struct

from enamel.sandbox import kernel


class Nic(Struct, frozen=True, kw_only=True):
    """One interface a server is to have: a new port on a network, or a port that exists."""

    network_id: str = ""
    """The network to make a port on."""
    port_id: str = ""
    """The existing port to use; wins over the network."""
    fixed_ip: str = ""
    """The fixed address requested on the network; empty for the next free one."""


class Plug(Struct, frozen=True, kw_only=True):
    """A port as a server sees it."""

    port_id: str
    """The port."""
    network_id: str
    """Its network."""
    network: str
    """That network's name."""
    mac: str
    """The hardware address."""
    state: str
    """ACTIVE or DOWN."""
    fixed: tuple[tuple[str, str], ...]
    """(address, subnet id) pairs."""
    floating: tuple[str, ...]
    """Floating IPs of this port."""


class Image(Struct, frozen=True, kw_only=True):
    """What compute and volume need to know of an image."""

    id: str
    """The image."""
    name: str
    """Its name."""
    status: str
    """active, queued, deactivated …"""
    min_disk: int
    """GiB a root disk needs."""
    min_ram: int
    """MiB of memory a server needs."""
    size: int
    """Bytes."""
    disk_format: str
    """raw, qcow2 …"""
    container_format: str
    """bare …"""
    properties: dict[str, str]
    """Everything else that was set on it."""


class Volume(Struct, frozen=True, kw_only=True):
    """What compute needs to know of a volume."""

    id: str
    """The volume."""
    status: str
    """creating, available, in-use, error …"""
    size: int
    """GiB."""
    zone: str
    """Its availability zone."""
    bootable: bool
    """Whether a server can start from it."""
    multiattach: bool
    """Whether several servers may have it at once."""
    image: dict[str, Any]
    """The `volume_image_metadata` of a volume made from an image."""


class Inventory(Protocol):
    """What the control routes ask of every service."""

    def inventory(self) -> dict[str, list[dict[str, Any]]]:
        """Return everything that exists, by kind, each with its `id` and `project_id`."""


class Network(Inventory, Protocol):
    """What compute asks of the network service."""

    def resolve(
        self, caller: kernel.Caller, *, nics: Sequence[Nic] | None, groups: Sequence[str]
    ) -> list[Nic]:
        """Check requested interfaces and security groups (names or ids) and return the interfaces.

        `None` means "whatever the project has": its only network, none, or a refusal when there are several.
        Refuses, in Nova's words, networks, ports, addresses and groups that are unknown, taken or exhausted, and
        a quota of ports that would be passed.
        """

    def auto(self, caller: kernel.Caller) -> list[Nic]:
        """Return the interface of `networks: auto`, making the project's own topology when it has none."""

    def plug(
        self, *, server_id: str, project_id: str, nics: Sequence[Nic], groups: Sequence[str], zone: str
    ) -> list[str]:
        """Create or bind the ports of a server, all or none, and return their ids in order."""

    def unplug(self, *, server_id: str, port_id: str | None = None) -> None:
        """Delete the ports that `plug` made and free those that existed; of the whole server, or only one."""

    def power(self, *, server_id: str, running: bool) -> None:
        """Turn the server's ports ACTIVE or DOWN."""

    def plugs(self, server_id: str) -> list[Plug]:
        """Return the server's ports, oldest first; called for every server in every detailed list, so be quick."""

    def groups(self, server_id: str) -> list[dict[str, str]]:
        """Return `{"id", "name"}` of the security groups of the server's ports, each once."""

    def change_group(self, caller: kernel.Caller, *, server_id: str, group: str, add: bool) -> None:
        """Put the server's ports in a security group (name or id), or take them out."""

    def open_ports(self, server_id: str) -> dict[str, list[int]]:
        """Return the TCP ports its groups let in from outside, by public address; ranges as their first 20 ports."""


class Images(Inventory, Protocol):
    """What compute and volume ask of the image service."""

    def find(self, caller: kernel.Caller, image_id: str) -> Image | None:
        """Return the image when the caller may use it, or None."""

    def snapshot(
        self, caller: kernel.Caller, *, name: str, properties: dict[str, str], base: Image | None, size: int
    ) -> str:
        """Start an image made from a server; it is `queued`, then `active` a moment later. Return its id."""


class Volumes(Inventory, Protocol):
    """What compute asks of the volume service."""

    def find(self, caller: kernel.Caller, volume_id: str) -> Volume | None:
        """Return the volume when the caller may use it, or None."""

    def create(
        self,
        caller: kernel.Caller,
        *,
        size: int,
        name: str = "",
        image_id: str = "",
        snapshot_id: str = "",
        source_id: str = "",
        volume_type: str = "",
        zone: str = "",
    ) -> str:
        """Start a volume for a server, or refuse in Cinder's words, and return its id."""

    def has_snapshot(self, caller: kernel.Caller, snapshot_id: str) -> bool:
        """Return whether the caller may use that snapshot."""

    def reserve(self, volume_id: str) -> None:
        """Mark an available volume as being attached."""

    def attach(self, *, volume_id: str, server_id: str, device: str, host: str) -> str:
        """Attach a volume to a server and return the attachment's id."""

    def detach(self, *, volume_id: str, server_id: str) -> None:
        """Detach a volume (or drop its reservation) from a server; it becomes available again."""

    def delete(self, volume_id: str) -> None:
        """Delete a volume that is deleted with its server."""
