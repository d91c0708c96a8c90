"""Every action on a real OpenStack, through the HTTP API: what Nova then says, and what it says of refusals."""

import asyncio
from typing import Any

import pytest

from tests.integration.lab import SMALL, Enamel
from tests.integration.project import Project

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]


async def act(enamel: Enamel, id: str, action: str, **fields: Any) -> Any:
    """Have something done to a server, and return the task at its successful end."""
    task = await enamel.end("POST", f"/servers/{id}/tasks", {"action": action, **fields})
    assert task["state"] == "COMPLETED", (action, task["error"])
    return task


async def test_a_server_goes_through_its_states(enamel: Enamel, project: Project) -> None:
    launched = await enamel.launch({**SMALL, "name": "actor"})
    id = launched["servers"][0]["id"]
    [port] = project.ask("GET", "network", f"/ports?device_id={id}")["ports"]
    for action, fields, status in (
        ("REBOOT", {}, "ACTIVE"),
        ("HARD_REBOOT", {}, "ACTIVE"),
        ("PAUSE", {}, "PAUSED"),
        ("UNPAUSE", {}, "ACTIVE"),
        ("SUSPEND", {}, "SUSPENDED"),
        ("RESUME", {}, "ACTIVE"),
        ("POWER_OFF", {}, "SHUTOFF"),
        ("POWER_ON", {}, "ACTIVE"),
        ("RESCUE", {"password": "not-to-be-seen"}, "RESCUE"),
        ("UNRESCUE", {}, "ACTIVE"),
        ("UPDATE_PASSWORD", {"password": "not-to-be-seen"}, "ACTIVE"),
        ("REBUILD", {"template": "cirros"}, "ACTIVE"),
        ("LOCK", {"reason": "a test"}, "ACTIVE"),
        ("UNLOCK", {}, "ACTIVE"),
        ("RESIZE", {"type": "m1.small"}, "ACTIVE"),
        ("RESIZE", {"type": "m1.tiny", "confirm": False}, "VERIFY_RESIZE"),
        ("REVERT_RESIZE", {}, "ACTIVE"),
        ("SHELVE", {}, "SHELVED_OFFLOADED"),
        ("UNSHELVE", {}, "ACTIVE"),
    ):
        task = await act(enamel, id, action, **fields)
        assert "not-to-be-seen" not in str(task)
        found = project.servers()["actor"]
        assert found["status"] == status, action
    assert found["flavor"]["original_name"] == "m1.small"
    assert [one["id"] for one in project.ask("GET", "network", f"/ports?device_id={id}")["ports"]] == [
        port["id"]
    ]
    _, told = await enamel.send("GET", f"/servers/{id}/tasks?limit=100")
    assert {one["origin"] for one in told["tasks"]} == {"ENAMEL"}
    await enamel.end("DELETE", f"/servers/{id}")


async def test_images_volumes_and_interfaces(enamel: Enamel, project: Project) -> None:
    launched = await enamel.launch({**SMALL, "name": "holder"})
    id = launched["servers"][0]["id"]
    taken = await act(enamel, id, "SNAPSHOT", name="holder-today")
    image = project.ask("GET", "image", f"/images/{taken['result']['data']['image_id']}")
    assert (image["name"], image["status"]) == ("holder-today", "active")
    backup = await act(enamel, id, "BACKUP", name="holder-monday", kind="daily", keep=1)
    attached = await act(enamel, id, "ATTACH_BLOCK_DEVICE", size_gb=1, name="holder-data")
    volume = attached["result"]["data"]["volume_id"]
    assert [one["id"] for one in project.attached(id)] == [volume]
    await act(enamel, id, "DETACH_BLOCK_DEVICE", volume="holder-data", delete=True)
    assert project.attached(id) == []
    plugged = await act(enamel, id, "ATTACH_NETWORK_INTERFACE", network="private")
    port = plugged["result"]["data"]["port_id"]
    there = project.ask("GET", "network", f"/ports?device_id={id}")["ports"]
    assert len(there) == 2 and port in {one["id"] for one in there}
    await act(enamel, id, "DETACH_NETWORK_INTERFACE", port=port)
    assert len(project.ask("GET", "network", f"/ports?device_id={id}")["ports"]) == 1
    for task in (taken, backup):
        await enamel.revert(task)
    await enamel.end("DELETE", f"/servers/{id}")


async def test_a_deleted_server_comes_back(enamel: Enamel, project: Project) -> None:
    launched = await enamel.launch({**SMALL, "name": "phoenix"})
    id = launched["servers"][0]["id"]
    gone = await enamel.end("POST", f"/servers/{id}/tasks", {"action": "TERMINATE", "with": "nothing"})
    assert gone["state"] == "COMPLETED", gone["error"]
    await act(enamel, id, "RESTORE")
    assert project.servers()["phoenix"]["status"] == "ACTIVE"
    await enamel.end("DELETE", f"/servers/{id}")


async def test_what_the_cloud_refuses_is_told_and_what_others_do_is_seen(
    enamel: Enamel, project: Project
) -> None:
    launched = await enamel.launch({**SMALL, "name": "seen"})
    id = launched["servers"][0]["id"]
    refused = await enamel.end("POST", f"/servers/{id}/tasks", {"action": "MOVE"})
    assert (refused["state"], refused["error"]["code"]) == ("ABORTED", "enamel.cloud.forbidden")
    status, error = await enamel.send("POST", f"/servers/{id}/tasks", {"action": "RESUME"})
    assert (status, error["errors"][0]["code"]) == (400, "enamel.request.action_impossible")
    # Nova tells the times of actions in whole seconds: within one, nobody knows which came first.
    await asyncio.sleep(1.1)
    project.ask("POST", "compute", f"/servers/{id}/action", {"lock": None})
    _, told = await enamel.send("GET", f"/servers/{id}/tasks")
    assert [(one["action"], one["origin"]) for one in told["tasks"]][:2] == [
        ("LOCK", "CLOUD"),
        ("MOVE", "ENAMEL"),
    ]
    _, shown = await enamel.send("GET", f"/servers/{id}")
    assert shown["locked"] and "UNLOCK" in shown["actions"] and "REBOOT" not in shown["actions"]
    await act(enamel, id, "UNLOCK")
    status, console = await enamel.send("GET", f"/servers/{id}/consoles/novnc")
    assert status == 200 and console["uri"].startswith("http")
    assert (await enamel.send("GET", f"/servers/{id}/diagnostics"))[0] == 403
    await enamel.end("DELETE", f"/servers/{id}")
