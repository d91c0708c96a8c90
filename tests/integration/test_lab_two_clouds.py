"""Two entries of one clouds.yaml on a real OpenStack, used through one service: each request goes where it says."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import real_cloud
from tests.integration import lab
from tests.integration.lab import ENTRY, Enamel
from tests.integration.project import Project

pytestmark = [pytest.mark.lab, pytest.mark.timeout(400)]

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB7dWwYDWGHDzHkFwlYc6J8hpSXx8R7j5w3f3vN3bNq1 two-clouds"
BOTH = ("mine", "theirs")


@pytest.fixture(scope="module")
def projects(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Project]]:
    """Two projects, each with a user of its own, and one clouds.yaml with an entry for each."""
    if not ENTRY:
        pytest.skip(real_cloud.NEEDED)
    place = tmp_path_factory.mktemp("clouds")
    made = {name: Project(ENTRY, file=place / f"{name}.yaml") for name in BOTH}
    entries = {
        name: yaml.safe_load(project.file.read_text())["clouds"]["mine"] for name, project in made.items()
    }
    (place / "clouds.yaml").write_text(yaml.safe_dump({"clouds": entries}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OS_CLIENT_CONFIG_FILE", str(place / "clouds.yaml"))
        yield made
    for project in made.values():
        project.remove()


@pytest.fixture
async def enamel(projects: dict[str, Project], tmp_path: Path) -> AsyncIterator[Enamel]:
    async with lab.served(projects["mine"], tmp_path, cloud=None) as up:
        yield up
    for project in projects.values():
        project.clean_up()


async def make(enamel: Enamel, cloud: str) -> tuple[str, str]:
    """Make a volume and an address on a cloud, and return their ids."""
    volume = await enamel.end("POST", f"/volumes?cloud={cloud}", {"name": f"data-{cloud}", "size_gb": 1})
    address = await enamel.end("POST", f"/addresses?cloud={cloud}", {})
    for task in (volume, address):
        assert task["state"] == "COMPLETED", task["error"]
        assert task["cloud"] == cloud
    return volume["result"]["made"]["volume"][0]["id"], address["result"]["made"]["address"][0]["id"]


async def listed(enamel: Enamel, noun: str, cloud: str) -> list[dict[str, Any]]:
    status, body = await enamel.send("GET", f"/{noun}?cloud={cloud}")
    assert status == 200, body
    records: list[dict[str, Any]] = body[noun]
    assert {record["cloud"] for record in records} <= {cloud}
    return records


async def test_each_cloud_has_its_own(enamel: Enamel, projects: dict[str, Project]) -> None:
    made = {cloud: await make(enamel, cloud) for cloud in BOTH}
    for cloud, other in (BOTH, BOTH[::-1]):
        volume, address = made[cloud]
        assert [record["id"] for record in await listed(enamel, "volumes", cloud)] == [volume]
        assert [record["id"] for record in await listed(enamel, "addresses", cloud)] == [address]
        assert projects[cloud].inventory()["volumes"] == [volume]
        for path in (f"/volumes/{volume}", f"/addresses/{address}"):
            assert (await enamel.send("GET", f"{path}?cloud={cloud}"))[0] == 200
            assert (await enamel.send("GET", f"{path}?cloud={other}"))[0] == 404
            assert (await enamel.send("DELETE", f"{path}?cloud={other}"))[0] == 404
    for cloud, (volume, address) in made.items():
        for path in (f"/volumes/{volume}", f"/addresses/{address}"):
            task = await enamel.end("DELETE", f"{path}?cloud={cloud}")
            assert task["state"] == "COMPLETED", task["error"]


async def test_quotas_keys_and_catalogues_of_each(enamel: Enamel, projects: dict[str, Project]) -> None:
    with projects["theirs"].limited("volume", volumes=3):
        for cloud, limit in (("mine", None), ("theirs", 3)):
            status, body = await enamel.send("GET", f"/quota?cloud={cloud}")
            assert (status, body["cloud"]) == (200, cloud)
            assert limit is None or body["quota"]["volumes"]["limit"] == limit
        key = {"name": "two-clouds", "public_key": KEY}
        assert (await enamel.send("POST", "/keypairs?cloud=theirs", key))[0] == 201
        assert [one["name"] for one in await listed(enamel, "keypairs", "theirs")] == ["two-clouds"]
        assert await listed(enamel, "keypairs", "mine") == []
        for noun in ("templates", "networks", "server_types"):
            assert await listed(enamel, noun, "theirs")
        assert [one["name"] for one in await listed(enamel, "networks", "theirs")].count("private") == 1


async def test_orphans_and_servers_of_each(enamel: Enamel, projects: dict[str, Project]) -> None:
    body = {"name": "web", **lab.SMALL, "networks": ["private"]}
    task = await enamel.end("POST", "/servers?cloud=theirs", body)
    assert task["state"] == "COMPLETED", task["error"]
    assert set(projects["theirs"].servers()) == {"web"}
    assert projects["mine"].servers() == {}
    server = task["servers"][0]["id"]
    assert (await enamel.send("GET", f"/servers/{server}?cloud=mine"))[0] == 404
    status, found = await enamel.send("GET", f"/servers/{server}")
    assert (status, found["cloud"]) == (200, "theirs")
    for cloud in BOTH:
        status, body = await enamel.send("GET", f"/orphans?cloud={cloud}")
        assert status == 200, body
    ended = await enamel.end("DELETE", f"/servers/{server}?cloud=theirs")
    assert ended["state"] == "COMPLETED", ended["error"]


async def test_a_cloud_that_is_not_configured_is_named(enamel: Enamel) -> None:
    for method, path in (("GET", "/volumes"), ("POST", "/servers"), ("DELETE", "/keypairs/none")):
        status, body = await enamel.send(method, f"{path}?cloud=nowhere", {} if method == "POST" else None)
        assert status == 400, body
        assert "nowhere" in body["errors"][0]["detail"]
