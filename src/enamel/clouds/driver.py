"""The seam between Enamel and a cloud: what a driver can do, in Enamel's words.

A driver is a class that inherits `Cloud` and has the methods of the capabilities that it declares
(`enamel.clouds.capability.METHODS`); for all others the defaults raise CapabilityMissing. Its duties are in
docs/development/write-a-driver.md; in short:

- Methods raise errors of the CloudError branch (or QuotaExceeded) and nothing else; see `enamel.model.errors`.
- What makes something carries the mark that it is given, and is never repeated once the cloud may have seen the request:
  it raises OutcomeUnknown, and the step above looks for the mark. Reads are repeated while that is sensible.
- What deletes takes 404 for success.
"""

from collections.abc import Collection, Sequence
from typing import Protocol

from enamel.clouds.capability import Capability
from enamel.clouds.methods import compute, network, projects, storage
from enamel.model import cloud
from enamel.model.cloud_state import CloudState


class Cloud(
    compute.Keypairs,
    compute.Servers,
    compute.Tags,
    compute.Inside,
    compute.ServerTypes,
    compute.ServerGroups,
    network.Networks,
    network.Ports,
    network.Addresses,
    network.SecurityGroups,
    storage.Volumes,
    storage.VolumeSnapshots,
    storage.Images,
    projects.Projects,
    Protocol,
):
    """One project on one cloud."""

    site: str
    """Where it answers; entries with the same site are accounts on the same cloud."""

    async def identity(self) -> cloud.Identity:
        """Return the user, project and roles of these credentials."""

    async def capabilities(self) -> frozenset[Capability]:
        """Return what the driver and this account's catalogue offer together."""

    @property
    def in_use(self) -> bool:
        """Whether a call is under way or somebody waits for a resource. Such a handle is not closed for being idle."""
        return False

    async def quota(self, kinds: Collection[str]) -> dict[str, cloud.Limit]:
        """Return the project's limits of the kinds asked for, fresh; kinds that the cloud does not limit are left out.

        Kinds: servers, cores, memory_mb, keypairs, server_groups, volumes, gigabytes, ports, addresses,
        security_groups, networks. Only the services that know one of the kinds are asked.
        """
        return {}

    def state(self) -> CloudState:
        """Return how the cloud's services take their calls, and what is cached; no call is made."""
        return CloudState(name=self.name)

    async def forget(self) -> None:
        """Throw the cached catalogue away, for all processes."""
        return None  # noqa: RET501 - a body, so that a driver which caches nothing need not have its own

    async def refresh(self, *, at_once: bool = False) -> bool:
        """Throw away what of the catalogue was cached for a while, and tell whether there was any.

        Args:
            at_once: Whether what was cached a moment ago goes as well: a request is about to be refused because of it.
        """
        return False

    async def successors(self, ids: Collection[str]) -> dict[str, str]:
        """Return what has replaced flavors, images and networks that are gone: their names with other ids.

        It is called when a cloud refuses what was chosen from a cached catalogue; the catalogue is read again for it.
        """
        return {}

    async def close(self) -> None:
        """Close connections and stop what is under way. A use after that opens connections again."""


class Clouds(Protocol):
    """The clouds of the configuration."""

    def names(self) -> Sequence[str]:
        """Return the entries that can be used, the default one first."""

    def get(self, name: str, *, project: str | None = None) -> Cloud:
        """Return a cloud. Raises CloudUnknown.

        Args:
            name: The entry.
            project: Id of another project of the same cloud; None for the entry's own. See `Cloud.entry_of`.
        """

    async def close(self) -> None:
        """Close all of them."""
