"""Ansible's module `openstack.cloud.server`, in a playbook that loops over the servers."""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from benchmarks.launch import contender, ground
from benchmarks.launch.lap import Want

HOME = Path("build/benchmarks/ansible")
PACKAGES = ("ansible", "openstacksdk==4.4.0")
"""The module of these days does not work with later releases of openstacksdk."""


class Playbook:
    """Launches with Ansible, from an environment of its own that `install` makes."""

    service = None
    remembers = False

    def __init__(self, entry: str) -> None:
        self._entry = entry

    def launch(self, want: Want, *, prefix: str) -> None:
        """Run a playbook."""
        names = [f"{prefix}-{number}" for number in range(want.count)]
        server: dict[str, Any] = {
            "cloud": self._entry,
            "name": "{{ item }}",
            "image": ground.IMAGE,
            "flavor": ground.TYPE,
            "network": ground.NETWORK,
            "auto_ip": True,
            "wait": True,
            "timeout": 900,
        }
        tasks: list[dict[str, Any]] = [{"openstack.cloud.server": server, "loop": names}]
        if want.volume:
            disk = {"cloud": self._entry, "name": "{{ item }}", "size": 1, "wait": True}
            tasks.append({"openstack.cloud.volume": disk, "loop": names})
            link = {"cloud": self._entry, "server": "{{ item }}", "volume": "{{ item }}", "wait": True}
            tasks.append({"openstack.cloud.server_volume": link, "loop": names})
        play = {
            "hosts": "localhost",
            "connection": "local",
            "gather_facts": False,
            "vars": {"ansible_python_interpreter": str((HOME / "bin/python").absolute())},
            "tasks": tasks,
        }
        with tempfile.TemporaryDirectory() as place:
            file = Path(place) / "play.yaml"
            file.write_text(yaml.safe_dump([play]))
            done = subprocess.run(
                [HOME / "bin/ansible-playbook", "-i", "localhost,", file],
                capture_output=True,
                text=True,
                timeout=900,
            )
        if done.returncode:
            raise RuntimeError(f"ansible-playbook: {(done.stdout + done.stderr)[-800:]}")

    def remove(self, prefix: str) -> None:
        """Remove servers, addresses and volumes."""
        contender.sweep(self._entry, prefix=prefix)

    def close(self) -> None:
        """Nothing stays open."""


def install() -> str | None:
    """Make the environment if it is not there; return why that cannot be done."""
    if (HOME / "bin/ansible-playbook").exists():
        return None
    for words in (
        [sys.executable, "-m", "venv", str(HOME)],
        [str(HOME / "bin/python"), "-m", "pip", "install", "--quiet", *PACKAGES],
    ):
        done = subprocess.run(words, capture_output=True, text=True)
        if done.returncode:
            return f"Ansible cannot be installed: {done.stderr.strip().splitlines()[-1]}"
    return None
