"""The main job on a real OpenStack, through the HTTP API: what is asked for is there, and goes again without a trace."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.integration.lab import SMALL, Enamel, served
from tests.integration.project import Project
from tests.unit.commands import north

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]


# -- what is asked for is there


async def test_three_servers_with_everything_come_and_go(enamel: Enamel, project: Project) -> None:
    before = project.inventory()
    body = {
        **SMALL,
        "name": "web",
        "count": 3,
        "public_address": True,
        "volumes": [{"size_gb": 1}],
        "keypair": {"name": "me", "public_key": north.KEY},
        "allow": ["tcp/22"],
    }
    task = await enamel.launch(body)
    servers = project.servers()
    assert set(servers) == {"web-1", "web-2", "web-3"}
    addresses = {
        one["floating_ip_address"] for one in project.ask("GET", "network", "/floatingips")["floatingips"]
    }
    for told in task["result"]["servers"]:
        there = servers[told["hostname"]]
        assert there["status"] == "ACTIVE"
        assert there["key_name"] == "me"
        assert told["id"] == there["id"]
        assert told["public_address"] in addresses
        [port] = project.ask("GET", "network", f"/ports?device_id={there['id']}")["ports"]
        assert told["fixed_addresses"] == [one["ip_address"] for one in port["fixed_ips"]]
        assert len(port["security_groups"]) == 2
        [volume] = project.attached(there["id"])
        assert (volume["size"], volume["status"]) == (1, "in-use")
        assert told["volumes"] == [volume["id"]]
    assert len({told["public_address"] for told in task["result"]["servers"]}) == 3
    await enamel.revert(task)
    assert project.inventory() == before


async def test_equal_servers_with_addresses_take_one_boot(enamel: Enamel, project: Project) -> None:
    before = project.inventory()
    task = await enamel.launch({**SMALL, "name": "crowd", "count": 4, "public_address": True})
    assert {told["state"] for told in task["result"]["servers"]} == {"READY"}
    assert len({told["public_address"] for told in task["result"]["servers"]}) == 4
    _, found = await enamel.send("GET", f"/tasks/{task['id']}/items")
    assert len([one for one in found["items"] if one["kind"] == "server.boot"]) == 1
    await enamel.revert(task)
    assert project.inventory() == before


async def test_a_server_boots_from_a_volume_of_its_own(enamel: Enamel, project: Project) -> None:
    before = project.inventory()
    task = await enamel.launch({**SMALL, "name": "deep", "boot_volume": {"size_gb": 1}})
    server = project.servers()["deep"]
    [volume] = project.attached(server["id"])
    assert volume["bootable"] == "true"
    assert not server["image"]
    await enamel.revert(task)
    assert project.inventory() == before


async def test_two_servers_of_a_launch_may_differ(enamel: Enamel, project: Project) -> None:
    before = project.inventory()
    body = {
        "defaults": {**SMALL, "public_address": True},
        "servers": [
            {"hostname": "plain", "networks": [{"network": "private", "fixed_ip": "10.9.0.77"}]},
            {"hostname": "large", "type": "m1.small", "public_address": False, "volumes": [{"size_gb": 2}]},
        ],
    }
    task = await enamel.launch(body)
    plain, large = task["result"]["servers"]
    assert plain["fixed_addresses"] == ["10.9.0.77"]
    assert plain["public_address"] and not large["public_address"]
    servers = project.servers()
    assert servers["large"]["flavor"]["original_name"] == "m1.small"
    assert [volume["size"] for volume in project.attached(servers["large"]["id"])] == [2]
    assert project.attached(servers["plain"]["id"]) == []
    await enamel.revert(task)
    assert project.inventory() == before


# -- what cannot be is refused, and nothing is made


@pytest.mark.parametrize(
    ("service", "limits", "kind"),
    [
        ("compute", {"cores": 2}, "cores"),
        ("network", {"floatingip": 1}, "addresses"),
        ("volume", {"gigabytes": 2}, "gigabytes"),
    ],
    ids=["Nova's", "Neutron's", "Cinder's"],
)
async def test_a_full_quota_is_refused_with_its_numbers(
    enamel: Enamel, project: Project, service: str, limits: dict[str, int], kind: str
) -> None:
    before = project.inventory()
    body = {**SMALL, "name": "many", "count": 3, "public_address": True, "volumes": [{"size_gb": 1}]}
    with project.limited(service, **limits):
        status, error = await enamel.send("POST", "/servers", body)
    assert status == 403, error
    assert "quota_exceeded" in str(error)
    [free] = limits.values()
    assert f"3 {'cores' if kind == 'cores' else ''}".strip() in str(error)
    assert f"{free} free" in str(error)
    assert project.inventory() == before


async def test_an_image_that_is_too_big_is_refused(enamel: Enamel, project: Project) -> None:
    image = {"name": "giant", "disk_format": "raw", "container_format": "bare", "min_disk": 500}
    made = project.ask("POST", "image", "/images", image)
    project.user.call(
        "PUT",
        "image",
        f"/images/{made['id']}/file",
        data=b"x" * 512,
        headers={"Content-Type": "application/octet-stream"},
    )
    project.admin.later("DELETE", "image", f"/images/{made['id']}")
    before = project.inventory()
    status, error = await enamel.send("POST", "/servers", {**SMALL, "name": "big", "template": "giant"})
    assert status == 400, error
    assert "/template" in str(error)
    assert "needs 500 GB" in str(error)
    assert project.inventory() == before


async def test_a_name_that_is_taken_is_refused(enamel: Enamel, project: Project) -> None:
    task = await enamel.launch({**SMALL, "name": "one", "networks": "none"})
    status, error = await enamel.send("POST", "/servers", {**SMALL, "name": "one"})
    assert status == 409, error
    await enamel.revert(task)


async def test_a_wrong_password_is_told(project: Project, tmp_path: Path) -> None:
    async with served(project, tmp_path, cloud="locked-out") as locked:
        status, error = await locked.send("POST", "/servers", {**SMALL, "name": "x"})
    assert status in {401, 502}, error
    assert "unauthorized" in str(error)


# -- what fails on the way is rolled back, or moves on


@contextmanager
def closed(project: Project, zone: str) -> Iterator[None]:
    """Switch all hosts of a zone off for a moment."""
    hosts = [one for one in computes(project, zone) if one["status"] == "enabled"]
    try:
        for one in hosts:
            project.operate("PUT", "compute", f"/os-services/{one['id']}", {"status": "disabled"})
        yield
    finally:
        for one in hosts:
            project.operate("PUT", "compute", f"/os-services/{one['id']}", {"status": "enabled"})


@contextmanager
def full(project: Project, zone: str) -> Iterator[None]:
    """Take the room for more servers from all hosts of a zone for a moment."""
    hosts = {one["host"] for one in computes(project, zone)}
    listed = project.operate("GET", "placement", "/resource_providers")["resource_providers"]
    paths = [f"/resource_providers/{one['uuid']}/inventories/VCPU" for one in listed if one["name"] in hosts]
    assert paths
    before = {path: project.operate("GET", "placement", path) for path in paths}
    try:
        for path, had in before.items():
            project.operate("PUT", "placement", path, {**had, "reserved": had["total"]})
        yield
    finally:
        for path, had in before.items():
            now = project.operate("GET", "placement", path)
            project.operate("PUT", "placement", path, {**now, "reserved": had["reserved"]})


def computes(project: Project, zone: str) -> list[dict[str, Any]]:
    found = project.operate("GET", "compute", "/os-services?binary=nova-compute")["services"]
    return [one for one in found if one["zone"] == zone]


@pytest.mark.parametrize("lacking", [closed, full])
async def test_a_zone_without_a_host_is_left_for_the_next(
    enamel: Enamel, project: Project, lacking: Callable[[Project, str], AbstractContextManager[None]]
) -> None:
    body = {**SMALL, "name": "mover", "placement": "mine", "public_address": True}
    before = project.inventory()
    # The zones are remembered from here on, as they are when a zone fills up between two launches.
    status, foreseen = await enamel.send("POST", "/servers?dry_run=true", body)
    assert status == 200, foreseen
    with lacking(project, "az1"):
        task = await enamel.launch(body)
    [server] = task["result"]["servers"]
    assert server["placement"].endswith("/az2")
    assert server["public_address"]
    assert project.servers()["mover"]["OS-EXT-AZ:availability_zone"] == "az2"
    await enamel.revert(task)
    assert project.inventory() == before


async def test_a_volume_that_fails_takes_its_server_along(enamel: Enamel, project: Project) -> None:
    name = project.unique()
    wanted = {"name": name, "extra_specs": {"volume_backend_name": "nowhere"}}
    made = project.operate("POST", "volume", "/types", {"volume_type": wanted})["volume_type"]
    project.admin.later("DELETE", "volume", f"/types/{made['id']}")
    before = project.inventory()
    body = {
        **SMALL,
        "name": "doomed",
        "public_address": True,
        "allow": ["icmp"],
        "volumes": [{"size_gb": 1, "type": name}],
    }
    task = await enamel.end("POST", "/servers", body)
    assert task["state"] == "ABORTED"
    assert "volume" in task["error"]["detail"].lower()
    assert task["result"]["made"] == {}
    assert project.inventory() == before


async def test_a_cancelled_launch_leaves_nothing(enamel: Enamel, project: Project) -> None:
    before = project.inventory()
    body = {**SMALL, "name": "halt", "count": 3, "public_address": True, "volumes": [{"size_gb": 1}]}
    status, task = await enamel.send("POST", "/servers", body)
    assert status == 202, task
    for _ in range(300):
        if project.servers():
            break
        await asyncio.sleep(0.1)
    status, _ = await enamel.send("POST", f"/tasks/{task['id']}/cancel")
    assert status == 202
    while task["state"] in {"WAITING", "RUNNING"}:
        _, task = await enamel.send("GET", f"/tasks/{task['id']}?wait=60")
    assert task["state"] == "ABORTED"
    assert project.inventory() == before


# -- terminations


async def test_a_terminated_server_takes_along_what_was_made_for_it(enamel: Enamel, project: Project) -> None:
    before = project.inventory()
    body = {**SMALL, "name": "brief", "public_address": True, "allow": ["icmp"], "volumes": [{"size_gb": 1}]}
    task = await enamel.launch(body)
    [server] = task["result"]["servers"]
    status, foreseen = await enamel.send("DELETE", f"/servers/{server['id']}?dry_run=true")
    assert status == 200, foreseen
    assert len(project.servers()) == 1
    ended = await enamel.end("DELETE", f"/servers/{server['id']}")
    assert ended["state"] == "COMPLETED", ended["error"]
    assert project.inventory() == before


async def test_a_server_that_is_ended_alone_can_be_restored(enamel: Enamel, project: Project) -> None:
    before = project.inventory()
    task = await enamel.launch({**SMALL, "name": "back", "public_address": True})
    [server] = task["result"]["servers"]
    ended = await enamel.end("DELETE", f"/servers/{server['id']}?with=nothing")
    assert ended["state"] == "COMPLETED", ended["error"]
    kept = project.inventory()
    assert kept["restorable"] in ([server["id"]], [])
    assert len(kept["addresses"]) == 1
    await enamel.revert(task)
    assert project.inventory() == before
