"""The body of a launch: one call for servers and everything around them.

The same fields stand in `defaults`, in each of `servers`, and flat beside them (the short form).
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

Name = Annotated[str, Meta(min_length=1, max_length=255)]
Gigabytes = Annotated[int, Meta(ge=1, le=1_000_000)]


class SizeWish(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A server type by what it must have: the smallest that fits is taken."""

    memory_mb: Annotated[int, Meta(ge=1)] = 1
    cpu_units: Annotated[int, Meta(ge=1)] = 1
    root_disk_gb: Annotated[int, Meta(ge=0)] = 0


class NetworkChoice(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One interface: on a network, or an existing port."""

    network: Name | None = None
    subnet: Name | None = None
    fixed_ip: Name | None = None
    port: Name | None = None


class AddressChoice(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the public address comes from."""

    source: Name | None = field(default=None, name="from")
    """An external network."""
    address: Name | None = None
    """An address that the project has already."""


class BootVolume(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A volume with the template's bytes, from which the server boots."""

    size_gb: Gigabytes
    type: Name | None = None
    delete_with_server: bool = True


class VolumeChoice(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A volume that the server gets: a new one, or one that is there."""

    size_gb: Gigabytes | None = None
    type: Name | None = None
    name: Name | None = None
    volume: Name | None = None
    delete_with_server: bool | None = None
    """New volumes go with their server unless this says no; existing ones stay unless it says yes."""


class KeypairChoice(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key by name, imported if it is not there."""

    name: Name
    public_key: Annotated[str, Meta(min_length=1, max_length=16384)] | None = None


class Peers(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Other servers, by id or by tag."""

    server_ids: list[Name] = []
    server_tags: list[Name] = []


class Affinity(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where servers stand relative to others."""

    near: Peers | None = None
    not_near: Peers | None = None
    spread: bool = False
    """Whether the servers of this call stand apart from each other."""


class ServerWish(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one server is to be like; what is not said comes from the defaults."""

    hostname: Name | None = None
    template: Name | None = None
    template_id: Name | None = None
    type: str | SizeWish | None = None
    type_id: Name | None = None
    placement: Name | None = None
    placement_id: Name | None = None
    networks: str | list[str | NetworkChoice] | None = None
    public_address: bool | AddressChoice | None = None
    boot_volume: BootVolume | None = None
    volumes: list[VolumeChoice] | None = None
    keypair: str | KeypairChoice | None = None
    keypair_id: Name | None = None
    allow: list[str] | None = None
    security_groups: list[Name] | None = None
    user_data: str | None = None
    affinity: Affinity | None = None
    spread: bool | None = None
    properties: dict[str, str] | None = None
    tags: list[str] | None = None
    ready_when: Name | None = None


class Defaults(ServerWish, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the servers of a launch have in common."""

    hostname_pattern: Name | None = None


class Notify(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who is told by webhook."""

    url: Name
    events: list[Name] = []
    secret: str | None = None


class Launch(Defaults, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of `POST /servers`."""

    name: Name | None = None
    count: Annotated[int, Meta(ge=1, le=1000)] | None = None
    defaults: Defaults | None = None
    servers: Annotated[list[ServerWish], Meta(min_length=1, max_length=1000)] | None = None
    on_failure: Literal["rollback", "keep"] = "rollback"
    all_or_nothing: bool = False
    ttl: Name | None = None
    timeout: Name | None = None
    priority: Literal["low", "normal", "high"] = "normal"
    notify: list[Notify] | None = None
