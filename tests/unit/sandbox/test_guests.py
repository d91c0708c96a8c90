"""Running servers answer on their public addresses."""

import asyncio
import base64
import contextlib
import socket

import pytest

from enamel.sandbox import guests, serve

NETWORK = "/network/v2.0"


async def until(condition):
    for _ in range(500):
        value = await condition()
        if value:
            return value
        await asyncio.sleep(0.01)
    pytest.fail("did not come true")


async def reachable(address, port):
    try:
        _, writer = await asyncio.open_connection(address, port)
    except OSError:
        return b""
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return b"yes"


@pytest.fixture
async def open_port():
    with socket.create_server(("127.0.0.1", 0)) as held:
        return held.getsockname()[1]


async def boot_with_address(client, *ports):
    public = (await client.call("GET", f"{NETWORK}/networks?name=public")).body["networks"][0]["id"]
    private = (await client.call("GET", f"{NETWORK}/networks?name=private")).body["networks"][0]["id"]
    group = (await client.call("POST", f"{NETWORK}/security-groups", {"security_group": {"name": "g"}})).body
    group_id = group["security_group"]["id"]
    for port in ports:
        rule = {
            "security_group_id": group_id,
            "direction": "ingress",
            "protocol": "tcp",
            "port_range_min": port,
            "port_range_max": port,
            "ethertype": "IPv4",
        }
        answer = await client.call("POST", f"{NETWORK}/security-group-rules", {"security_group_rule": rule})
        assert answer.status == 201, answer.body
    wish = {"port": {"network_id": private, "security_groups": [group_id]}}
    port_id = (await client.call("POST", f"{NETWORK}/ports", wish)).body["port"]["id"]
    wish = {"floatingip": {"floating_network_id": public, "port_id": port_id}}
    address = (await client.call("POST", f"{NETWORK}/floatingips", wish)).body["floatingip"]
    server = await client.boot(networks=[{"port": port_id}])
    return server, address


async def test_a_running_server_answers_until_it_stops(client, open_port):
    server, address = await boot_with_address(client, open_port)
    place = (address["floating_ip_address"], open_port)
    assert place[0].startswith(f"127.{client.sandbox.cloud.settings.block}.")

    async def answers():
        return await reachable(*place)

    async def silent():
        return not await reachable(*place)

    await until(answers)
    action = f"/compute/v2.1/servers/{server}/action"
    await client.call("POST", action, {"os-stop": None})
    await until(silent)
    await client.call("POST", action, {"os-start": None})
    await until(answers)
    path = f"{NETWORK}/floatingips/{address['id']}"
    await client.call("PUT", path, {"floatingip": {"port_id": None}})
    await until(silent)


async def test_a_deleted_server_is_silent(client, open_port):
    server, address = await boot_with_address(client, open_port)
    place = (address["floating_ip_address"], open_port)

    async def answers():
        return await reachable(*place)

    async def silent():
        return not await reachable(*place)

    await until(answers)
    await client.call("DELETE", f"/compute/v2.1/servers/{server}")
    await until(silent)
    assert client.sandbox.cloud.guests.listening(server) == []


async def test_port_2222_greets_like_ssh(client):
    _, address = await boot_with_address(client, guests.SSH_PORT)

    async def greeting():
        try:
            reader, writer = await asyncio.open_connection(address["floating_ip_address"], guests.SSH_PORT)
        except OSError:
            return b""
        line = await reader.readline()
        writer.close()
        return line

    assert (await until(greeting)).startswith(b"SSH-2.0-")


async def test_the_console_tells_the_host_keys(client):
    server = await client.boot()
    path = f"/compute/v2.1/servers/{server}"

    async def output():
        answer = await client.call("POST", f"{path}/action", {"os-getConsoleOutput": {}})
        return answer.body.get("output")

    lines = (await until(output)).splitlines()
    begin = lines.index("-----BEGIN SSH HOST KEY KEYS-----")
    key = lines[begin + 1]
    assert key.startswith("ssh-ed25519 AAAA")
    body = base64.b64decode(key.split()[1])
    assert body[4:15] == b"ssh-ed25519"
    assert len(body) == 4 + 11 + 4 + 32


async def test_two_clouds_on_one_machine_do_not_answer_for_each_other():
    async with serve.running() as first, serve.running() as other:
        assert first.cloud.settings.block != other.cloud.settings.block
