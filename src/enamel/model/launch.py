"""The body of a launch: one call for servers and everything around them.

The same fields stand in `defaults`, in each of `servers`, and flat beside them (the short form).
"""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct, field

from enamel.model import duration
from enamel.model.choice import Choice
from enamel.model.task import Priority

Name = Annotated[str, Meta(min_length=1, max_length=255)]
Gigabytes = Annotated[int, Meta(ge=1, le=1_000_000)]
MOST_RESOURCES = 5000
"""Most servers, ports, volumes, addresses and rules of one launch, taken together."""


class SizeRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A server type by what it must have: the smallest that fits is taken."""

    memory_mb: Annotated[int, Meta(ge=1)] = 1
    cpu_units: Annotated[int, Meta(ge=1)] = 1
    root_disk_gb: Annotated[int, Meta(ge=0)] = 0


class NetworkChoice(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One interface: on a network, or an existing port."""

    network: Name | None = None
    """Name or id."""
    subnet: Name | None = None
    """Name or id of one of its subnets."""
    fixed_ip: Name | None = None
    """The address that the server is to have there."""
    port: Name | None = None
    """Name or id of a port that exists; nothing else is said with it."""


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
    """Volume type; the cloud chooses where none is named."""
    delete_with_server: bool = True
    """Whether it is deleted with its server."""


class VolumeChoice(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A volume of the server, new or existing."""

    size_gb: Gigabytes | None = None
    """Of a new volume."""
    type: Name | None = None
    """Volume type; the cloud chooses where none is named."""
    name: Name | None = None
    volume: Name | None = None
    """Name or id of an existing volume."""
    delete_with_server: bool | None = None
    """New volumes go with their server unless this says no; existing ones stay unless it says yes."""


class KeypairChoice(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key by name, imported if it is not there."""

    name: Name
    public_key: Annotated[str, Meta(min_length=1, max_length=16384)] | None = None
    """What is imported; refused where another key has the name."""


class Peers(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Other servers, by id or by tag."""

    server_ids: Annotated[list[Name], Meta(max_length=100)] = []
    server_tags: Annotated[list[Name], Meta(max_length=50)] = []


class Affinity(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where servers stand relative to others."""

    near: Peers | None = None
    """Servers on whose host they are to be."""
    not_near: Peers | None = None
    """Servers on whose host they must not be."""
    spread: bool = False
    """Whether the servers of this call stand apart from each other."""


class ServerRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one server is to be like; what is not said comes from the defaults."""

    hostname: Name | None = None
    """Unique in the project."""
    template: Name | None = None
    """What it starts from, by name or id: an image, a bootable volume, or a snapshot of a server. One is required."""
    template_id: Name | None = None
    """The same, by id only."""
    type: str | SizeRequest | None = None
    """Server type by name or id, or what it must have. One is required."""
    type_id: Name | None = None
    """The same, by id only."""
    placement: Name | None = None
    """Where it goes: a path of names, cloud/region/zone. With members below, any of them."""
    placement_id: Name | None = None
    """The same, by id only."""
    networks: str | Annotated[list[str | NetworkChoice], Meta(max_length=100)] | None = None
    """`auto`, `none`, or a list of names, ids and choices; the default is `auto`."""
    public_address: bool | AddressChoice | None = None
    """True for an address if it has none already; or where it comes from."""
    boot_volume: BootVolume | None = None
    """The volume from which it boots; the default is the type's own disk. An image of a server that boots from a volume brings its
    own, of its own size and type."""
    volumes: Annotated[list[VolumeChoice], Meta(max_length=100)] | None = None
    """Further volumes."""
    keypair: str | KeypairChoice | None = None
    """Name of a key, or a key to import."""
    keypair_id: Name | None = None
    """The same, by name only."""
    allow: Annotated[list[str], Meta(max_length=100)] | None = None
    """What may come in, as `proto[/port[-port]] [from cidr or group]`: a security group of the task's own."""
    security_groups: Annotated[list[Name], Meta(max_length=100)] | None = None
    """Names or ids, beside `allow`; the project's default where neither is said."""
    user_data: str | None = None
    """Base64, at most 65,535 characters, which are 49,149 bytes when decoded."""
    affinity: Affinity | None = None
    """Near which servers, and near which not."""
    spread: bool | None = None
    """Whether the servers of this call stand apart from each other."""
    properties: Annotated[dict[str, str], Meta(max_length=128)] | None = None
    """Metadata of the server."""
    tags: list[str] | None = None
    ready_when: Name | None = None
    """`active`, `tcp/PORT`, `http://:PORT/path` or `https://…`; the default is `active`."""


class Defaults(ServerRequest, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the servers of a launch have in common."""

    hostname_pattern: Name | None = None
    """Names for servers without one; `%(rand_num)5d` becomes a random number of five digits."""


class Notify(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Webhooks to which the events are sent."""

    url: str
    """Where it is sent: https://host/path, at a public address."""
    events: Annotated[list[Name], Meta(max_length=100)] = []
    """Types of events, or families such as `task.*`; all where none is named."""
    secret: str | list[str] | None = None
    """Signs what is sent: `whsec_` and 24 to 64 bytes in base64; a list of two while one replaces the other."""


class FailurePolicy(Choice):
    """What happens to a server that failed."""

    ROLLBACK = "ROLLBACK"
    """It is taken away again."""
    KEEP = "KEEP"


class Launch(Defaults, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of `POST /servers`."""

    name: Name | None = None
    """In the short form: the name of the server, or what the names of several begin with."""
    count: Annotated[int, Meta(ge=1, le=1000)] | None = None
    """In the short form: how many."""
    defaults: Defaults | None = None
    """What the servers have in common."""
    servers: Annotated[list[ServerRequest], Meta(min_length=1, max_length=1000)] | None = None
    """One entry for each server, with what differs."""
    on_failure: FailurePolicy = FailurePolicy.ROLLBACK
    """Whether a failed server is taken away again."""
    all_or_nothing: bool = False
    """Whether one server's failure undoes its siblings, too."""
    ttl: duration.Text | None = None
    """After this time what was made is taken away: `90s`, `30m`, `4h`, `2d`."""
    timeout: duration.Text | None = None
    """The time limit of the task; the default is an hour."""
    not_before: datetime | None = None
    """When the task may begin, as a time with its zone; the default, as for a time in the past, is at once."""
    priority: Priority = Priority.NORMAL
    """How urgent it is among the tasks that wait; `HIGH` is for operators."""
    notify: list[Notify] | None = None
    """Webhooks to which the events are sent."""

    def __post_init__(self) -> None:
        """Refuse more than one request may make. Raises ValueError."""
        if self.resources > MOST_RESOURCES:
            raise ValueError(
                f"This launch is for {self.resources:,} resources: {self.number:,} servers with their ports, volumes, "
                f"addresses and rules. One request may make at most {MOST_RESOURCES:,}. Divide it into several launches"
            )

    @property
    def number(self) -> int:
        """Return how many servers it is for."""
        return len(self.servers) if self.servers is not None else self.count or 1

    @property
    def resources(self) -> int:
        """Return how many servers, ports, volumes, addresses and rules it is for, all taken together."""
        common = self if self.defaults is None else self.defaults
        if self.servers is None:
            return len(common.allow or ()) + self.number * _resources(common, common)
        rules = {id(server.allow): len(server.allow) for server in self.servers if server.allow is not None}
        own = sum(_resources(server, common) for server in self.servers)
        return len(common.allow or ()) + sum(rules.values()) + own


def _resources(server: ServerRequest, common: ServerRequest) -> int:
    """Return how many resources one server of a launch comes to, without its rules."""
    networks = common.networks if server.networks is None else server.networks
    volumes = common.volumes if server.volumes is None else server.volumes
    further = (
        common.boot_volume if server.boot_volume is None else server.boot_volume,
        common.public_address if server.public_address is None else server.public_address,
    )
    ports = len(networks) if isinstance(networks, list) else int(networks != "none")
    return 1 + ports + len(volumes or ()) + sum(map(bool, further))
