"""The allowance: a project's quota on a cloud, remembered for a while where it is far from full.

One look per launch would be the dearest part of a small one. Limits that leave room for twice what is wanted are
believed for a minute, less all that this process has accepted since; tighter ones are looked at again.
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta

from enamel.clouds import driver
from enamel.model.cloud import Limit

BELIEVED_FOR = timedelta(minutes=1)


class _Seen:
    """What was seen of one project's quota, and what was accepted since."""

    def __init__(self, at: datetime, limits: Mapping[str, Limit]) -> None:
        self.at = at
        self.limits = limits
        self.since: Counter[str] = Counter()


class QuotaCache:
    """Remembers quotas."""

    def __init__(self, *, now: Callable[[], datetime]) -> None:
        self._now = now
        self._seen: dict[str, _Seen] = {}

    def remembered(self, cloud: str, kinds: Collection[str]) -> dict[str, Limit] | None:
        """Return the limits of some kinds as they were seen not long ago; None where they were not."""
        seen = self._seen.get(cloud)
        if seen is None or self._now() - seen.at > BELIEVED_FOR or not seen.limits.keys() >= set(kinds):
            return None
        return {
            kind: Limit(limit=seen.limits[kind].limit, used=seen.limits[kind].used + seen.since[kind])
            for kind in kinds
        }

    async def look(self, where: driver.Cloud, kinds: Collection[str]) -> dict[str, Limit]:
        """Ask the cloud for limits, and remember them."""
        found = await where.quota(kinds)
        self._seen[where.name] = _Seen(self._now(), found)
        return dict(found)

    def accepted(self, cloud: str, needs: Mapping[str, int]) -> None:
        """Take note that a task will take something."""
        seen = self._seen.get(cloud)
        if seen is not None:
            seen.since.update(needs)


def is_tight(wanted: Mapping[str, int], limits: Mapping[str, Limit], promised: Mapping[str, int]) -> bool:
    """Tell whether limits leave less than twice what is wanted."""
    return any(
        kind in limits
        and (free := limits[kind].free) is not None
        and free - promised.get(kind, 0) < 2 * number
        for kind, number in wanted.items()
    )
