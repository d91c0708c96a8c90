"""Steps on networks: one for a project that has none."""

from typing import ClassVar

from enamel.clouds.capability import Capability
from enamel.model.errors import CapabilityMissing, CloudConflict, CloudRefused
from enamel.steps.step import Context, Outputs, Step


class AutoNetwork(Step, frozen=True, kw_only=True):
    """Get the project a network with a way out, once for all its servers.

    Neither a roll-back nor a revert removes it: from the first moment on others in the project may use it.
    """

    kind: ClassVar[str] = "network.auto"
    action: ClassVar[str] = "GETTING_NETWORK"
    # Doing it twice is harmless, but it is not to be broken off half-way when another step fails.
    repeatable: ClassVar[bool] = False

    NAME: ClassVar[str] = "enamel"

    async def do(self, at: Context) -> Outputs:
        """Ask Neutron for its auto-allocated topology; where that is not to be had, make a network."""
        if Capability.AUTO_NETWORK in await at.cloud.capabilities():
            try:
                return {"id": await at.cloud.auto_network()}
            except (CapabilityMissing, CloudConflict, CloudRefused) as exc:
                at.note(f"The cloud does not allocate a topology ({exc.detail}); a network was made instead.")
        else:
            at.note(
                "The cloud has no auto-allocated topology; a network, a subnet and a router were made instead."
            )
        project = (await at.cloud.identity()).project_id
        for network in await at.cloud.networks():
            # An operator is shown those of all projects.
            if network.name == self.NAME and network.project_id == project and not network.external:
                return {"id": network.id}
        network = await at.cloud.create_network(self.NAME, mark=at.mark)
        return {"id": network.id}
