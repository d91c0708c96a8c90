"""Servers as Nova shows them, and how they become Enamel's."""

import re
from collections.abc import Collection, Iterable
from datetime import UTC, datetime

import msgspec
from msgspec import UNSET, Struct, UnsetType, field

from enamel.clouds.calls import decoder
from enamel.clouds.openstack import faults, service
from enamel.clouds.openstack.compute import server_state, tag
from enamel.model import cloud


class Address(Struct):
    """One of a server's addresses."""

    addr: decoder.Ip
    kind: str = field(name="OS-EXT-IPS:type", default="")
    """Not shown before 2013."""
    mac: str = field(name="OS-EXT-IPS-MAC:mac_addr", default="")
    """Not shown before 2013."""


class Flavor(Struct):
    """The size of a server, as much of it as the microversion tells."""

    id: str = ""
    """Before 2.47."""
    name: str = field(name="original_name", default="")
    """From 2.47 on, as the rest."""
    ram: int = 0
    vcpus: int = 0
    disk: int = 0


class Sizes:
    """The sizes of servers as far as they are at hand: old clouds tell a server's by its id only, new ones by its name."""

    def __init__(self, flavors: Iterable[cloud.Flavor]) -> None:
        known = [
            Flavor(
                id=flavor.id, name=flavor.name, ram=flavor.memory_mb, vcpus=flavor.vcpus, disk=flavor.disk_gb
            )
            for flavor in flavors
        ]
        self._by_id = {flavor.id: flavor for flavor in known}
        self._by_name = {flavor.name: flavor for flavor in known}

    def of(self, flavor: Flavor) -> Flavor:
        """Return a server's size with what the cloud did not tell of it."""
        if not flavor.name:
            return self._by_id.get(flavor.id, flavor)
        # The type may have been made anew under its name since: what the server tells is how large it is.
        known = self._by_name.get(flavor.name)
        return msgspec.structs.replace(flavor, id=known.id) if known is not None and not flavor.id else flavor


class Image(Struct):
    """What a server was made from."""

    id: service.Id


class Attached(Struct):
    """A volume of a server."""

    id: service.Id


class Fault(Struct):
    """Why a server went to ERROR."""

    message: str = ""


class Server(Struct):
    """A server as Nova shows it."""

    id: service.Id
    name: str = ""
    status: str = "UNKNOWN"
    task_state: str | None = field(name="OS-EXT-STS:task_state", default=None)
    power_state: int | None = field(name="OS-EXT-STS:power_state", default=None)
    created: datetime | None = None
    updated: datetime | None = None
    launched_at: datetime | None = field(name="OS-SRV-USG:launched_at", default=None)
    flavor: Flavor = field(default_factory=Flavor)
    image: Image | str | None = None
    """An empty text where the server boots from a volume."""
    zone: str | None = field(name="OS-EXT-AZ:availability_zone", default=None)
    key_name: str | None = None
    user_id: str = ""
    tenant_id: str = ""
    metadata: dict[str, str] = {}
    tags: list[str] = []
    addresses: dict[str, list[Address]] = {}
    attached: list[Attached] | UnsetType = field(name="os-extended-volumes:volumes_attached", default=UNSET)
    """Not shown before 2013."""
    fault: Fault | None = None
    host: str | None = field(name="OS-EXT-SRV-ATTR:host", default=None)
    host_id: str = field(name="hostId", default="")
    instance: str | None = field(name="OS-EXT-SRV-ATTR:instance_name", default=None)
    node: str | None = field(name="OS-EXT-SRV-ATTR:hypervisor_hostname", default=None)
    host_status: str | None = None
    """From 2.16 on."""
    locked: bool = False
    """From 2.9 on."""
    locked_reason: str | None = None
    """From 2.73 on."""
    server_groups: list[str] | UnsetType = UNSET
    """From 2.71 on, in the answer for one server."""

    def neutral(self, sizes: "Sizes", *, public: Collection[str] = ()) -> cloud.Server:
        """Return the server in Enamel's words.

        Args:
            sizes: The sizes that are known.
            public: The public addresses among those whose kind the cloud does not tell.
        """
        size = sizes.of(self.flavor)

        def is_floating(address: Address) -> bool:
            return address.kind == "floating" or (not address.kind and address.addr in public)

        fixed = [
            (network, address)
            for network, addresses in self.addresses.items()
            for address in addresses
            if not is_floating(address)
        ]
        return cloud.Server(
            id=self.id,
            name=self.name,
            state=server_state.state(self.status),
            activity=server_state.activity(self.status, self.task_state),
            power=server_state.POWER.get(self.power_state or 0),
            created=aware(self.created),
            updated=aware(self.updated),
            launched_at=aware(self.launched_at),
            flavor_id=size.id,
            flavor_name=size.name,
            memory_mb=size.ram,
            vcpus=size.vcpus,
            disk_gb=size.disk,
            image_id=self.image.id if isinstance(self.image, Image) else None,
            zone=self.zone or "",
            key_name=self.key_name,
            user_id=self.user_id,
            project_id=self.tenant_id,
            mark=self.metadata.get("enamel", ""),
            metadata=tag.without(self.metadata),
            tags=tuple(dict.fromkeys((*self.tags, *tag.read(self.metadata)))),
            fixed_addresses=tuple(address.addr for _, address in fixed),
            floating_addresses=tuple(
                one.addr for addresses in self.addresses.values() for one in addresses if is_floating(one)
            ),
            interfaces=_interfaces(fixed),
            volumes=tuple(one.id for one in self.attached or ()),
            fault=None if self.fault is None else faults.failure(self.fault.message),
            host=self.host,
            host_id=self.host_id,
            inner={
                name: text
                for name, text in (
                    ("instance_name", self.instance),
                    ("node", self.node),
                    ("host_status", self.host_status),
                )
                if text
            },
            locked=self.locked,
            locked_reason=self.locked_reason or "",
            groups=None if self.server_groups is UNSET else tuple(self.server_groups),
        )


def _interfaces(fixed: Iterable[tuple[str, Address]]) -> tuple[cloud.ServerInterface, ...]:
    """Return a server's interfaces, from its fixed addresses and the names of their networks.

    Nova lists addresses by the name of the network, and neither ports nor networks of the same name apart: MAC addresses do.
    """
    by_end: dict[tuple[str, str], list[str]] = {}
    for network, address in fixed:
        by_end.setdefault((network, address.mac), []).append(address.addr)
    return tuple(
        cloud.ServerInterface(network=network, mac=mac, addresses=tuple(addresses))
        for (network, mac), addresses in by_end.items()
    )


class One(Struct):
    """The answer for one server."""

    server: Server


class Many(service.Page):
    """One page of a list of servers."""

    servers: list[Server]
    servers_links: list[service.Link] = field(default_factory=list)


class MadeServer(Struct):
    """A server that has just been asked for."""

    id: service.Id


class Made(Struct):
    """The answer to a boot."""

    server: MadeServer


class Reserved(Struct):
    """The answer to a boot of several."""

    reservation_id: service.Id


class Console(Struct):
    """The answer to a question for the console."""

    output: str | None = None


class Attachment(Struct):
    """One volume of a server."""

    volume_id: service.Id = field(name="volumeId")


class Attachments(Struct):
    """The volumes of a server."""

    attachments: list[Attachment] = field(name="volumeAttachments")


class Event(Struct):
    """One part of an action."""

    event: str = ""
    result: str | None = None
    details: str | None = None
    """From 2.84 on."""
    traceback: str | None = None
    """For operators only."""

    def words(self) -> str:
        """Return what went wrong, in one sentence of the cloud."""
        return self.details or self.exception.partition(": ")[2] or self.exception

    @property
    def exception(self) -> str:
        """Return the last line of the traceback: the exception and its message."""
        return re.split(r"\n(?=\S)", (self.traceback or "").strip())[-1]


class Action(Struct):
    """Something that was done to a server."""

    request_id: service.Id
    action: str = ""
    message: str | None = None
    start_time: datetime | None = None
    user_id: str | None = ""
    events: list[Event] | None = None

    @property
    def reason(self) -> str:
        """Why it failed, where the cloud says more than that it did."""
        return "" if self.message in (None, "Error") else str(self.message)


class Actions(service.Page):
    """One page of what was done to a server."""

    actions: list[Action] = field(name="instanceActions")
    links: list[service.Link] = field(default_factory=list)
    """From 2.58 on."""


class ActionBody(Struct):
    """One action with its parts."""

    action: Action = field(name="instanceAction")


def aware(moment: datetime | None) -> datetime | None:
    """Return a moment with its time zone: OpenStack writes UTC, often without saying so."""
    if moment is None or moment.tzinfo is not None:
        return moment
    return moment.replace(tzinfo=UTC)
