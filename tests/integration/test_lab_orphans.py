"""Addresses that outlive servers, and orphans, on a real OpenStack, as a user of the command line sees them."""

import json
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract.http import service
from tests.integration.project import Project

pytestmark = [pytest.mark.lab, pytest.mark.timeout(400)]
SOON = "[orphans]\nmin_sightings_interval = 1s\nmin_age = 1s\nmin_idle_time = 1s\n"


class User:
    """Somebody with a service of their own and its command line."""

    def __init__(self, place: Path, project: Project) -> None:
        self._data, self._conf, self._project = place / "data", place / "enamel.conf", project
        self._conf.write_text(SOON)
        self._start()

    def _start(self) -> None:
        self._up = service.start(
            *("up", "--cloud", "mine", "--port", "0", "--log-level", "ERROR"),
            *("--data", str(self._data), "--config-file", str(self._conf)),
            OS_CLIENT_CONFIG_FILE=str(self._project.file),
        )
        assert self._up.stdout is not None
        said = self._up.stdout.readline()
        found = re.findall(r"http://[\d.]+:\d+", said)
        assert found, said + "".join(self._up.communicate(timeout=30))
        self._url = found[0]

    def lose_everything(self) -> None:
        """Kill the service, throw its store away, and start another one."""
        self._up.kill()
        self._up.communicate()
        shutil.rmtree(self._data)
        self._start()

    def end(self) -> None:
        self._up.terminate()
        self._up.communicate(timeout=60)

    def type(self, *words: str, code: int = 0) -> Any:
        """Type a command, hold it to its exit code, and return what it says as data."""
        line = [sys.executable, "-m", "enamel.cli", "--url", self._url, *words, "--json"]
        said = subprocess.run(line, capture_output=True, text=True, timeout=120)
        assert said.returncode == code, said.stdout + said.stderr
        return json.loads(said.stdout) if said.stdout else said.stderr

    def orphans(self, *words: str) -> list[dict[str, Any]]:
        """Return the orphans of two looks that are far enough apart."""
        self.type("orphans", *words)
        time.sleep(2)
        return list(self.type("orphans", *words)["orphans"])


@pytest.fixture
def user(tmp_path: Path, project: Project) -> Iterator[User]:
    made = User(tmp_path, project)
    yield made
    made.end()
    project.clean_up()


@pytest.mark.parametrize(
    ("more", "kind"), [((), "FLOATING"), (("--address-network", "private"), "PORT")], ids=["floating", "port"]
)
def test_an_address_outlives_its_servers(
    user: User, project: Project, more: tuple[str, ...], kind: str
) -> None:
    before = project.inventory()
    made = user.type("address", "create", *more, "--wait")
    address, spent = made["result"]["data"]["address"], [made["calls"]]
    assert user.type("address", "show", address)["kind"] == kind
    small = ("--template", "cirros", "--type", "m1.tiny", "--network", "private", "--wait")
    for name in ("first", "second"):
        # The lab's hypervisors refuse to plug in again what a server that they have deleted had; booting with it works.
        if name == "first":
            user.type("server", "create", name, *small)
            spent.append(user.type("address", "attach", address, name, "--wait")["calls"])
        else:
            user.type("server", "create", name, *small, "--address", address)
        shown = user.type("address", "show", address)
        assert shown["server"] == user.type("server", "show", name)["id"]
        assert "etach it" in str(user.type("address", "delete", address, code=1))
        user.type("server", "delete", name, "--wait")
        assert user.type("address", "list", "--free")["addresses"][0]["address"] == address
    user.type("server", "create", "third", *small, "--address", address)
    assert user.type("address", "show", address)["used"]
    spent.append(user.type("address", "detach", address, "--wait")["calls"])
    user.type("server", "delete", "third", "--wait")
    assert user.orphans("--foreign") == []
    user.type("address", "delete", address, "--wait")
    assert user.type("address", "list")["addresses"] == []
    # The cloud keeps a server restorable, with its port, where nothing was left that had to be free.
    for id in project.inventory()["restorable"]:
        project.admin.call("POST", "compute", f"/servers/{id}/action", {"forceDelete": None})
    project.admin.until(lambda: project.inventory() == before)
    print(f"{kind}: create, attach, detach took {spent} calls")


def test_an_island_is_told_of(user: User, project: Project) -> None:
    network = project.ask("POST", "network", "/networks", {"network": {"name": "island"}})["network"]["id"]
    subnet = {"network_id": network, "ip_version": 4, "cidr": "10.44.0.0/24"}
    project.ask("POST", "network", "/subnets", {"subnet": subnet})
    user.type(
        *("server", "create", "robinson", "--template", "cirros", "--type", "m1.tiny"),
        *("--network", "island", "--wait"),
    )
    address = user.type("address", "create", "--wait")["result"]["data"]["address"]
    (refused,) = user.type("address", "attach", address, "robinson", "--wait", code=1)["errors"]
    assert "no router connects network 'island'" in refused["detail"]
    user.type("server", "delete", "robinson", "--wait")
    project.user.call("DELETE", "network", f"/networks/{network}")


def test_what_a_lost_store_has_left_is_found_and_goes(user: User, project: Project) -> None:
    before = project.inventory()
    user.type(
        *("server", "create", "lost", "--count", "3", "--template", "cirros", "--type", "m1.tiny"),
        *("--network", "private", "--public-address", "--volume", "1", "--allow", "tcp/22"),
    )
    project.admin.until(lambda: bool(project.servers()))
    user.lose_everything()
    outside = project.ask("GET", "network", "/networks?router:external=true")["networks"][0]["id"]
    loose = project.ask("POST", "network", "/floatingips", {"floatingip": {"floating_network_id": outside}})[
        "floatingip"
    ]["id"]
    plain = project.ask(
        "POST", "network", "/ports", {"port": {"network_id": project.network_id, "name": "plain"}}
    )["port"]["id"]
    project.admin.until(lambda: all(one["status"] == "ACTIVE" for one in project.servers().values()))
    unused = user.orphans()
    assert {one["id"] for one in unused} == {loose, plain}
    assert {(one["why"], one["proposed"]) for one in unused} == {("UNUSED", True)}
    assert user.type("orphans", "clean", "--wait")["result"]["data"] == {}
    found = user.orphans("--foreign")
    print(f"left by a lost store: {dict(Counter(one['kind'] for one in found))}")
    assert {one["why"] for one in found} == {"UNUSED", "UNKNOWN_TASK"}
    assert user.type("orphans", "clean", found[-1]["id"], "--dry-run")["plan"]["calls"] == 2
    began = time.monotonic()
    ids = [one["id"] for one in found]
    cleaned = user.type("orphans", "clean", *ids, "--foreign", "--wait")
    told = {word: len(ones) for word, ones in cleaned["result"]["data"].items()}
    print(f"cleaned up in {time.monotonic() - began:.1f} s with {cleaned['calls']} calls: {told}")
    assert "kept" not in cleaned["result"]["data"]
    project.admin.until(lambda: project.inventory() == before)
    assert user.orphans("--foreign") == []
