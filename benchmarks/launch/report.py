"""The table of a race, and where the calls went of what is above its target."""

import statistics
from collections import Counter
from collections.abc import Callable, Sequence

from rich.table import Table

from benchmarks.launch.lap import Lap

RIVAL = "openstacksdk, threads"
TARGETS = {
    ("Enamel", 1, "cold"): 12,
    ("Enamel", 1, "warm"): 6,
    ("Enamel", 10, "cold"): 25,
    ("Enamel, ports first", 10, "cold"): 35,
    ("Enamel", 100, "cold"): 120,
    ("Enamel, ports first", 100, "cold"): 240,
}
"""Plumbing calls that a launch with addresses may take."""

Value = Callable[[Lap], float | None]


class Group:
    """The laps of one contender in one state, over all rounds."""

    def __init__(self, of: Sequence[Lap]) -> None:
        self.of = of
        self.first = of[0]

    def median(self, value: Value) -> float | None:
        """Return the median of what was measured."""
        found = [number for lap in self.of if (number := value(lap)) is not None]
        return statistics.median(found) if found else None


def groups(laps: Sequence[Lap]) -> dict[tuple[int, str, str], Group]:
    """Return the laps that succeeded by count, contender and state."""
    found: dict[tuple[int, str, str], list[Lap]] = {}
    for lap in laps:
        if lap.failed is None:
            found.setdefault((lap.count, lap.who, lap.state), []).append(lap)
    return {key: Group(of) for key, of in found.items()}


def target(lap: Lap) -> int | None:
    """Return how many calls a lap may take, where that is decided."""
    return TARGETS.get((lap.who, lap.count, lap.state)) if lap.shape == "address" else None


def table(laps: Sequence[Lap]) -> Table:
    """Return the medians, with how many times less Enamel takes than the rival does."""
    found = Table()
    for name in (
        "servers",
        "who",
        "",
        "seconds",
        "over floor",
        "calls",
        "target",
        "CPU s: client",
        "service",
        "MB",
    ):
        found.add_column(name, no_wrap=True)
    of = groups(laps)
    for (count, who, state), group in of.items():
        lowest = of.get((count, "floor", "warm")) or of.get((count, "floor", "cold"))
        seconds, calls = group.median(lambda lap: lap.seconds), group.median(lambda lap: lap.calls)
        limit = target(group.first)
        base = lowest.median(lambda lap: lap.seconds) if lowest else None
        found.add_row(
            str(count),
            who,
            state,
            f"{seconds:.1f}",
            "" if base is None or seconds is None or who == "floor" else f"{seconds - base:+.1f}",
            "" if calls is None else f"{calls:.0f}",
            "" if limit is None or calls is None else f"≤ {limit}" + (" missed" if calls > limit else ""),
            f"{group.median(lambda lap: lap.client_cpu):.2f}",
            f"{group.median(lambda lap: lap.service_cpu):.2f}" if group.first.service_cpu else "",
            f"{group.median(lambda lap: lap.memory_mb):.0f}",
        )
    for lap in laps:
        if lap.failed is not None:
            found.add_row(str(lap.count), lap.who, "failed", *[""] * 7)
    return found


def excess(laps: Sequence[Lap]) -> list[str]:
    """Return how Enamel compares to its rival, what failed, and where calls above a target went."""
    lines = []
    of = groups(laps)
    for (count, who, state), group in of.items():
        rival = of.get((count, RIVAL, state))
        if who.startswith("Enamel") and rival:
            seconds = _ratio(rival, group, lambda lap: lap.seconds)
            calls = _ratio(rival, group, lambda lap: lap.calls)
            cpu = _ratio(rival, group, lambda lap: lap.client_cpu + lap.service_cpu)
            lines.append(
                f"{count}, {state}: {who} is {seconds} quicker than {RIVAL}, with {calls} fewer calls "
                f"and {cpu} less processor time."
            )
    lines += [f"{lap.count} × {lap.who} failed: {lap.failed}" for lap in laps if lap.failed is not None]
    for lap in laps:
        limit = target(lap)
        if limit is not None and lap.calls is not None and lap.calls > limit:
            most = ", ".join(f"{number} × {route}" for route, number in Counter(lap.routes).most_common())
            lines.append(f"{lap.count}, {lap.who}, {lap.state}: {lap.calls} calls, target {limit}: {most}")
    return lines


def _ratio(theirs: Group, ours: Group, value: Value) -> str:
    one, other = theirs.median(value), ours.median(value)
    return f"{one / other:.1f} ×" if one and other else "?"
