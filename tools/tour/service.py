"""The two services of the tour: `enamel up` for a user, and for an operator."""

import contextlib
import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from msgspec import Struct
from openstack.config import OpenStackConfig

QUICK = {"boot_seconds": [0.05, 0.1], "pace": 0.1, "reclaim_seconds": 60.0}
"""Settings of the sandbox: fast boots, and deleted servers are kept for a minute, as on many clouds."""


class Place(Struct, frozen=True, kw_only=True):
    """The services and the cloud of the tour."""

    user: str
    """The service of a user with the role `member` only."""
    operator: str
    """The service of an admin of the same project."""
    clouds: Path
    """The clouds.yaml with the entries `user` and `operator`."""


@contextlib.contextmanager
def places(cloud: str | None, *, data: Path) -> Iterator[Place]:
    """Run both services on an entry of clouds.yaml and on its `-admin`, or on the sandbox."""
    with contextlib.ExitStack() as stack:
        known = OpenStackConfig()
        if cloud is None:
            cloud, own = "sandbox", data / "user"
            user, sandbox = stack.enter_context(_up("--sandbox", data=own))
            _quicken(sandbox)
            known = OpenStackConfig(config_files=[str(own / "sandbox-clouds.yaml")], load_envvars=False)
            clouds = _clouds(known, cloud, file=data / "clouds.yaml")
        else:
            clouds = _clouds(known, cloud, file=data / "clouds.yaml")
            user, _ = stack.enter_context(_up("--cloud", "user", data=data / "user", clouds=clouds))
        operator, _ = stack.enter_context(_up("--cloud", "operator", data=data / "operator", clouds=clouds))
        yield Place(user=user, operator=operator, clouds=clouds)


@contextlib.contextmanager
def _up(*arguments: str, data: Path, clouds: Path | None = None) -> Iterator[tuple[str, str]]:
    """Run a service until the `with` block ends; yield its URL, and that of its sandbox if it has one."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OS_", "ENAMEL_"))}
    if clouds is not None:
        kept["OS_CLIENT_CONFIG_FILE"] = str(clouds)
    command = [sys.executable, "-m", "enamel.cli", "up", *arguments, "--port", "0", "--log-level", "ERROR"]
    command += ["--data", str(data)]
    kept["PYTHONUNBUFFERED"] = "1"
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=kept) as up:  # noqa: S603 - it is ours
        try:
            said = up.stdout.readline() if up.stdout is not None else ""
            urls = re.findall(r"http://[\d.]+:\d+", said)
            if not urls:
                raise SystemExit(f"enamel up did not start: {said}")
            yield urls[0], urls[-1]
        finally:
            up.terminate()
            up.communicate(timeout=60)


def _clouds(known: Any, name: str, *, file: Path) -> Path:
    """Write the clouds.yaml of the tour: the user, and the operator in the user's project."""
    user, operator = known.get_one(name).config, known.get_one(f"{name}-admin").config
    project = {key: value for key, value in user["auth"].items() if key.startswith("project")}
    entries = {
        "user": _entry(user, user["auth"]),
        "operator": _entry(operator, {**operator["auth"], **project}),
    }
    file.write_text(yaml.safe_dump({"clouds": entries}))
    file.chmod(0o600)
    return file


def _entry(known: Any, auth: Any) -> dict[str, Any]:
    return {"region_name": known["region_name"], "auth": dict(auth)}


def _quicken(sandbox: str) -> None:
    body = json.dumps(QUICK).encode()
    request = urllib.request.Request(  # noqa: S310 - it is ours
        f"{sandbox}/sandbox/settings", body, {"Content-Type": "application/json"}
    )
    urllib.request.urlopen(request).close()  # noqa: S310
