"""Steps on public addresses: floating IPs that are put on ports while the servers boot."""

from collections.abc import Collection
from typing import ClassVar

from enamel.model import cloud, task
from enamel.steps.step import Context, Outputs, Step


def addressed(at: Context, address: cloud.Address) -> Outputs:
    """Say that a server has its address, and return the outputs that hold it."""
    at.tell("server.addressed", {"public_address": address.address})
    return {"id": address.id, "address": address.address, "entry": {"public_address": address.address}}


class CreateAddress(Step, frozen=True, kw_only=True):
    """Get a new public address and put it on a port.

    An address that lies about is never taken: two callers would take the same one.
    """

    kind: ClassVar[str] = "address.create"
    action: ClassVar[str] = "ADDRESSING"
    undoable: ClassVar[bool] = True

    network_id: str
    """External network."""
    port_id: str
    fixed_address: str | None = None
    """Which of the port's addresses, where it has several."""

    async def do(self, at: Context) -> Outputs:
        """Make it on the port in one request."""
        address = await at.cloud.create_address(
            network_id=self.network_id, port_id=self.port_id, fixed_address=self.fixed_address, mark=at.mark
        )
        return addressed(at, address)

    async def find(self, at: Context) -> Outputs | None:
        """Find it by its mark."""
        found = await at.cloud.addresses_marked(at.mark)
        return addressed(at, found[0]) if found else None

    async def tidy(self, at: Context, made: Outputs) -> None:
        """Delete other addresses with this mark."""
        for address in await at.cloud.addresses_marked(at.mark):
            if address.id != made["id"]:
                await at.cloud.delete_address(address.id)

    async def undo(self, at: Context, made: Outputs, *, only: Collection[int] | None = None) -> None:
        """Give it back to the cloud."""
        await at.cloud.delete_address(made["id"])

    @staticmethod
    def made(outputs: Outputs) -> list[task.Made]:
        """Return the address."""
        return [task.Made(kind="address", id=outputs["id"], name=outputs["address"])]


class MoveAddress(Step, frozen=True, kw_only=True):
    """Put an address that the project has already on a port."""

    kind: ClassVar[str] = "address.move"
    action: ClassVar[str] = "ADDRESSING"
    undoable: ClassVar[bool] = True

    id: str
    port_id: str

    async def do(self, at: Context) -> Outputs:
        """Move it."""
        return addressed(at, await at.cloud.move_address(self.id, port_id=self.port_id))

    async def find(self, at: Context) -> Outputs | None:
        """Find it on the port."""
        there = [one for one in await at.cloud.addresses_of([self.port_id]) if one.id == self.id]
        return addressed(at, there[0]) if there else None

    async def undo(self, at: Context, made: Outputs, *, only: Collection[int] | None = None) -> None:
        """Take it off, unless it has moved on to another port since."""
        for address in await at.cloud.addresses_of([self.port_id]):
            if address.id == made["id"]:
                await at.cloud.move_address(made["id"], port_id=None)


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
