"""The quotas of a project: limits, what is used and what is reserved."""

from collections.abc import Collection

from msgspec import Struct

from enamel.clouds.capability import Capability
from enamel.model import quota
from enamel.model.call_context import CallContext
from enamel.model.quota import Quota
from enamel.service.access import policy
from enamel.service.access.clouds import CallerClouds
from enamel.store import engine, reservations

KINDS: dict[Capability, tuple[str, ...]] = {
    Capability.COMPUTE: ("servers", "cores", "memory_mb", "keypairs", "server_groups"),
    Capability.NETWORK: ("ports", "addresses", "security_groups", "networks"),
    Capability.VOLUME: ("volumes", "gigabytes"),
}
"""The kinds of quotas, by the capability that brings them."""


class ProjectQuota(Struct, frozen=True, kw_only=True):
    """All quotas of a project on a cloud."""

    cloud: str
    """The cloud that they are on."""
    quota: dict[str, Quota]
    """By kind: servers, cores, addresses …"""


class Quotas:
    """Shows quotas."""

    def __init__(self, store: engine.Store, *, clouds: CallerClouds) -> None:
        self._store = store
        self._clouds = clouds

    async def get(self, ctx: CallContext, *, cloud: str | None = None) -> ProjectQuota:
        """Return the quotas of the caller's project."""
        policy.enforce(ctx, "enamel:quota:get")
        account = self._clouds.chosen(ctx, cloud)
        limits = await account.quota(kinds(await account.capabilities()))
        reserved = await self._store.read(
            reservations.reserved, project_id=ctx.caller.project_id, cloud=account.name
        )
        by_kind = {kind: quota.of(limit, reserved=reserved.get(kind, 0)) for kind, limit in limits.items()}
        return ProjectQuota(cloud=account.name, quota=by_kind)


def kinds(capabilities: Collection[Capability]) -> list[str]:
    """Return the kinds of quotas that a cloud with these capabilities has."""
    return [kind for capability, names in KINDS.items() if capability in capabilities for kind in names]
