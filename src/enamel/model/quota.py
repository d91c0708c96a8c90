"""The quota: how much of a kind a project may have on a cloud, and how much of that is left."""

from msgspec import UNSET, Struct, UnsetType

from enamel.model.cloud import Limit


class Quota(Struct, frozen=True, kw_only=True):
    """One quota of a project; in a preview and in a refusal, with what the request takes of it."""

    limit: int
    """-1 if it is unlimited."""
    used: int
    """In use and reserved by the cloud."""
    reserved: int
    """Reserved by running tasks."""
    free: int | None
    """What is left for others; null if it is unlimited."""
    wanted: int | UnsetType = UNSET
    """What the request takes of it; absent where there is no request."""


def of(limit: Limit, *, reserved: int, wanted: int | UnsetType = UNSET) -> Quota:
    """Return a quota as a cloud has it, less what running tasks have reserved."""
    free = None if limit.free is None else max(0, limit.free - reserved)
    return Quota(limit=limit.limit, used=limit.used, reserved=reserved, free=free, wanted=wanted)
