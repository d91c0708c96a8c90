"""The plan builder: puts the servers of a launch into a plan.

First comes what servers share, then each server: with ports of its own that are made first, or plugged in by Nova.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from enamel.clouds.capability import Capability
from enamel.commands.facts import Facts
from enamel.commands.launch.interface import Interface
from enamel.commands.launch.resolved_server import ResolvedServer
from enamel.commands.launch.shared_resources import SharedResources
from enamel.flow import expressions
from enamel.flow.draft import Draft, Handle
from enamel.flow.expressions import Expression
from enamel.flow.plan import Group, Plan
from enamel.model.cloud import Disk, NetworkPort
from enamel.model.launch import Launch
from enamel.steps import address, port, reach, server, volume

MAX_PORTS = 100
"""Ports that are made with one request at the most."""


class ServerHandle(NamedTuple):
    """A server in a draft: what other steps, also those of other servers, can refer to."""

    id: Any
    fixed_address: Any
    public_address: Any
    """None without a public address of its own."""
    active: Handle
    """The step after which it is ACTIVE."""
    ready: Handle
    """The step after which it is as ready as it was asked to be."""


class PlanBuilder:
    """Writes the plan of a launch."""

    def __init__(
        self,
        choices: Sequence[ResolvedServer],
        *,
        task: str,
        ports_first: bool,
        facts: Facts,
        draft: Draft | None = None,
    ) -> None:
        """Prepare a plan.

        Args:
            choices: The servers.
            task: The id of the task.
            ports_first: Whether the servers are such that their ports are best made before them.
            facts: What is known of the cloud.
            draft: What the plan is put into, where other things are in it already.
        """
        self._choices = choices
        self._facts = facts
        able = facts.capabilities
        self._together_at_once = not ports_first and Capability.MULTI_CREATE in able
        self._tells_ports = Capability.PORTS in able
        self._ports_first = ports_first and Capability.PORTS in able
        self._draft = draft or Draft()
        self._shared = SharedResources(self._draft, servers=choices, task=task, facts=facts)
        self._placed: list[Any] = []
        """The servers from which the next ones are kept apart where the cloud has no server groups."""
        self._texts: dict[str, str] = {}
        self.handles: dict[str, ServerHandle] = {}
        """The servers that were added, by host name."""

    @property
    def secrets(self) -> dict[str, bytes]:
        """Return the texts that go to the key store, by symbol."""
        return {symbol: text.encode() for text, symbol in self._texts.items()}

    def write(self, launch: Launch) -> Plan:
        """Return the plan: first what all servers share, then each server."""
        self.add()
        return self._draft.plan(
            groups=self.groups(),
            on_failure=launch.on_failure.value.lower(),
            all_or_nothing=launch.all_or_nothing,
            notes=self._shared.notes(),
        )

    def add(self) -> Mapping[str, ServerHandle]:
        """Add the servers to the draft and return their handles by host name."""
        self._shared.add()
        if self._ports_first:
            ports = self._ports()
            for number, choice in enumerate(self._choices):
                self._separate(choice, ports[number])
        elif len(self._choices) > 1 and self._together_at_once:
            self._together()
        else:
            for choice in self._choices:
                self._alone(choice)
        return self.handles

    def groups(self) -> tuple[Group, ...]:
        """Return the groups of the servers, each with the placements in which it is tried."""
        return tuple(
            Group(name=choice.hostname, alternatives=self._alternatives(choice, number))
            for number, choice in enumerate(self._choices)
        )

    def _alternatives(self, choice: ResolvedServer, number: int) -> tuple[dict[str, Any], ...]:
        """Return where a server is tried; the servers of a launch begin at different places."""
        turn = number % len(choice.spots)
        spots = choice.spots[turn:] + choice.spots[:turn]
        places = tuple({"zone": spot.zone, "placement": spot.path} for spot in spots)
        if not self._zoned(choice):
            return places
        # Not every cloud lets a server have volumes of another zone.
        return tuple({**place, "volume_zone": self._facts.volume_zone(place["zone"])} for place in places)

    def _zoned(self, choice: ResolvedServer) -> bool:
        """Tell whether a server gets new volumes and can be in a zone that volumes have, too."""
        new = any(disk.volume_id is None for disk in choice.disks)
        return new and any(self._facts.volume_zone(spot.zone) for spot in choice.spots)

    def _boot(self, names: Sequence[str], choice: ResolvedServer, **rest: Any) -> server.Boot:
        """Return the step that boots servers of one kind."""
        group = self._shared.server_group
        return server.Boot(
            names=tuple(names),
            flavor_id=choice.flavor.id,
            image_id=choice.image_id,
            image_maps_disks=choice.image_maps_disks,
            key_name=self._shared.key_name(choice),
            user_data=self._user_data(choice),
            properties=choice.properties,
            tags=choice.tags,
            group_id=group["id"] if group and choice.spread else None,
            same_host=choice.same_host,
            different_host=choice.different_host,
            cores=choice.flavor.vcpus,
            memory_mb=choice.flavor.memory_mb,
            **rest,
        )

    def _user_data(self, choice: ResolvedServer) -> Any:
        text = choice.user_data
        if text is None or isinstance(text, Expression):
            return text
        if text not in self._texts:
            self._texts[text] = self._draft.symbol("user-data")
        return expressions.secret(self._texts[text])

    # -- ports first

    def _ports(self) -> list[list[tuple[Interface, Any]]]:
        """Add the bulk requests for ports; return for each server its interfaces with their ports."""
        plugged = [
            [(interface, interface.port_id) for interface in choice.interfaces or ()]
            for choice in self._choices
        ]
        missing = [
            (number, place, interface)
            for number, choice in enumerate(self._choices)
            for place, interface in enumerate(choice.interfaces or ())
            if interface.port_id is None
        ]
        for start in range(0, len(missing), MAX_PORTS):
            batch = missing[start : start + MAX_PORTS]
            wants = [self._port(number, place, interface) for number, place, interface in batch]
            handle = self._draft.add(
                port.CreatePorts(wants=tuple(wants)),
                members=[self._choices[number].hostname for number, _, _ in batch],
            )
            for index, (number, place, interface) in enumerate(batch):
                plugged[number][place] = (interface, handle["ports", index, "id"])
        return plugged

    def _port(self, number: int, place: int, interface: Interface) -> port.RequestedPort:
        choice = self._choices[number]
        return port.RequestedPort(
            network_id=self._shared.network(interface),
            name=choice.hostname if not place else f"{choice.hostname}-{place + 1}",
            subnet_id=interface.subnet_id,
            fixed_address=interface.fixed_address,
            security_groups=self._shared.security_groups(choice) if interface.accepts_groups else None,
        )

    def _separate(self, choice: ResolvedServer, ports: Sequence[tuple[Interface, Any]]) -> None:
        """Add a server that has its ports already."""
        name = choice.hostname
        public = self._address(choice, ports[choice.public.route.target][1]) if choice.public else None
        networks = tuple(NetworkPort(port_id=id) for _, id in ports)
        boot = self._draft.add(
            self._boot(
                [name],
                choice,
                networks=networks if choice.interfaces is not None else (),
                zone=expressions.alternative("zone"),
                placement=expressions.alternative("placement"),
                disks=self._disks(choice),
            ),
            group=name,
        )
        self._finish(choice, boot["servers", 0, "id"], public)

    # -- together

    def _alone(self, choice: ResolvedServer) -> None:
        """Add a single server whose ports Nova makes."""
        name = choice.hostname
        plugs = self._plugs(choice)
        if len(choice.spots) > 1:
            plugs |= {
                "zone": expressions.alternative("zone"),
                "placement": expressions.alternative("placement"),
            }
        apart = tuple(self._placed) if choice.spread else ()
        boot = self._draft.add(
            self._boot([name], choice, disks=self._disks(choice), apart=apart, **plugs), group=name
        )
        handle = self._plugged(choice, boot["servers", 0, "id"])
        if choice.spread and self._shared.server_group is None:
            # Before it is ACTIVE, it may have no host yet that others could be kept from.
            self._placed.append(handle.active["id"])

    def _together(self) -> None:
        """Add equal servers that are booted with one request."""
        first = self._choices[0]
        names = [choice.hostname for choice in self._choices]
        boot = self._draft.add(self._boot(names, first, **self._plugs(first)), members=names)
        for number, choice in enumerate(self._choices):
            self._plugged(choice, boot["servers", number, "id"])

    def _plugs(self, choice: ResolvedServer) -> dict[str, Any]:
        """Return the networks on which Nova makes ports, and what else goes with them."""
        interfaces = choice.interfaces or ()
        networks = tuple(
            NetworkPort(port_id=interface.port_id)
            if interface.port_id
            else NetworkPort(
                network_id=self._shared.network(interface), fixed_address=interface.fixed_address
            )
            for interface in interfaces
        )
        return {
            "networks": networks,
            "security_groups": self._shared.security_groups(choice) or (),
            "placement": choice.spots[0].path,
            "zone": choice.spots[0].zone,
        }

    def _plugged(self, choice: ResolvedServer, id: Any) -> ServerHandle:
        """Add the address of a server whose ports Nova makes, and its waits."""
        public = None
        if choice.public is not None:
            interfaces = choice.interfaces or ()
            ports = self._draft.add(
                port.FindPorts(server_id=id, count=len(interfaces)), group=choice.hostname
            )
            public = self._address(choice, ports["ports", 0, "id"])
        return self._finish(choice, id, public)

    # -- each server

    def _disks(self, choice: ResolvedServer) -> tuple[Disk, ...]:
        """Add the volumes that a server boots from and gets; they are usable before it boots."""
        disks = []
        for disk in choice.disks:
            id: Any = disk.volume_id
            if id is None:
                created = self._draft.add(
                    volume.CreateVolume(
                        size_gb=disk.size_gb,
                        name=disk.name,
                        type=disk.type,
                        image_id=choice.boot_image_id if disk.boot else None,
                        zone=expressions.alternative("volume_zone") if self._zoned(choice) else None,
                    ),
                    group=choice.hostname,
                )
                id = self._draft.add(volume.AwaitVolume(id=created["id"]), group=choice.hostname)["id"]
            disks.append(Disk(volume_id=id, boot=disk.boot, delete_with_server=disk.delete_with_server))
        return tuple(disks)

    def _address(self, choice: ResolvedServer, port_id: Any) -> Handle | None:
        """Add the public address of a server."""
        if choice.public is None:
            return None
        existing, route = choice.public.address, choice.public.route
        step: Any
        if existing is not None:
            step = address.MoveAddress(id=existing.id, port_id=port_id, fixed_address=route.fixed_address)
        else:
            step = address.CreateAddress(
                network_id=route.source, port_id=port_id, fixed_address=route.fixed_address
            )
        return self._draft.add(step, group=choice.hostname)

    def _fixed_addresses(self, choice: ResolvedServer) -> int:
        """Return how many fixed addresses a server gets at the least; a port that is named may have none."""
        if not self._tells_ports:
            return 0
        return sum(interface.port_id is None for interface in choice.interfaces or ())

    def _finish(self, choice: ResolvedServer, id: Any, address: Handle | None) -> ServerHandle:
        """Add the waits until a server is as ready as it was asked to be."""
        active = self._draft.add(
            server.AwaitActive(
                id=id,
                same_host=choice.same_host,
                different_host=choice.different_host,
                addresses=self._fixed_addresses(choice),
            ),
            group=choice.hostname,
        )
        fixed, public = active["address"], address["address"] if address else None
        ready = active
        if choice.ready_when != "active":
            own = () if public is not None else active["entry", "fixed_addresses"]
            step = reach.Reach(address=public or fixed, addresses=own, ready_when=choice.ready_when)
            ready = self._draft.add(step, group=choice.hostname, after=[active])
            self._draft.add(reach.HostKeys(id=id), group=choice.hostname, after=[ready])
        handle = ServerHandle(id=id, fixed_address=fixed, public_address=public, active=active, ready=ready)
        self.handles[choice.hostname] = handle
        return handle
