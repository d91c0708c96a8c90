"""The quotas of a project: limits, what is used and what is reserved."""

from collections.abc import Collection, Mapping

from msgspec import Struct

from enamel.clouds.capability import Capability
from enamel.model import cloud as cloud_model
from enamel.model.call_context import CallContext
from enamel.service.access import policy
from enamel.service.access.clouds import CallerClouds
from enamel.store import engine, reservations

KINDS: dict[Capability, tuple[str, ...]] = {
    Capability.COMPUTE: ("servers", "cores", "memory_mb", "keypairs", "server_groups"),
    Capability.NETWORK: ("ports", "addresses", "security_groups", "networks"),
    Capability.VOLUME: ("volumes", "gigabytes"),
}
"""The kinds of quotas, by the capability that brings them."""


class Allotment(Struct, frozen=True, kw_only=True):
    """One quota of a project."""

    limit: int
    """-1 if it is unlimited."""
    used: int
    """In use and reserved by the cloud."""
    reserved: int
    """Reserved by running tasks."""
    free: int | None
    """What is left for others; null if it is unlimited."""


class ProjectQuota(Struct, frozen=True, kw_only=True):
    """All quotas of a project on a cloud."""

    cloud: str
    """The cloud that they are on."""
    quotas: dict[str, Allotment]


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
        return ProjectQuota(cloud=account.name, quotas=_allotments(limits, reserved))


def kinds(capabilities: Collection[Capability]) -> list[str]:
    """Return the kinds of quotas that a cloud with these capabilities has."""
    return [kind for capability, names in KINDS.items() if capability in capabilities for kind in names]


def _allotments(limits: Mapping[str, cloud_model.Limit], reserved: Mapping[str, int]) -> dict[str, Allotment]:
    return {
        kind: Allotment(
            limit=limit.limit,
            used=limit.used,
            reserved=reserved.get(kind, 0),
            free=None if limit.free is None else max(0, limit.free - reserved.get(kind, 0)),
        )
        for kind, limit in limits.items()
    }
