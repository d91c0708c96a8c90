"""The `openstack` command line, as a script uses it: one server after the other, one command after the other."""

import subprocess
import sys
from pathlib import Path

from benchmarks.launch import contender, ground
from benchmarks.launch.lap import Want


class Client:
    """Launches with openstackclient."""

    service = None
    remembers = False

    def __init__(self, entry: str) -> None:
        self._entry = entry

    def launch(self, want: Want, *, prefix: str) -> None:
        """Run the commands of every server."""
        for number in range(want.count):
            name = f"{prefix}-{number}"
            place = ["--image", ground.IMAGE, "--flavor", ground.TYPE, "--network", ground.NETWORK]
            self._run("server", "create", *place, "--wait", name)
            address = self._run(
                "floating", "ip", "create", ground.OUTSIDE, "-f", "value", "-c", "floating_ip_address"
            )
            self._run("server", "add", "floating", "ip", name, address)
            if want.volume:
                self._run("volume", "create", "--size", "1", name)
                self._run("server", "add", "volume", name, name)

    def remove(self, prefix: str) -> None:
        """Remove servers, addresses and volumes."""
        contender.sweep(self._entry, prefix=prefix)

    def close(self) -> None:
        """Nothing stays open between two commands."""

    def _run(self, *words: str) -> str:
        command = Path(sys.executable).with_name("openstack")
        done = subprocess.run(
            [command, "--os-cloud", self._entry, *words], capture_output=True, text=True, timeout=600
        )
        if done.returncode:
            raise RuntimeError(f"openstack {' '.join(words)}: {done.stderr.strip()[-500:]}")
        return done.stdout.strip()
