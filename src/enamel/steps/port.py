"""Steps on ports: made in bulk before the servers, or found as soon as Nova has made them."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar

import msgspec
from msgspec import Struct

from enamel.clouds.capability import Capability
from enamel.model import cloud, task, task_key
from enamel.model.errors import CloudConflict, CloudError, CloudForbidden, CloudRefused, Gone
from enamel.model.task_key import Taken
from enamel.steps import ownership
from enamel.steps.ownership import Labels
from enamel.steps.step import IN_USE, Context, Outputs, Retry, Step, chosen, failed_outputs, together


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

    @staticmethod
    def takes(inputs: Mapping[str, Any]) -> Iterator[Taken]:
        """Return the addresses that it names."""
        for want in inputs["wants"]:
            if isinstance(want.get("fixed_address"), str) and isinstance(want["network_id"], str):
                yield task_key.fixed_address(want["network_id"], want["fixed_address"])

    async def do(self, at: Context) -> Outputs:
        """Make them: all at once, or, where the cloud refuses that for some of them, the others.

        Raises:
            CloudError: The cloud refuses them all.
        """
        wants = [cloud.PortSpec(mark=at.mark, **msgspec.structs.asdict(want)) for want in self.wants]
        made = await self._create(at, wants)
        refusals = {place: thing for place, thing in enumerate(made) if isinstance(thing, CloudError)}
        if len(refusals) == len(wants):
            raise refusals[0]
        # What was never made needs no undoing; it keeps its place.
        missing = cloud.Port(id="", network_id="", name="", mark="")
        ports = [missing if isinstance(thing, CloudError) else thing for thing in made]
        return self._outputs(at, ports) | failed_outputs(refusals)

    async def _create(self, at: Context, wants: Sequence[cloud.PortSpec]) -> list[cloud.Port | CloudError]:
        """Return for each port what was made, or why not; a request that is refused is divided."""
        try:
            ports = await at.cloud.create_ports(wants)
        except (CloudConflict, CloudForbidden, CloudRefused, Gone) as refusal:
            return await self._divided(at, wants, refusal)
        for port in ports:
            ownership.check_created(at, "port", port.id, port.mark)
        return [*ports]

    async def _divided(
        self, at: Context, wants: Sequence[cloud.PortSpec], refusal: CloudError
    ) -> list[cloud.Port | CloudError]:
        """Return what was made of ports that were refused together, and why not the others."""
        # The request may have had its effect all the same, or an earlier attempt; that may be what stands in the way.
        made: dict[str, cloud.Port | CloudError] = {
            port.name: port for port in await at.cloud.ports_marked(at.mark)
        }
        lacking = [want for want in wants if want.name not in made]
        if len(lacking) == len(wants) == 1:
            return [refusal]
        middle = len(lacking) if len(lacking) < len(wants) else len(wants) // 2
        for part in (lacking[:middle], lacking[middle:]):
            if part:
                ended = await self._create(at, part)
                made |= {want.name: end for want, end in zip(part, ended, strict=True)}
        return [made[want.name] for want in wants]

    async def find(self, at: Context) -> Outputs | None:
        """Find them by their mark; a part of them, which a bulk request should never leave, is taken away."""
        by_name = {port.name: port for port in await at.cloud.ports_marked(at.mark)}
        ports = [by_name[want.name] for want in self.wants if want.name in by_name]
        if len(ports) == len(self.wants):
            return self._outputs(at, ports)
        for port in ports:
            await at.cloud.delete_port(port.id)
        return None

    async def find_leftovers(self, at: Context) -> Outputs | None:
        """Find all ports with this mark, be they few or too many."""
        ports = await at.cloud.ports_marked(at.mark)
        return self._outputs(at, ports) if ports else None

    @staticmethod
    def _outputs(at: Context, ports: Collection[cloud.Port]) -> Outputs:
        return {
            "ports": [
                {"id": port.id, "name": port.name, "addresses": list(port.addresses)} for port in ports
            ],
            "mark": at.mark,
        }

    async def tidy(self, at: Context, outputs: Outputs) -> None:
        """Delete other ports with this mark."""
        ours = {port["id"] for port in outputs["ports"]}
        for port in await at.cloud.ports_marked(at.mark):
            if port.id not in ours:
                await at.cloud.delete_port(port.id)

    async def undo(self, at: Context, outputs: Outputs, *, only: Collection[int] | None = None) -> None:
        """Delete them, but for those that another has made; of these, what carries this step's mark goes instead."""
        going = [port for port in chosen(outputs["ports"], only) if port["id"]]
        marked = {port.id: port for port in await at.cloud.ports_marked(ownership.mark_of(at, outputs))}
        names = {port["name"] for port in going}
        own = {port["id"] for port in going if port["id"] in marked}
        for port in going:
            if port["id"] in own:
                continue
            if await _is_own(at, outputs, id=port["id"], name=port["name"]):
                own.add(port["id"])
            else:
                own |= {id for id, stray in marked.items() if stray.name in names}
        await together(*(at.cloud.delete_port(id) for id in own))

    @staticmethod
    def made(outputs: Outputs) -> list[task.Made]:
        """Return the ports."""
        return [task.Made(kind="port", id=port["id"], name=port["name"]) for port in outputs["ports"]]


async def _is_own(at: Context, outputs: Outputs, *, id: str, name: str) -> bool:
    async def labels() -> Labels:
        port = await at.cloud.port(id)
        return Labels(port.mark, port.name)

    return await ownership.is_own_or_gone(at, outputs, "port", id, name=name, labels=labels)


class FindPorts(Step, frozen=True, kw_only=True):
    """Wait until Nova has made a server's ports, which is long before it is ACTIVE."""

    kind: ClassVar[str] = "port.find"
    action: ClassVar[str] = "NETWORKING"
    repeatable: ClassVar[bool] = True
    waits: ClassVar[bool] = True

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
