"""Steps on addresses: those that servers get while they boot, and those that outlive servers."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, ClassVar

from enamel.clouds.capability import Capability
from enamel.model import cloud, task
from enamel.model.cloud import AddressKind
from enamel.model.errors import CloudConflict, Gone
from enamel.model.task_key import Kind, Taken
from enamel.steps import ownership, server
from enamel.steps.maker import Maker
from enamel.steps.ownership import Labels
from enamel.steps.step import Context, Outputs, Step

SETTLE = 1.0
"""Seconds after which an address that was moved is read again: longer than it takes from looking to moving."""


def addressed(at: Context, address: cloud.Address) -> Outputs:
    """Say that a server has its address, and return the outputs that hold it."""
    at.tell("server.addressed", {"public_address": address.address})
    return {"id": address.id, "address": address.address, "entry": {"public_address": address.address}}


class CreateAddress(Maker, frozen=True, kw_only=True):
    """Get a new public address and put it on a port.

    An idle address is never reused: two callers would choose the same one.
    """

    kind: ClassVar[str] = "address.create"
    action: ClassVar[str] = "ADDRESSING"
    requires: ClassVar[frozenset[Capability]] = frozenset({Capability.FLOATING_IP})
    noun: ClassVar[str] = "address"
    undoable: ClassVar[bool] = True
    undone_after_server: ClassVar[bool] = True

    network_id: str
    """External network."""
    port_id: str
    fixed_address: str | None = None
    """Which of the port's addresses, where it has several."""

    def needs(self) -> dict[str, int]:
        """Return how much of each quota it uses up."""
        return {"addresses": 1}

    async def do(self, at: Context) -> Outputs:
        """Make it on the port in one request."""
        if Capability.PORTS not in await at.cloud.capabilities():
            at.note(
                "The cloud has no Neutron: an address was taken from Nova's pool first, and then put on the server."
            )
        address = await at.cloud.create_address(
            network_id=self.network_id, port_id=self.port_id, fixed_address=self.fixed_address, mark=at.mark
        )
        ownership.check_created(at, self.noun, address.address, address.mark)
        return self._outputs(at, address)

    async def find(self, at: Context) -> Outputs | None:
        """Find it by its mark."""
        addresses = await at.cloud.addresses_marked(at.mark, port_id=self.port_id)
        return self._outputs(at, addresses[0]) if addresses else None

    def _outputs(self, at: Context, address: cloud.Address) -> Outputs:
        return {**addressed(at, address), "mark": at.mark}

    async def marked(self, at: Context) -> list[Outputs]:
        """Return the addresses with this mark."""
        return [
            {"id": address.id, "address": address.address, "mark": at.mark}
            for address in await at.cloud.addresses_marked(at.mark)
        ]

    async def labels(self, at: Context, id: str) -> Labels:
        """Return the mark of an address, and the address itself. Raises Gone."""
        address = await at.cloud.address(id)
        return Labels(address.mark, address.address)

    async def take_away(self, at: Context, id: str) -> None:
        """Give one back to the cloud."""
        await at.cloud.delete_address(id)

    @staticmethod
    def made(outputs: Outputs) -> list[task.Made]:
        """Return the address."""
        return [task.Made(kind="address", id=outputs["id"], name=outputs["address"])]


class ReserveAddress(Maker, frozen=True, kw_only=True):
    """Get an address that belongs to no server: a floating IP, or a port with a fixed address."""

    kind: ClassVar[str] = "address.reserve"
    action: ClassVar[str] = "ADDRESSING"
    noun: ClassVar[str] = "address"

    way: AddressKind
    network_id: str
    name: str
    """What a port is called; floating IPs have no names."""

    def needs(self) -> dict[str, int]:
        """Return how much of each quota it uses up."""
        return {"addresses" if self.way is AddressKind.FLOATING else "ports": 1}

    async def do(self, at: Context) -> Outputs:
        """Get it."""
        if self.way is AddressKind.FLOATING:
            address = await at.cloud.create_address(network_id=self.network_id, mark=at.mark)
            ownership.check_created(at, self.noun, address.address, address.mark)
            return self._outputs(at, address)
        want = cloud.PortSpec(network_id=self.network_id, name=self.name, mark=at.mark)
        (port,) = await at.cloud.create_ports([want])
        return self._outputs(at, as_address(port))

    async def marked(self, at: Context) -> list[Outputs]:
        """Return the addresses with this mark."""
        if self.way is AddressKind.FLOATING:
            return [self._outputs(at, address) for address in await at.cloud.addresses_marked(at.mark)]
        return [self._outputs(at, as_address(port)) for port in await at.cloud.ports_marked(at.mark)]

    async def labels(self, at: Context, id: str) -> Labels:
        """Return the mark of an address, and the address itself. Raises Gone."""
        address = await (at.cloud.address(id) if self.way is AddressKind.FLOATING else _port_address(at, id))
        return Labels(address.mark, address.address)

    async def take_away(self, at: Context, id: str) -> None:
        """Give one back to the cloud."""
        await give_back(at, id, way=self.way)

    def _outputs(self, at: Context, address: cloud.Address) -> Outputs:
        data = {"address_id": address.id, "address": address.address}
        return {"id": address.id, "address": address.address, "mark": at.mark, "data": data}

    @staticmethod
    def made(outputs: Outputs) -> list[task.Made]:
        """Return the address."""
        return [task.Made(kind="address", id=outputs["id"], name=outputs["address"])]


def as_address(port: cloud.Port) -> cloud.Address:
    """Return a port that is an address of its own as what it is."""
    return cloud.Address(
        id=port.id,
        address=port.addresses[0] if port.addresses else "",
        network_id=port.network_id,
        mark=port.mark,
        kind=AddressKind.PORT,
        server_id=port.server_id,
        created=port.created,
        updated=port.updated,
    )


async def give_back(at: Context, id: str, *, way: AddressKind) -> None:
    """Give an address back to the cloud, whatever it leads to."""
    if way is AddressKind.FLOATING:
        await at.cloud.delete_address(id)
    else:
        await at.cloud.delete_port(id)


class ReleaseAddress(Step, frozen=True, kw_only=True):
    """Give back an address that leads nowhere."""

    kind: ClassVar[str] = "address.release"
    action: ClassVar[str] = "DELETING_ADDRESS"
    repeatable: ClassVar[bool] = True
    calls: ClassVar[int] = 2

    id: str
    way: AddressKind

    @staticmethod
    def takes(inputs: Mapping[str, Any]) -> Iterator[Taken]:
        """Return the address, which no other task may put anywhere meanwhile."""
        yield Taken(Kind.PORT if inputs["way"] == AddressKind.PORT.value else Kind.ADDRESS, inputs["id"])

    async def do(self, at: Context) -> Outputs:
        """Release it if it still leads nowhere."""
        try:
            address = await (
                at.cloud.address(self.id) if self.way is AddressKind.FLOATING else _port_address(at, self.id)
            )
        except Gone:
            return {"id": self.id}
        if not await is_free(at, address):
            raise CloudConflict(
                f"Address {address.address} has been attached meanwhile.",
                cloud=at.cloud.name,
                remedy="Detach it first.",
            )
        await give_back(at, self.id, way=self.way)
        return {"id": self.id}


async def is_free(at: Context, address: cloud.Address) -> bool:
    """Tell whether an address leads nowhere, or to a server that was deleted and that the cloud keeps for a while."""
    if not address.used:
        return True
    if address.kind is AddressKind.PORT or Capability.PORTS not in await at.cloud.capabilities():
        return False
    try:
        port = await at.cloud.port(address.port_id or "")
        # Load balancers and the like have addresses as well, and no server of that id.
        return port.owner.startswith("compute:") and await server.is_kept_deleted(at, port.server_id)
    except Gone:
        return False


async def _port_address(at: Context, id: str) -> cloud.Address:
    return as_address(await at.cloud.port(id))


class MoveAddress(Step, frozen=True, kw_only=True):
    """Put an address that the project has already on a port."""

    kind: ClassVar[str] = "address.move"
    action: ClassVar[str] = "ADDRESSING"
    undoable: ClassVar[bool] = True
    undone_after_server: ClassVar[bool] = True
    calls: ClassVar[int] = 3

    id: str
    port_id: str
    fixed_address: str | None = None
    """Which of the port's addresses, where it has several."""

    @staticmethod
    def takes(inputs: Mapping[str, Any]) -> Iterator[Taken]:
        """Return the address."""
        if isinstance(inputs["id"], str):
            yield Taken(Kind.ADDRESS, inputs["id"])

    async def do(self, at: Context) -> Outputs:
        """Move it, unless another port has got it meanwhile: the cloud would take it away from there."""
        before = await at.cloud.address(self.id)
        if before.port_id != self.port_id and not await is_free(at, before):
            raise self._elsewhere(at, before)
        await at.cloud.move_address(self.id, port_id=self.port_id, fixed_address=self.fixed_address)
        # Neutron moves an address silently: whoever looked at the same time has moved it as well, and the last one has it.
        await at.sleep(SETTLE)
        moved = await at.cloud.address(self.id)
        if moved.port_id != self.port_id:
            raise self._elsewhere(at, moved)
        return addressed(at, moved)

    def _elsewhere(self, at: Context, address: cloud.Address) -> CloudConflict:
        """Return the error of an address that leads somewhere else."""
        return CloudConflict(
            f"Address {address.address} has been attached to something else meanwhile.",
            cloud=at.cloud.name,
            remedy="Detach it there, or use another address.",
        )

    async def find(self, at: Context) -> Outputs | None:
        """Find it on the port."""
        attached = [
            address for address in await at.cloud.addresses_of([self.port_id]) if address.id == self.id
        ]
        return addressed(at, attached[0]) if attached else None

    async def undo(self, at: Context, outputs: Outputs, *, only: Collection[int] | None = None) -> None:
        """Take it off, unless it has moved on to another port since."""
        for address in await at.cloud.addresses_of([self.port_id]):
            if address.id == outputs["id"]:
                await at.cloud.move_address(outputs["id"], port_id=None)


class FreeAddress(Step, frozen=True, kw_only=True):
    """Take an address off a port, and keep it."""

    kind: ClassVar[str] = "address.free"
    action: ClassVar[str] = "DETACHING_ADDRESS"
    repeatable: ClassVar[bool] = True
    calls: ClassVar[int] = 2

    id: str
    port_id: str

    async def do(self, at: Context) -> Outputs:
        """Take it off, unless it has moved on to another port since."""
        for address in await at.cloud.addresses_of([self.port_id]):
            if address.id == self.id:
                await at.cloud.move_address(self.id, port_id=None)
        return {"id": self.id, "entry": {"public_address": None}}


class DeleteAddress(Step, frozen=True, kw_only=True):
    """Give a public address back to the cloud."""

    kind: ClassVar[str] = "address.delete"
    action: ClassVar[str] = "DELETING_ADDRESS"
    repeatable: ClassVar[bool] = True

    id: str

    async def do(self, at: Context) -> Outputs:
        """Delete it."""
        await at.cloud.delete_address(self.id)
        return {"id": self.id}
