"""The ground: the cloud that is raced on, and who counts the calls there."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import openstack
import yaml
from msgspec import Struct

from benchmarks.launch import bridge

IMAGE, TYPE, NETWORK, OUTSIDE = "cirros", "m1.tiny", "private", "public"
BOOT_SECONDS = 2.0


class Ground(Struct, frozen=True, kw_only=True):
    """A cloud to race on."""

    entry: str
    """Its entry of clouds.yaml."""
    counter: str | None = None
    """Where calls are counted: GET tells, DELETE begins anew."""

    def start(self) -> None:
        """Count from zero."""
        if self.counter:
            urlopen(Request(self.counter, method="DELETE")).close()

    def counted(self) -> dict[str, int] | None:
        """Return the calls since then, by route."""
        if not self.counter:
            return None
        with urlopen(self.counter) as answer:
            found: dict[str, int] = json.load(answer)["counts"]
        return found


@contextlib.contextmanager
def sandbox() -> Iterator[Ground]:
    """Start a sandbox in a process of its own, on which every boot takes equally long."""
    words = [
        sys.executable,
        "-m",
        "enamel.cli",
        "sandbox",
        "--boot-seconds",
        f"{BOOT_SECONDS}-{BOOT_SECONDS}",
    ]
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "clouds.yaml"
        with file.open("w") as out:
            process = subprocess.Popen(words, stdout=out, stderr=subprocess.DEVNULL)
        try:
            while "sandbox-app" not in file.read_text():
                if process.poll() is not None:
                    raise SystemExit("The sandbox did not start.")
                time.sleep(0.1)
            told = yaml.safe_load(file.read_text())
            url = urlsplit(told["clouds"]["sandbox"]["auth"]["auth_url"])
            os.environ["OS_CLIENT_CONFIG_FILE"] = str(file)
            yield Ground(entry="sandbox", counter=f"{url.scheme}://{url.netloc}/sandbox/calls")
        finally:
            process.terminate()
            process.wait(20)


@contextlib.contextmanager
def real(entry: str) -> Iterator[Ground]:
    """Stand before an entry of clouds.yaml and count what passes."""
    account = openstack.config.OpenStackConfig().cloud_config["clouds"][entry]
    url = urlsplit(account["auth"]["auth_url"])
    origin = f"{url.scheme}://{url.netloc}"
    with bridge.open_before(origin) as ours, tempfile.TemporaryDirectory() as place:
        file = Path(place) / "clouds.yaml"
        account = {**account, "auth": {**account["auth"], "auth_url": f"{ours}{url.path}"}}
        file.write_text(yaml.safe_dump({"clouds": {entry: account}}))
        os.environ["OS_CLIENT_CONFIG_FILE"] = str(file)
        yield Ground(entry=entry, counter=ours + bridge.COUNTER)
