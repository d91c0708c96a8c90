"""Fairness: one caller's thousand servers, and another's one at the same time.

On a sandbox whose answers to writes take as long as those of real clouds, so that the thousand keep it busy for a while.
Once the other one belongs to another project of the same cloud, and once it is just another task of the same project.
"""

import argparse
import contextlib
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.request import Request, urlopen

import msgspec
from msgspec import Struct
from rich.console import Console
from rich.table import Table

from benchmarks.herd import change
from benchmarks.launch import ground
from benchmarks.launch.service import Service

WISH = {"template": "cirros", "type": "m1.tiny", "public_address": True}
"""On whatever network the project has, or gets."""
OTHERS = {"another project": "sandbox-other", "another task": "sandbox"}
"""Whose the one is, and the entry that it is launched on."""
WRITES_TAKE = (0.1, 0.3)
"""Seconds that the cloud takes for each write."""
LAPS = 5
ENDED = {"COMPLETED", "ABORTED", "TIMED_OUT"}


class Delay(Struct, frozen=True, kw_only=True):
    """How long the launches of one server took."""

    whose: str
    idle: list[float]
    busy: list[float]
    crowd: float
    """Seconds that the thousand took."""

    @property
    def row(self) -> tuple[str, ...]:
        """Return a line of the table."""
        idle, busy = statistics.median(self.idle), statistics.median(self.busy)
        return (
            self.whose,
            f"{self.crowd:.1f}",
            str(len(self.busy)),
            f"{idle:.2f}",
            f"{busy:.2f}",
            f"{max(self.busy):.2f}",
            f"{busy / idle:.2f}",
        )


def told(request: Request | str) -> Any:
    """Return what is answered at once."""
    with urlopen(request) as answer:
        return msgspec.json.decode(answer.read())


def accepted(enamel: Service, body: Any) -> Any:
    """Accept a launch and return its task at once."""
    headers = {"Content-Type": "application/json"}
    return told(Request(f"{enamel.url}/servers", msgspec.json.encode(body), headers, method="POST"))


def one(enamel: Service, entry: str) -> float:
    """Launch one server and return how long it took."""
    begun = time.perf_counter()
    enamel.end("/servers", {"name": f"one-{time.time_ns()}", "placement": entry, **WISH})
    return time.perf_counter() - begun


def measured(enamel: Service, *, whose: str, count: int) -> Delay:
    """Launch one server again and again, while nothing else happens and then while a crowd is launched."""
    entry = OTHERS[whose]
    one(enamel, entry)
    idle = [one(enamel, entry) for _ in range(LAPS)]
    begun = time.perf_counter()
    crowd = accepted(enamel, {"name": f"crowd-{time.time_ns()}", "count": count, **WISH})
    busy = []
    while (found := told(f"{enamel.url}/tasks/{crowd['id']}"))["state"] not in ENDED:
        busy.append(one(enamel, entry))
    if found["state"] != "COMPLETED" or not busy:
        raise SystemExit(f"The crowd's launch ended as {found['state']}: {found['error']}")
    # The last one had the cloud for itself at its end.
    return Delay(whose=whose, idle=idle, busy=busy[:-1] or busy, crowd=time.perf_counter() - begun)


@contextlib.contextmanager
def busy_cloud() -> Iterator[ground.Ground]:
    """Start a sandbox that takes its time, and has room for all."""
    with ground.sandbox() as place:
        assert place.counter
        kinds = ("instances", "cores", "ram", "port", "floatingip")
        change(place, quotas=dict.fromkeys(kinds, 10**7))
        rule = {"match": {"method": "POST"}, "then": {"latency": WRITES_TAKE}}
        url = place.counter.removesuffix("calls") + "faults"
        headers = {"Content-Type": "application/json"}
        urlopen(Request(url, msgspec.json.encode(rule), headers, method="POST")).close()
        yield place


def main(words: Sequence[str]) -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(prog="benchmarks fair", description="A thousand servers, and one.")
    parser.add_argument("--count", type=int, default=1000, help="how many the crowd is")
    chosen = parser.parse_args(words)
    found = Table(title=f"One server, while {chosen.count} others are launched")
    for name in ("whose", "the crowd: s", "launches", "idle: s", "meanwhile: s", "worst: s", "ratio"):
        found.add_column(name)
    for whose in OTHERS:
        with busy_cloud() as place, contextlib.closing(Service(place.entry)) as enamel:
            found.add_row(*measured(enamel, whose=whose, count=chosen.count).row)
    (Console() if sys.stdout.isatty() else Console(width=120)).print(found)
