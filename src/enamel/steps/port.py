"""Steps on ports: made in bulk before the servers, or found as soon as Nova has made them."""

from collections.abc import Collection
from datetime import timedelta
from typing import ClassVar

import msgspec
from msgspec import Struct

from enamel.clouds.capability import Capability
from enamel.model import cloud, task
from enamel.model.errors import Gone
from enamel.steps.step import IN_USE, Context, Outputs, Retry, Step, chosen, together


class RequestedPort(Struct, frozen=True, kw_only=True):
    """A port to be made for a server."""

    network_id: str
    name: str
    subnet_id: str | None = None
    fixed_address: str | None = None
    security_groups: tuple[str, ...] | None = None


class CreatePorts(Step, frozen=True, kw_only=True):
    """Make the ports of several servers in one bulk request."""

    kind: ClassVar[str] = "port.create"
    action: ClassVar[str] = "NETWORKING"
    requires: ClassVar[frozenset[Capability]] = frozenset({Capability.PORTS})
    undoable: ClassVar[bool] = True
    empty_outputs: ClassVar[Outputs] = {"ports": []}
    per_item_input: ClassVar[str] = "wants"
    list_output: ClassVar[str] = "ports"

    wants: tuple[RequestedPort, ...]
    """Their names differ: an attempt whose outcome nobody knows is recognised by them."""

    def needs(self) -> dict[str, int]:
        """Return how much of each quota it uses up."""
        return {"ports": len(self.wants)}

    async def do(self, at: Context) -> Outputs:
        """Make them, all or none."""
        wants = [cloud.PortSpec(mark=at.mark, **msgspec.structs.asdict(want)) for want in self.wants]
        return self._outputs(await at.cloud.create_ports(wants))

    async def find(self, at: Context) -> Outputs | None:
        """Find them by their mark; a part of them, which a bulk request should never leave, is taken away."""
        by_name = {port.name: port for port in await at.cloud.ports_marked(at.mark)}
        ports = [by_name[want.name] for want in self.wants if want.name in by_name]
        if len(ports) == len(self.wants):
            return self._outputs(ports)
        for port in ports:
            await at.cloud.delete_port(port.id)
        return None

    @staticmethod
    def _outputs(ports: Collection[cloud.Port]) -> Outputs:
        return {
            "ports": [{"id": port.id, "name": port.name, "addresses": list(port.addresses)} for port in ports]
        }

    async def tidy(self, at: Context, outputs: Outputs) -> None:
        """Delete other ports with this mark."""
        ours = {port["id"] for port in outputs["ports"]}
        for port in await at.cloud.ports_marked(at.mark):
            if port.id not in ours:
                await at.cloud.delete_port(port.id)

    async def undo(self, at: Context, outputs: Outputs, *, only: Collection[int] | None = None) -> None:
        """Delete them."""
        await together(*(at.cloud.delete_port(port["id"]) for port in chosen(outputs["ports"], only)))

    @staticmethod
    def made(outputs: Outputs) -> list[task.Made]:
        """Return the ports."""
        return [task.Made(kind="port", id=port["id"], name=port["name"]) for port in outputs["ports"]]


class FindPorts(Step, frozen=True, kw_only=True):
    """Wait until Nova has made a server's ports, which is long before it is ACTIVE."""

    kind: ClassVar[str] = "port.find"
    action: ClassVar[str] = "NETWORKING"
    repeatable: ClassVar[bool] = True

    server_id: str
    count: int = 1

    async def do(self, at: Context) -> Outputs:
        """Wait for them."""

        def there(ports: tuple[cloud.Port, ...] | None) -> bool:
            return ports is not None and sum(bool(port.addresses) for port in ports) >= self.count

        ports = await at.cloud.ports.until(self.server_id, there, due=timedelta(seconds=0.7))
        if ports is None:
            raise Gone(f"Server {self.server_id} has gone before it had ports.", cloud=at.cloud.name)
        return {
            "ports": [{"id": port.id, "addresses": list(port.addresses)} for port in ports],
            "entry": {"fixed_addresses": [address for port in ports for address in port.addresses]},
        }


class DeletePort(Step, frozen=True, kw_only=True):
    """Delete a port."""

    kind: ClassVar[str] = "port.delete"
    action: ClassVar[str] = "DELETING_PORT"
    repeatable: ClassVar[bool] = True
    retry: ClassVar[Retry] = Retry(maximum_attempts=10, maximum_interval=timedelta(seconds=5), errors=IN_USE)

    id: str

    async def do(self, at: Context) -> Outputs:
        """Delete it."""
        await at.cloud.delete_port(self.id)
        return {"id": self.id}
