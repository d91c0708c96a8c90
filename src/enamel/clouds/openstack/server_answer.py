"""How Nova tells of servers, and what Enamel makes of it."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct, field

from enamel.model import cloud


class Link(Struct):
    """A link to the next page of a list."""

    rel: str
    href: str = ""


class Address(Struct):
    """One of a server's addresses."""

    addr: str
    kind: str = field(name="OS-EXT-IPS:type", default="fixed")


class Flavor(Struct):
    """The size of a server, as much of it as the microversion tells."""

    id: str = ""
    """Before 2.47."""
    name: str = field(name="original_name", default="")
    """From 2.47 on, as the rest."""
    ram: int = 0
    vcpus: int = 0
    disk: int = 0


class Attached(Struct):
    """A volume of a server."""

    id: str


class Fault(Struct):
    """Why a server went to ERROR."""

    message: str = ""
    code: int = 0


class Server(Struct):
    """A server as Nova tells it."""

    id: str
    name: str = ""
    status: str = "UNKNOWN"
    task_state: str | None = field(name="OS-EXT-STS:task_state", default=None)
    vm_state: str | None = field(name="OS-EXT-STS:vm_state", default=None)
    power_state: int | None = field(name="OS-EXT-STS:power_state", default=None)
    created: datetime | None = None
    updated: datetime | None = None
    launched_at: datetime | None = field(name="OS-SRV-USG:launched_at", default=None)
    flavor: Flavor = field(default_factory=Flavor)
    image: Any = None
    """An object with an id, or an empty text where the server boots from a volume."""
    zone: str | None = field(name="OS-EXT-AZ:availability_zone", default=None)
    key_name: str | None = None
    user_id: str = ""
    tenant_id: str = ""
    metadata: dict[str, str] = {}
    tags: list[str] = []
    addresses: dict[str, list[Address]] = {}
    attached: list[Attached] = field(name="os-extended-volumes:volumes_attached", default_factory=list)
    fault: Fault | None = None
    host: str | None = field(name="OS-EXT-SRV-ATTR:host", default=None)
    locked: bool = False
    """From 2.9 on."""

    def told(self, flavor_ids: Mapping[str, str]) -> cloud.Server:
        """Return the server in Enamel's words."""
        fixed = {
            network: tuple(one.addr for one in there if one.kind == "fixed")
            for network, there in self.addresses.items()
        }
        return cloud.Server(
            id=self.id,
            name=self.name,
            status=self.status,
            task_state=self.task_state,
            vm_state=self.vm_state,
            power_state=self.power_state or 0,
            created=aware(self.created),
            updated=aware(self.updated),
            launched_at=aware(self.launched_at),
            flavor_id=self.flavor.id or flavor_ids.get(self.flavor.name, ""),
            flavor_name=self.flavor.name,
            memory_mb=self.flavor.ram,
            vcpus=self.flavor.vcpus,
            disk_gb=self.flavor.disk,
            image_id=self.image.get("id") if isinstance(self.image, dict) else None,
            zone=self.zone or "",
            key_name=self.key_name,
            user_id=self.user_id,
            project_id=self.tenant_id,
            mark=self.metadata.get("enamel", ""),
            metadata=self.metadata,
            tags=tuple(self.tags),
            fixed_addresses=tuple(address for there in fixed.values() for address in there),
            floating_addresses=tuple(
                one.addr for there in self.addresses.values() for one in there if one.kind == "floating"
            ),
            interfaces=fixed,
            volumes=tuple(one.id for one in self.attached),
            fault=None
            if self.fault is None
            else cloud.ServerFault(message=self.fault.message, code=self.fault.code),
            host=self.host,
            locked=self.locked,
        )


class One(Struct):
    """The answer to a look at one server."""

    server: Server


class Many(Struct):
    """One page of a list of servers."""

    servers: list[Server]
    servers_links: list[Link] = []

    def goes_on(self) -> bool:
        """Tell whether there is another page."""
        return any(link.rel == "next" for link in self.servers_links)


class MadeServer(Struct):
    """A server that has just been asked for."""

    id: str


class Made(Struct):
    """The answer to a boot."""

    server: MadeServer


class Reserved(Struct):
    """The answer to a boot of several."""

    reservation_id: str


class Console(Struct):
    """The answer to a question for the console."""

    output: str | None = None


class Attachment(Struct):
    """One volume of a server."""

    volume_id: str = field(name="volumeId")


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
        """Return what went wrong, as shortly as the cloud tells it."""
        if self.details:
            return self.details
        last = re.split(r"\n(?=\S)", (self.traceback or "").strip())[-1]
        return last.partition(": ")[2] or last


class Action(Struct):
    """Something that was done to a server."""

    request_id: str
    action: str = ""
    message: str | None = None
    start_time: str = ""
    user_id: str | None = ""
    events: list[Event] | None = None


class Actions(Struct):
    """What was done to a server."""

    actions: list[Action] = field(name="instanceActions")


class ActionBody(Struct):
    """One action with its parts."""

    action: Action = field(name="instanceAction")


def aware(moment: datetime | None) -> datetime | None:
    """Return a moment with its time zone: OpenStack writes UTC, often without saying so."""
    if moment is None or moment.tzinfo is not None:
        return moment
    return moment.replace(tzinfo=UTC)
