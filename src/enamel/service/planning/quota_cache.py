"""The quota cache: a project's quota on a cloud, remembered for a while if it is far from full.

To fetch it for every launch would be the most expensive part of a small one. Limits that leave room for twice what is
requested are believed for a minute, less all that this process has accepted since; tighter ones are fetched again.
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta

from enamel.clouds import driver
from enamel.model.call_context import CallContext
from enamel.model.cloud import Limit

BELIEVED_FOR = timedelta(minutes=1)
MOST = 1000
"""How many quotas are remembered, of one project on one cloud each."""


class _Seen:
    """What was fetched of one project's quota, and what was accepted since."""

    def __init__(self, at: datetime, limits: Mapping[str, Limit]) -> None:
        self.at = at
        self.limits = limits
        self.since: Counter[str] = Counter()


class QuotaCache:
    """Remembers quotas, each for its project."""

    def __init__(self, *, now: Callable[[], datetime]) -> None:
        self._now = now
        self._seen: dict[tuple[str, str], _Seen] = {}

    def remembered(self, ctx: CallContext, cloud: str, kinds: Collection[str]) -> dict[str, Limit] | None:
        """Return the limits of some kinds as they were fetched not long ago; None if they were not."""
        seen = self._seen.get((ctx.caller.project_id, cloud))
        if seen is None or self._now() - seen.at > BELIEVED_FOR or not seen.limits.keys() >= set(kinds):
            return None
        return {
            kind: Limit(limit=seen.limits[kind].limit, used=seen.limits[kind].used + seen.since[kind])
            for kind in kinds
        }

    async def fetch(
        self, ctx: CallContext, account: driver.Cloud, kinds: Collection[str]
    ) -> dict[str, Limit]:
        """Fetch limits from the caller's account on a cloud, and remember them."""
        limits = await account.quota(kinds)
        key = (ctx.caller.project_id, account.name)
        self._seen.pop(key, None)
        self._seen[key] = _Seen(self._now(), limits)
        if len(self._seen) > MOST:
            del self._seen[next(iter(self._seen))]
        return dict(limits)

    def accepted(self, ctx: CallContext, cloud: str, needs: Mapping[str, int]) -> None:
        """Remember that an accepted task takes something."""
        seen = self._seen.get((ctx.caller.project_id, cloud))
        if seen is not None:
            seen.since.update(needs)


def is_tight(needs: Mapping[str, int], limits: Mapping[str, Limit], reserved: Mapping[str, int]) -> bool:
    """Return whether limits leave less than twice what is needed."""
    return any(
        kind in limits
        and (free := limits[kind].free) is not None
        and free - reserved.get(kind, 0) < 2 * number
        for kind, number in needs.items()
    )
