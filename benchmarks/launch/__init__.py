"""Servers with public addresses, and volumes: Enamel beside its peers, turn by turn in one run, on one cloud.

Every contender starts from nothing (cold: no token, no catalogue) and, where it remembers anything, goes again (warm).
Each has processes of its own, so that its processor time and memory can be told. Plumbing calls are counted by the
sandbox, or by a bridge before a real cloud.
"""

import argparse
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
from rich.console import Console

from benchmarks.launch import client, contender, floor, ground, playbook, plot, porcelain, report, sdk, stack
from benchmarks.launch import lap as laps
from benchmarks.launch.lap import Lap, Want

CONTENDERS: dict[str, Callable[[str], contender.Contender]] = {
    "floor": floor.Floor,
    "Enamel": lambda entry: porcelain.Porcelain(entry, alike=True),
    "Enamel, ports first": lambda entry: porcelain.Porcelain(entry, alike=False),
    "openstacksdk, threads": lambda entry: sdk.Sdk(entry, threads=True),
    "openstacksdk, own connections": lambda entry: sdk.Sdk(entry, threads=True, shared=False),
    "openstacksdk, one by one": lambda entry: sdk.Sdk(entry, threads=False),
    "openstack command": client.Client,
    "Ansible": playbook.Playbook,
    "Heat": stack.Stack,
}
"""They take turns, so that a machine that is busy for a while is busy for all of them."""

MOST = {
    "openstacksdk, threads": 100,
    "openstacksdk, own connections": 100,
    "openstacksdk, one by one": 10,
    "openstack command": 10,
    "Ansible": 10,
    "Heat": 50,
}
"""How many servers are asked of those that would take too long with more."""
LAP_WITHIN = 1800


def main(words: Sequence[str]) -> None:
    """Race, print a table, draw it, and keep every lap as JSON."""
    parser = argparse.ArgumentParser(prog="benchmarks launch", description="Enamel beside its peers.")
    parser.add_argument("--cloud", help="an entry of clouds.yaml; a sandbox where none is named")
    parser.add_argument("--counts", type=_numbers, help="how many servers, as 1,10,100")
    parser.add_argument("--volume", action="store_true", help="give each server a volume, too")
    parser.add_argument("--who", action="append", choices=CONTENDERS, help="only this one; can be repeated")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument(
        "--keep", type=Path, help="where the laps and plots are kept, as PATH.json, .png and .svg"
    )
    parser.add_argument("--lap", choices=CONTENDERS, help=argparse.SUPPRESS)
    parser.add_argument("--counter", help=argparse.SUPPRESS)
    chosen = parser.parse_args(words)
    if chosen.lap:
        _run_laps(chosen)
        return
    counts = chosen.counts or ([1, 10, 50] if chosen.cloud else [1, 10, 100])
    console = Console() if sys.stdout.isatty() else Console(width=150)
    with ground.real(chosen.cloud) if chosen.cloud else ground.sandbox() as place:
        who = chosen.who or [name for name in CONTENDERS if _can_race(name, place.entry, console)]
        found: list[Lap] = []
        for _ in range(chosen.rounds):
            for count in counts:
                for name in who:
                    if count <= MOST.get(name, count):
                        console.print(f"{count} × {name} …", style="dim")
                        found += _laps(name, place, Want(count=count, volume=chosen.volume))
    console.print(report.table(found))
    for line in report.excess(found):
        console.print(line, style="yellow")
    kept = chosen.keep or Path("build/benchmarks") / f"launch-{place.entry}{'-volume' * chosen.volume}"
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.with_suffix(".json").write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=1) + b"\n")
    plot.draw(found, to=kept, title=f"{found[0].shape}, on {place.entry}")
    console.print(f"Every lap is in {kept}.json, and drawn in {kept}.png and {kept}.svg.")


def _numbers(told: str) -> list[int]:
    return [int(number) for number in told.split(",")]


def _can_race(name: str, entry: str, console: Console) -> bool:
    why = None
    if name == "Ansible":
        why = playbook.install()
    elif name == "Heat" and not stack.offered(entry):
        why = "This cloud has no Heat."
    if why:
        console.print(f"{name} does not race: {why}", style="yellow")
    return why is None


def _laps(name: str, place: ground.Ground, want: Want) -> list[Lap]:
    """Have a process of its own run a contender's laps."""
    words = ["--lap", name, "--cloud", place.entry, "--counts", str(want.count)]
    words += ["--counter", place.counter] if place.counter else []
    words += ["--volume"] if want.volume else []
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "launch", *words], stdout=subprocess.PIPE, timeout=LAP_WITHIN
    )
    return msgspec.json.decode(done.stdout.splitlines()[-1], type=list[Lap])


def _run_laps(chosen: argparse.Namespace) -> None:
    """Be the process of one contender."""
    # The SDK warns of parts of itself that nobody uses here.
    warnings.simplefilter("ignore")
    want = Want(count=chosen.counts[0], volume=chosen.volume)
    place = ground.Ground(entry=chosen.cloud, counter=chosen.counter)
    found: list[Lap] = []
    try:
        place.start()
        racer = CONTENDERS[chosen.lap](place.entry)
        try:
            for state in ("cold", "warm") if racer.remembers else ("cold",):
                found.append(_lap(racer, place, want, who=chosen.lap, state=state))
        finally:
            racer.close()
    except Exception as exc:
        found.append(
            Lap(who=chosen.lap, count=want.count, shape=want.shape, state="cold", failed=str(exc)[:2000])
        )
    print(msgspec.json.encode(found).decode())


def _lap(racer: contender.Contender, place: ground.Ground, want: Want, *, who: str, state: str) -> Lap:
    prefix = f"race-{time.time_ns() % 10**9}"
    if state == "warm":
        place.start()
    measured = laps.Meter(racer.service)
    begun = time.perf_counter()
    try:
        racer.launch(want, prefix=prefix)
        seconds = time.perf_counter() - begun
        routes = place.counted()
        return Lap(
            who=who,
            count=want.count,
            shape=want.shape,
            state=state,
            seconds=seconds,
            calls=None if routes is None else sum(routes.values()),
            routes=routes or {},
            client_cpu=measured.client(),
            service_cpu=measured.service(),
            memory_mb=measured.memory_mb(),
        )
    finally:
        racer.remove(prefix)
