"""Enamel and a cloud for it, as the process that `enamel up` is."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

CONTAINERS = """
placements:
  - {name: everywhere, description: All that we have., members: [green, sandbox]}
  - name: green
    tags: [green, cheap]
    properties: {contact: ops}
    members: [sandbox/RegionOne/az2, sandbox/RegionOne/az9]
  - {name: lost, tags: [green], members: [sandbox/RegionOne/az9]}
"""
"""What the operator has put over the cloud; there is no zone az9."""
QUICK = {"boot_seconds": [0.05, 0.1], "pace": 0.1, "quotas": {"instances": 40}}


class Whole(Struct, frozen=True):
    """Where the service and its cloud are."""

    url: str
    cloud: str
    place: Path
    """Where it keeps what it keeps."""


def start(*arguments: str, **environ: str) -> subprocess.Popen[str]:
    """Start the command line as a process of its own, with nothing of this machine's clouds in sight."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OS_", "ENAMEL_"))}
    return subprocess.Popen(
        [sys.executable, "-m", "enamel.cli", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**kept, **environ, "PYTHONUNBUFFERED": "1"},
        preexec_fn=_hear_interrupts,
    )


def _hear_interrupts() -> None:
    """Let Ctrl-C be heard: what a shell runs in the background ignores it, and so would all that is started from there."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextmanager
def running(place: Path) -> Iterator[Whole]:
    """Run a service and a cloud until the block ends."""
    containers = place / "placements.yaml"
    containers.write_text(CONTAINERS)
    with _up("--sandbox", place=place, OS_CLOUDS__PLACEMENTS=str(containers)) as (url, cloud):
        _settle(cloud)
        yield Whole(url, cloud, place)


@contextmanager
def beside(whole: Whole, place: Path, *, entry: str) -> Iterator[str]:
    """Run another service on the cloud of the first one, for another of its accounts, until the block ends."""
    file = str(whole.place / "sandbox-clouds.yaml")
    with _up("--cloud", entry, place=place, OS_CLIENT_CONFIG_FILE=file) as (url, *_):
        yield url


@contextmanager
def _up(*arguments: str, place: Path, **environ: str) -> Iterator[list[str]]:
    """Start a service, say the addresses that it tells of, and end it."""
    more = ("--port", "0", "--data", str(place), "--log-level", "ERROR")
    with start("up", *arguments, *more, **environ) as up:
        try:
            assert up.stdout is not None
            said = up.stdout.readline()
            found = re.findall(r"http://[\d.]+:\d+", said)
            assert found, said + "".join(up.communicate(timeout=30))
            yield found
        finally:
            up.terminate()
            _, complained = up.communicate(timeout=30)
    assert (up.returncode, complained) == (0, ""), complained


def _settle(cloud: str) -> None:
    """Make the cloud quick and small."""
    request = urllib.request.Request(
        f"{cloud}/sandbox/settings", json.dumps(QUICK).encode(), {"Content-Type": "application/json"}
    )
    urllib.request.urlopen(request).close()
