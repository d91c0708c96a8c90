"""A cloud that soft-deletes servers."""

import asyncio

import pytest

from enamel.sandbox import kernel

SERVERS = "/compute/v2.1/servers"


@pytest.fixture
def settings():
    return kernel.Settings(boot_seconds=(0.01, 0.02), pace=0.02, reclaim_seconds=60, quotas={"instances": 1})


async def becomes(client, server, status):
    for _ in range(500):
        answer = await client.call("GET", f"{SERVERS}/{server}")
        reached = answer.body["server"]["status"] if answer.status == 200 else "gone"
        if reached == status:
            return answer.body
        await asyncio.sleep(0.01)
    return pytest.fail(f"is not {status}")


async def softly_deleted(client):
    private = (await client.call("GET", "/network/v2.0/networks?name=private")).body["networks"][0]["id"]
    server = await client.boot(networks=[{"uuid": private}])
    await becomes(client, server, "ACTIVE")
    assert (await client.call("DELETE", f"{SERVERS}/{server}")).status == 204
    await becomes(client, server, "SOFT_DELETED")
    return server


async def test_a_deleted_server_keeps_its_ports_and_is_in_no_list(client):
    server = await softly_deleted(client)
    assert (await client.call("GET", SERVERS)).body["servers"] == []
    ports = (await client.call("GET", f"/network/v2.0/ports?device_id={server}")).body["ports"]
    assert len(ports) == 1


async def test_restore(client):
    server = await softly_deleted(client)
    assert (await client.call("POST", f"{SERVERS}/{server}/action", {"restore": None})).status == 202
    await becomes(client, server, "ACTIVE")


async def test_no_restore_into_a_full_quota(client):
    server = await softly_deleted(client)
    await client.boot("another")
    answer = await client.call("POST", f"{SERVERS}/{server}/action", {"restore": None})
    assert answer.status == 403
    assert answer.body["forbidden"]["message"].startswith("Quota exceeded for instances")


async def test_force_delete(client):
    server = await softly_deleted(client)
    assert (await client.call("POST", f"{SERVERS}/{server}/action", {"forceDelete": None})).status == 202
    await becomes(client, server, "gone")
    assert (await client.call("GET", f"/network/v2.0/ports?device_id={server}")).body["ports"] == []


async def test_reclaimed_after_its_time(client):
    await client.call("POST", "/sandbox/settings", {"reclaim_seconds": 0.05})
    server = await softly_deleted(client)
    await becomes(client, server, "gone")


async def test_a_server_that_never_ran_is_deleted_at_once(client):
    await client.call("POST", "/sandbox/settings", {"boot_seconds": [60, 60]})
    server = await client.boot()
    assert (await client.call("DELETE", f"{SERVERS}/{server}")).status == 204
    await becomes(client, server, "gone")
