"""Debian's packages: installed where they are missing, without letting them start anything."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

POLICY = Path("/usr/sbin/policy-rc.d")
"""What Debian's packages ask whether they may start a service; 101 is no."""


class Unavailable(Exception):
    """A service cannot be had on this machine."""


def find(program: str, *places: str) -> str | None:
    """Return the path of a program, which may lie outside the PATH."""
    found = shutil.which(program)
    if found:
        return found
    hits = sorted(path for place in places for path in Path("/").glob(f"{place.lstrip('/')}/{program}"))
    return str(hits[-1]) if hits else None


def install(*packages: str) -> None:
    """Install packages.

    Raises:
        Unavailable: They cannot be installed here, and why.

    """
    if shutil.which("apt-get") is None:
        raise Unavailable(
            f"{' and '.join(packages)} are not installed, and this is no Debian to install them on"
        )
    rights = _rights()
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with _nothing_started(rights):
        for words in (["update", "-q"], ["install", "-q", "-y", "--no-install-recommends", *packages]):
            done = subprocess.run(
                [*rights, "apt-get", *words],
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
            )
            # A list that is a little old may do; the installation tells.
            if done.returncode and words[0] == "install":
                last = (done.stderr or done.stdout).strip().splitlines()[-1:]
                raise Unavailable(f"apt-get could not install {' '.join(packages)}: {' '.join(last)}")


def _rights() -> list[str]:
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") and not subprocess.run(["sudo", "-n", "true"], capture_output=True).returncode:
        return ["sudo", "-n", "--preserve-env=DEBIAN_FRONTEND"]
    raise Unavailable("installing packages needs root, or sudo without a password")


@contextlib.contextmanager
def _nothing_started(rights: list[str]) -> Iterator[None]:
    """Keep packages from starting their services, unless this machine says already what they may do."""
    if POLICY.exists():
        yield
        return
    subprocess.run(
        [*rights, "sh", "-c", f"printf '#!/bin/sh\\nexit 101\\n' >{POLICY} && chmod 755 {POLICY}"], check=True
    )
    try:
        yield
    finally:
        subprocess.run([*rights, "rm", "-f", str(POLICY)], check=True)
