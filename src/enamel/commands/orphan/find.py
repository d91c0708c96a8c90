"""The search for orphans: what in a project belongs to no task and no server, and which of it is proposed for deletion."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from msgspec import Struct

from enamel.model import cloud, mark, states
from enamel.model.orphan import Kind, Orphan, Sighting, Suspect, Why
from enamel.model.states import ServerState, VolumeState
from enamel.steps import server_group

_WOULD = {
    Kind.SERVER: "delete the server",
    Kind.ADDRESS: "give the address back",
    Kind.PORT: "delete the port",
    Kind.VOLUME: "delete the volume",
    Kind.SECURITY_GROUP: "delete the security group",
    Kind.SERVER_GROUP: "delete the server group",
    Kind.NETWORK: "delete the half-made network, its subnets and routers",
}
_IDLE_VOLUME = frozenset({VolumeState.AVAILABLE, VolumeState.ERROR})


class Inventory(Struct, frozen=True, kw_only=True):
    """What a project has on a cloud."""

    servers: tuple[cloud.Server, ...] = ()
    ports: tuple[cloud.Port, ...] = ()
    addresses: tuple[cloud.Address, ...] = ()
    """Floating IPs."""
    volumes: tuple[cloud.Volume, ...] = ()
    security_groups: tuple[cloud.SecurityGroup, ...] = ()
    server_groups: tuple[cloud.ServerGroup, ...] = ()
    networks: tuple[cloud.Network, ...] = ()
    """Those that were begun and are not whole."""

    def marks(self) -> Iterator[str]:
        """Yield what all of it carries."""
        for things in (self.servers, self.ports, self.addresses, self.volumes, self.networks):
            for thing in things:
                yield thing.mark
        for group in self.security_groups:
            yield group.description


class Owner(Struct, frozen=True, kw_only=True):
    """What is known of a task that has made things, and of those that have taken it up."""

    alive: bool
    """Whether one of them has not ended."""
    reverted: bool
    """Whether what they made was to go again."""
    failed_to_undo: bool
    """Whether undoing failed half-way."""
    made: frozenset[str]
    """The ids of what they count among what they have made."""


Owners = Mapping[str, Owner]


class Rules(Struct, frozen=True, kw_only=True):
    """When a suspect is proposed for a clean-up."""

    min_sightings_interval: timedelta = timedelta(minutes=10)
    """How far apart two looks must have found it."""
    min_age: timedelta = timedelta(hours=1)
    """How old it must be where a task has left it behind."""
    min_idle_time: timedelta = timedelta(days=1)
    """For how long it must not have changed where it is merely unused."""


def find(inventory: Inventory, owners: Owners, *, running: Collection[str] = ()) -> list[Suspect]:
    """Return the orphans: marked resources that no task accounts for, and unused resources.

    Args:
        inventory: What the project has.
        owners: The tasks that marks name.
        running: The tasks that are about to make something.
    """
    search = _Search(inventory, owners)
    groups = (*search.security_groups(), *search.server_groups(running))
    return [
        *search.servers,
        *search.ports,
        *search.addresses(),
        *search.volumes(),
        *groups,
        *search.networks(),
    ]


class _Thing(Protocol):
    """What all things have."""

    @property
    def id(self) -> str:
        """Return what the cloud knows it by."""

    @property
    def created(self) -> datetime | None:
        """Return when it was made, if the cloud says so."""


class _Search:
    """The search among all that a project has."""

    def __init__(self, inventory: Inventory, owners: Owners) -> None:
        self._inventory = inventory
        self._owners = owners
        self.servers = [suspect for server in inventory.servers for suspect in self._server(server)]
        self._strays = {server.id for server in self.servers}
        self.ports = [suspect for server in inventory.ports for suspect in self._port(server)]
        suspect = {server.id for server in self.ports}
        self._let_go = suspect | {server.id for server in inventory.ports if server.server_id in self._strays}
        """The ports that nobody needs who stays."""

    def _server(self, server: cloud.Server) -> Iterator[Suspect]:
        if server.state not in states.DELETED:
            yield from self._judged(
                Kind.SERVER, server, server.name, server.mark, used=server.state is not ServerState.ERROR
            )

    def _port(self, port: cloud.Port) -> Iterator[Suspect]:
        """Yield a port, unless something that stays uses it, or it is deleted with its server."""
        plugged = bool(port.server_id or port.owner)
        if plugged and (port.server_id not in self._strays or mark.read(port.mark) is None):
            return
        name = port.name or ", ".join(port.addresses)
        unused = not plugged and not mark.is_lasting(port.mark)
        changed = port.updated
        yield from self._judged(
            Kind.PORT, port, name, port.mark, unused=unused, changed=changed, used=bool(port.server_id)
        )

    def addresses(self) -> Iterator[Suspect]:
        """Yield the floating IPs that are attached to nothing, or to orphans."""
        for address in self._inventory.addresses:
            if not address.port_id or address.port_id in self._let_go:
                yield from self._judged(
                    Kind.ADDRESS,
                    address,
                    address.address,
                    address.mark,
                    unused=not address.port_id and not mark.is_lasting(address.mark),
                    changed=address.updated,
                    used=bool(address.port_id),
                )

    def volumes(self) -> Iterator[Suspect]:
        """Yield the volumes that no server has which stays."""
        for volume in self._inventory.volumes:
            idle = volume.state in _IDLE_VOLUME
            if set(volume.attached_to) <= self._strays and (idle or volume.attached_to):
                yield from self._judged(
                    Kind.VOLUME,
                    volume,
                    volume.name,
                    volume.mark,
                    unused=idle and not mark.is_lasting(volume.mark),
                    changed=volume.updated,
                    used=bool(volume.attached_to),
                )

    def security_groups(self) -> Iterator[Suspect]:
        """Yield the security groups of which no port is that stays."""
        guarding = {
            group
            for port in self._inventory.ports
            if port.id not in self._let_go
            for group in port.security_groups
        }
        for port in self._inventory.security_groups:
            if port.id not in guarding and port.name != "default":
                yield from self._judged(
                    Kind.SECURITY_GROUP, port, port.name, port.description, unused=True, changed=port.updated
                )

    def server_groups(self, running: Collection[str]) -> Iterator[Suspect]:
        """Yield the server groups of launches of which no server is left; they carry neither marks nor times."""
        making = {server_group.name_of(id) for id in running}
        for candidate in self._inventory.server_groups:
            if (
                not candidate.members
                and server_group.is_ours(candidate.name)
                and candidate.name not in making
            ):
                yield Suspect(kind=Kind.SERVER_GROUP, id=candidate.id, name=candidate.name, why=Why.UNUSED)

    def networks(self) -> Iterator[Suspect]:
        """Yield the networks that no task is still creating."""
        for network in self._inventory.networks:
            yield from self._judged(Kind.NETWORK, network, network.name, network.mark)

    def _judged(
        self,
        kind: Kind,
        thing: _Thing,
        name: str,
        text: str,
        *,
        unused: bool = False,
        changed: datetime | None = None,
        used: bool = False,
    ) -> Iterator[Suspect]:
        """Yield a thing, unless somebody stands by it."""
        by = mark.read(text)
        owner = self._owners.get(by.task) if by else None
        why: Why | None = None
        if by is not None and owner is None:
            why = Why.UNKNOWN_TASK
        elif owner is not None:
            if owner.alive:
                return
            why = _disowned(owner, thing.id, used=used)
        if why is None and unused:
            why = Why.UNUSED
        if why is not None:
            since = (changed or thing.created) if why is Why.UNUSED else thing.created
            task = by.task if by else None
            yield Suspect(
                kind=kind, id=thing.id, name=name, why=why, mark=text, task=task, since=since, used=used
            )


def _disowned(owner: Owner, id: str, *, used: bool) -> Why | None:
    """Return why a task that has ended does not stand by what it has made; None where it does."""
    if owner.reverted:
        return Why.REVERTED
    left = id not in owner.made or (owner.failed_to_undo and not used)
    return Why.LEFT_BEHIND if left else None


def judge(
    suspects: Iterable[Suspect],
    sightings: Mapping[tuple[Kind, str], Sighting],
    *,
    now: datetime,
    rules: Rules,
    min_age: timedelta | None = None,
) -> list[Orphan]:
    """Return the suspects with what earlier looks say of them, the oldest first.

    Args:
        suspects: What a look has found.
        sightings: What earlier looks have found, and this one, if it is to count.
        now: The time of the database, whose clock the sightings have.
        rules: When one is proposed.
        min_age: The least age, in place of those of the rules.
    """
    orphans = []
    for suspect in suspects:
        seen = sightings.get((suspect.kind, suspect.id)) or Sighting(first=now, last=now, looks=0)
        since = suspect.since or seen.first
        least = min_age
        if least is None:
            least = rules.min_idle_time if suspect.why is Why.UNUSED else rules.min_age
        waits = _waits(seen, age=now - since, now=now, least=least, apart=rules.min_sightings_interval)
        orphans.append(
            Orphan(
                kind=suspect.kind,
                id=suspect.id,
                name=suspect.name,
                why=suspect.why,
                task=suspect.task,
                since=since,
                # The cloud's clock may be before ours.
                age=max(0, int((now - since).total_seconds())),
                seen_since=seen.first,
                looks=seen.looks,
                used=suspect.used and suspect.why is Why.UNKNOWN_TASK,
                proposed=waits is None,
                waits_for=waits,
                would=_WOULD[suspect.kind],
                mark=suspect.mark,
            )
        )
    return sorted(orphans, key=lambda suspect: (suspect.since, suspect.id))


def _waits(
    seen: Sighting, *, age: timedelta, now: datetime, least: timedelta, apart: timedelta
) -> str | None:
    """Return what a suspect waits for until it is proposed; None where it is."""
    if seen.looks < 2 or seen.last - seen.first < apart:
        return f"a second look, {_words(apart)} after the first one" if apart else "a second look"
    if age < least:
        return f"an age of {_words(least)}"
    return None


def _words(span: timedelta) -> str:
    seconds = int(span.total_seconds())
    size, unit = next(
        (size, unit) for size, unit in ((3600, "h"), (60, "min"), (1, "s")) if seconds % size == 0
    )
    return f"{seconds // size} {unit}"


def of(orphans: Sequence[Orphan], id: str) -> Orphan | None:
    """Return the orphan that has an id."""
    return next((orphan for orphan in orphans if orphan.id == id), None)
