"""The choices of a launch: names become ids, and what does not fit is found before anything is made."""

import difflib
from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

import msgspec
from msgspec import Struct

from enamel.commands.facts import Facts
from enamel.commands.fleet import Member
from enamel.commands.placement import Spot, spots
from enamel.model import cloud
from enamel.model.errors import Fault
from enamel.model.launch import AddressChoice, KeypairChoice, NetworkChoice, SizeWish

GIB = 1024**3


class Named(Protocol):
    """Something that has an id and a name."""

    @property
    def id(self) -> str:
        """Return what it is known by to the cloud."""

    @property
    def name(self) -> str:
        """Return what people call it."""


T = TypeVar("T", bound=Named)


class Interface(Struct, frozen=True, kw_only=True):
    """Where a server is plugged in: a port that is there, or a network."""

    network_id: str | None = None
    """None with no port: the network that Enamel gets for the project."""
    external: bool = False
    """Whether its addresses are public."""
    subnet_id: str | None = None
    fixed_address: str | None = None
    port_id: str | None = None


class Data(Struct, frozen=True, kw_only=True):
    """A volume of a server: one to be made, or one that is there."""

    size_gb: int = 0
    name: str = ""
    type: str | None = None
    volume_id: str | None = None
    delete_with_server: bool = True
    boot: bool = False


class Choice(Struct, frozen=True, kw_only=True):
    """One server with everything looked up."""

    hostname: str
    flavor: cloud.Flavor
    image_id: str | None = None
    """None where the server boots from a volume that is there, or from one that is made of `boot_image_id`."""
    boot_image_id: str | None = None
    """Image whose bytes the boot volume gets."""
    disks: tuple[Data, ...] = ()
    interfaces: tuple[Interface, ...] | None = None
    """None: no network at all."""
    public_from: str | None = None
    """External network that a new public address comes from."""
    public_address: cloud.Address | None = None
    """Address of the project that is to be moved here."""
    key: KeypairChoice | None = None
    rules: tuple[cloud.Rule, ...] = ()
    security_groups: tuple[str, ...] | None = None
    """Ids; None means the project's default."""
    user_data: str | None = None
    spots: tuple[Spot, ...] = ()
    properties: tuple[tuple[str, str], ...] = ()
    tags: tuple[str, ...] = ()
    same_host: tuple[str, ...] = ()
    different_host: tuple[str, ...] = ()
    spread: bool = False
    ready_when: str = "active"


class Chooser:
    """Looks up what the members of a fleet name, and collects the faults."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self.faults: list[Fault] = []

    def choose(self, member: Member, *, alone: bool) -> Choice | None:
        """Return a server's choices; None where a fault leaves nothing to plan with."""
        before = len(self.faults)
        wish = member.wish
        flavor = self._flavor(member)
        image, volume = self._template(member, alone=alone)
        interfaces = self._interfaces(member, alone=alone)
        public_from, address = self._public(member, interfaces, alone=alone)
        near, apart = self._peers(member)
        if flavor and image:
            self._fits(member, flavor, image)
        choice = None
        if flavor and (image or volume):
            boot = wish.boot_volume
            choice = Choice(
                hostname=member.hostname,
                flavor=flavor,
                image_id=image.id if image and not boot else None,
                boot_image_id=image.id if image and boot else None,
                disks=self._disks(member, volume, alone=alone),
                interfaces=interfaces,
                public_from=public_from,
                public_address=address,
                key=self._key(member),
                rules=self._rules(member),
                security_groups=self._groups(member),
                user_data=wish.user_data,
                spots=spots(member, self._facts, self._fault),
                properties=tuple(sorted((wish.properties or {}).items())),
                tags=tuple(wish.tags or ()),
                same_host=near,
                different_host=apart,
                spread=bool(wish.spread or (wish.affinity and wish.affinity.spread)),
                ready_when=wish.ready_when or "active",
            )
        return choice if len(self.faults) == before else None

    def _fault(self, pointer: str, detail: str, code: str = "invalid") -> None:
        fault = Fault(pointer=pointer, detail=detail, code=code)
        if fault not in self.faults:
            self.faults.append(fault)

    def _find(self, things: Iterable[T], wanted: str, *, what: str, pointer: str) -> T | None:
        """Return the one thing that has an id or a name; several or none are a fault."""
        things = list(things)
        by_id = [one for one in things if one.id == wanted]
        found = by_id or [one for one in things if one.name == wanted]
        if len(found) == 1:
            return found[0]
        if found:
            listed = ", ".join(sorted(one.id for one in found)[:20])
            self._fault(pointer, f"'{wanted}' fits {len(found)} {what}s; use an id: {listed}.", "ambiguous")
            return None
        close = difflib.get_close_matches(wanted, [one.name for one in things], n=3)
        hint = f" Did you mean {' or '.join(repr(name) for name in close)}?" if close else ""
        self._fault(
            pointer, f"There is no {what} '{wanted}' in cloud '{self._facts.cloud}'.{hint}", "unknown"
        )
        return None

    # -- what it is

    def _flavor(self, member: Member) -> cloud.Flavor | None:
        wish = member.wish
        if isinstance(wish.type, SizeWish):
            return self._smallest(wish.type, member.at("type"))
        if wish.type_id is not None:
            by_id = {one.id: one for one in self._facts.flavors}
            if wish.type_id not in by_id:
                self._fault(
                    member.at("type_id"), f"There is no server type with the id '{wish.type_id}'.", "unknown"
                )
            return by_id.get(wish.type_id)
        if wish.type is None:
            return None
        return self._find(self._facts.flavors, wish.type, what="server type", pointer=member.at("type"))

    def _smallest(self, size: SizeWish, pointer: str) -> cloud.Flavor | None:
        fitting = [
            one
            for one in self._facts.flavors
            if one.memory_mb >= size.memory_mb
            and one.vcpus >= size.cpu_units
            and (one.disk_gb >= size.root_disk_gb or not one.disk_gb)
        ]
        if not fitting:
            self._fault(pointer, "No server type is that large.", "unknown")
            return None
        return min(fitting, key=lambda one: (one.memory_mb, one.vcpus, one.disk_gb, one.name))

    def _template(self, member: Member, *, alone: bool) -> tuple[cloud.Image | None, cloud.Volume | None]:
        """Return the image or the volume that a server starts from."""
        wanted = member.wish.template_id or member.wish.template
        pointer = member.at("template_id" if member.wish.template_id else "template")
        if wanted is None:
            return None, None
        images = [one for one in self._facts.images if wanted in (one.id, one.name)]
        volumes = [one for one in self._facts.volumes if wanted in (one.id, one.name)]
        if volumes and not images:
            volume = self._find(volumes, wanted, what="volume", pointer=pointer)
            return None, volume if volume and self._bootable(member, volume, pointer, alone=alone) else None
        image = self._find(self._facts.images, wanted, what="template", pointer=pointer)
        if image is not None and image.status != "active":
            self._fault(pointer, f"Image '{image.name}' cannot be booted: its state is '{image.status}'.")
            return None, None
        return image, None

    def _bootable(self, member: Member, volume: cloud.Volume, pointer: str, *, alone: bool) -> bool:
        trouble = None
        if not volume.bootable:
            trouble = f"Volume '{volume.name}' is not bootable."
        elif volume.status != "available":
            trouble = f"Volume '{volume.name}' is not available: its state is '{volume.status}'."
        elif not alone:
            trouble = f"Volume '{volume.name}' can be the template of one server only."
        elif member.wish.boot_volume is not None:
            trouble = f"'{volume.name}' is a volume: the server boots from it, leave `boot_volume` out."
        if trouble:
            self._fault(pointer, trouble)
        return trouble is None

    def _fits(self, member: Member, flavor: cloud.Flavor, image: cloud.Image) -> None:
        """Find out whether the template fits the disk and the memory."""
        boot = member.wish.boot_volume
        room = boot.size_gb if boot else flavor.disk_gb
        needed = max(image.min_disk_gb, -(-max(image.size_bytes, image.virtual_size_bytes) // GIB))
        if image.volume_backed:
            needed = image.min_disk_gb
        if room and needed > room:
            where = member.at("boot_volume") + "/size_gb" if boot else member.at("template")
            disk = "the boot volume" if boot else f"the disk of '{flavor.name}'"
            self._fault(where, f"Template '{image.name}' needs {needed} GB; {disk} has {room}.", "too_small")
        if image.min_memory_mb > flavor.memory_mb:
            self._fault(
                member.at("type"),
                f"Template '{image.name}' needs {image.min_memory_mb} MB of memory; '{flavor.name}' has "
                f"{flavor.memory_mb}.",
                "too_small",
            )

    # -- where it is plugged in

    def _interfaces(self, member: Member, *, alone: bool) -> tuple[Interface, ...] | None:
        wanted = member.wish.networks
        if wanted == "none":
            return None
        if wanted is None or isinstance(wanted, str) or not wanted:
            return (self._auto(member),)
        found = []
        for number, one in enumerate(wanted):
            pointer = f"{member.at('networks')}/{number}"
            choice = NetworkChoice(network=one) if isinstance(one, str) else one
            if choice.port is not None:
                if not alone:
                    self._fault(pointer, "A port can belong to one server only.")
                found.append(Interface(port_id=choice.port))
            elif choice.network is not None:
                interface = self._interface(choice, pointer, alone=alone)
                found += [interface] if interface else []
        return tuple(found)

    def _interface(self, choice: NetworkChoice, pointer: str, *, alone: bool) -> Interface | None:
        at = f"{pointer}/network"
        network = self._find(self._facts.networks, choice.network or "", what="network", pointer=at)
        if network is None:
            return None
        subnet_id = None
        if choice.subnet is not None:
            own = [one for one in self._facts.subnets if one.network_id == network.id]
            subnet = self._find(own, choice.subnet, what="subnet", pointer=f"{pointer}/subnet")
            subnet_id = subnet.id if subnet else None
        if choice.fixed_ip is not None and not alone:
            self._fault(f"{pointer}/fixed_ip", "A fixed address can belong to one server only.")
        return Interface(
            network_id=network.id,
            external=network.external,
            subnet_id=subnet_id,
            fixed_address=choice.fixed_ip,
        )

    def _auto(self, member: Member) -> Interface:
        """Return the interface of a server that named no network: the project's only or default one."""
        own = [
            one
            for one in self._facts.networks
            if one.subnets
            and one.up
            and ((one.project_id == self._facts.identity.project_id and not one.external) or one.shared)
        ]
        best = [one for one in own if one.default] or [one for one in own if one.name == "enamel"] or own
        if len(best) > 1:
            listed = ", ".join(sorted(f"'{one.name}'" for one in best)[:20])
            self._fault(
                member.at("networks"),
                f"The project has {len(best)} networks; say which: {listed}.",
                "ambiguous",
            )
        if best:
            return Interface(network_id=best[0].id, external=best[0].external)
        return Interface()

    def _public(
        self, member: Member, interfaces: Sequence[Interface] | None, *, alone: bool
    ) -> tuple[str | None, cloud.Address | None]:
        """Return where the public address comes from: a network for a new one, or one that is there."""
        wanted = member.wish.public_address
        pointer = member.at("public_address")
        if not wanted:
            return None, None
        if not interfaces:
            self._fault(pointer, "A server without a network cannot have a public address.")
            return None, None
        if isinstance(wanted, AddressChoice) and wanted.address is not None:
            return None, self._existing_address(wanted, pointer, alone=alone)
        if wanted is True and any(one.external for one in interfaces):
            return None, None
        external = [one for one in self._facts.networks if one.external]
        if isinstance(wanted, AddressChoice) and wanted.source is not None:
            source = self._find(external, wanted.source, what="external network", pointer=f"{pointer}/from")
            return (source.id if source else None), None
        best = [one for one in external if one.default] or external
        if not best:
            self._fault(pointer, f"Cloud '{self._facts.cloud}' has no external network.", "unknown")
            return None, None
        if len(best) > 1:
            listed = ", ".join(sorted(f"'{one.name}'" for one in best))
            self._fault(pointer, f'Say which network it comes from, {{"from": …}}: {listed}.', "ambiguous")
        return best[0].id, None

    def _existing_address(self, wanted: AddressChoice, pointer: str, *, alone: bool) -> cloud.Address | None:
        at = f"{pointer}/address"
        if wanted.source is not None:
            self._fault(pointer, "Give either `from` or `address`, not both.")
        if not alone:
            self._fault(at, "An address can belong to one server only.")
        found = [one for one in self._facts.addresses if wanted.address in (one.id, one.address)]
        if not found:
            self._fault(at, f"The project has no address '{wanted.address}'.", "unknown")
            return None
        if found[0].port_id is not None:
            self._fault(at, f"Address {found[0].address} is in use.", "in_use")
        return found[0]

    def _rules(self, member: Member) -> tuple[cloud.Rule, ...]:
        """Return the rules with the groups that they name looked up."""
        found = []
        for parsed in member.rules:
            rule = parsed.rule
            if parsed.group is not None:
                group = self._find(
                    self._facts.security_groups,
                    parsed.group,
                    what="security group",
                    pointer=parsed.pointer,
                )
                rule = msgspec.structs.replace(rule, group_id=group.id if group else None)
            found.append(rule)
        return tuple(found)

    def _groups(self, member: Member) -> tuple[str, ...] | None:
        named = member.wish.security_groups
        if named is None:
            return None
        found = []
        for number, name in enumerate(named):
            group = self._find(
                self._facts.security_groups,
                name,
                what="security group",
                pointer=f"{member.at('security_groups')}/{number}",
            )
            found += [group.id] if group else []
        return tuple(found)

    # -- what it brings along

    def _key(self, member: Member) -> KeypairChoice | None:
        wish = member.wish
        choice = wish.keypair if wish.keypair is not None else wish.keypair_id
        if choice is None:
            return None
        if isinstance(choice, str):
            choice = KeypairChoice(name=choice)
        there = self._facts.keypairs.get(choice.name)
        pointer = member.at("keypair")
        if choice.public_key is None:
            if there is None:
                self._fault(pointer, f"There is no keypair '{choice.name}'.", "unknown")
            return choice
        if there is None:
            return choice
        if there.public_key.split()[:2] != choice.public_key.split()[:2]:
            self._fault(pointer, f"Another key has the name '{choice.name}'; choose another name.", "taken")
        return KeypairChoice(name=choice.name)

    def _disks(self, member: Member, template: cloud.Volume | None, *, alone: bool) -> tuple[Data, ...]:
        """Return the server's volumes, the one that it boots from first."""
        wish = member.wish
        found = []
        if template is not None:
            found.append(Data(volume_id=template.id, boot=True, delete_with_server=False))
        if wish.boot_volume is not None:
            boot = wish.boot_volume
            kind = self._volume_type(boot.type, f"{member.at('boot_volume')}/type")
            found.append(
                Data(
                    size_gb=boot.size_gb,
                    name=f"{member.hostname}-boot",
                    type=kind,
                    delete_with_server=boot.delete_with_server,
                    boot=True,
                )
            )
        for number, one in enumerate(wish.volumes or ()):
            pointer = f"{member.at('volumes')}/{number}"
            if one.volume is not None:
                volume = self._find(
                    self._facts.volumes, one.volume, what="volume", pointer=f"{pointer}/volume"
                )
                if volume is None:
                    continue
                if not volume.multiattach and (volume.status != "available" or not alone):
                    why = f"its state is '{volume.status}'" if alone else "one server only can have it"
                    self._fault(f"{pointer}/volume", f"Volume '{volume.name}' cannot be used: {why}.")
                found.append(Data(volume_id=volume.id, delete_with_server=one.delete_with_server or False))
            elif one.size_gb is not None:
                found.append(
                    Data(
                        size_gb=one.size_gb,
                        name=one.name or f"{member.hostname}-{number + 1}",
                        type=self._volume_type(one.type, f"{pointer}/type"),
                        delete_with_server=one.delete_with_server is not False,
                    )
                )
        return tuple(found)

    def _volume_type(self, wanted: str | None, pointer: str) -> str | None:
        if wanted is None:
            return None
        found = self._find(self._facts.volume_types, wanted, what="volume type", pointer=pointer)
        return found.name if found else None

    def _peers(self, member: Member) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the ids of the servers to be near to, and of those to stand apart from."""
        affinity = member.wish.affinity
        if affinity is None:
            return (), ()
        found = []
        for name in ("near", "not_near"):
            peers = getattr(affinity, name)
            ids = list(peers.server_ids) if peers else []
            known = {one.id for one in self._facts.servers}
            for number, id in enumerate(ids):
                if id not in known:
                    at = f"{member.at('affinity')}/{name}/server_ids/{number}"
                    self._fault(at, f"There is no server '{id}'.", "unknown")
            for tag in peers.server_tags if peers else ():
                ids += [one.id for one in self._facts.servers if tag in one.tags and one.id not in ids]
            found.append(tuple(ids))
        return found[0], found[1]
