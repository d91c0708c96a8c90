"""A face over another protocol, on the services of `bootstrap`, with the built-in cloud behind them."""

import ast
import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from enamel import bootstrap
from enamel.conf import settings as conf
from enamel.sandbox import kernel
from tests.unit.service import line_face

QUICK = kernel.Settings(boot_seconds=(0.01, 0.03), pace=0.03, guests=False)
WEB = {"name": "web", "template": "cirros", "type": "m1.tiny"}


class Client:
    """Sends lines and reads what comes back."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def say(self, **line: Any) -> dict[str, Any]:
        """Send a line and return the answer."""
        return (await self.hear(**line))[-1]

    async def hear(self, **line: Any) -> list[dict[str, Any]]:
        """Send a line and return all lines that it brings, up to the answer."""
        self._writer.write(json.dumps(line).encode() + b"\n")
        lines = [json.loads(await self._reader.readline())]
        while not lines[-1].keys() & {"ok", "error"}:
            lines.append(json.loads(await self._reader.readline()))
        return lines


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    settings = conf.up({}, data=tmp_path, port=0, sandbox=True)
    async with (
        bootstrap.up(settings, sandbox=QUICK) as running,
        line_face.served(running.services) as port,
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        yield Client(reader, writer)
        writer.close()


def test_a_face_needs_the_service_layer_and_the_model_alone() -> None:
    source = Path(line_face.__file__).read_text(encoding="utf-8")
    imported = {node.module or "" for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom)}
    own = {module.split(".")[1] for module in imported if module.startswith("enamel.")}
    assert own == {"model", "service"}
    assert len(source.splitlines()) < 300


async def test_a_launch_is_followed_to_its_end(client: Client) -> None:
    plan = await client.say(do="launch", body=WEB, dry_run=True)
    assert [node["kind"] for node in plan["ok"]["plan"]["steps"]][-1].startswith("server.")
    task = (await client.say(do="launch", body=WEB, key="once"))["ok"]
    assert (await client.say(do="launch", body=WEB, key="once"))["ok"]["id"] == task["id"]
    ended = (await client.say(do="wait", id=task["id"], seconds=30))["ok"]
    assert (ended["state"], ended["type"]) == ("COMPLETED", "server.create")
    events = await client.hear(do="follow", id=task["id"])
    assert [events[0]["type"], events[-2]["type"], events[-1]] == [
        "task.accepted",
        "task.completed",
        {"ok": None},
    ]
    [server] = (await client.say(do="list", noun="servers"))["ok"]["entries"]
    assert (server["hostname"], server["cloud"], server["virt_state"]) == ("web", "sandbox", "ACTIVE")
    stopped = (await client.say(do="act", id=server["id"], body={"action": "POWER_OFF"}))["ok"]
    assert (await client.say(do="wait", id=stopped["id"], seconds=30))["ok"]["state"] == "COMPLETED"
    shown = await client.say(do="get", noun="servers", id=server["id"], fresh=True)
    assert shown["ok"]["virt_state"] == "STOPPED"


async def test_a_second_cloud_is_reached_by_its_name(client: Client) -> None:
    request = {"command": "volume.create", "body": {"name": "disk", "size_gb": 1}, "cloud": "sandbox-other"}
    task = (await client.say(do="submit", **request))["ok"]
    assert (await client.say(do="wait", id=task["id"], seconds=30))["ok"]["state"] == "COMPLETED"
    assert (await client.say(do="list", noun="volumes"))["ok"]["entries"] == []
    [volume] = (await client.say(do="list", noun="volumes", cloud="sandbox-other"))["ok"]["entries"]
    found = await client.say(do="get", noun="volumes", id=volume["id"])
    assert found["ok"] == volume


async def test_errors_say_the_same_as_on_other_faces(client: Client) -> None:
    missing = (await client.say(do="launch", body={}))["error"]
    assert missing["code"] == "enamel.request.invalid"
    assert "/name" in [fault["pointer"] for fault in missing["faults"]]
    assert (await client.say(do="list", noun="volumes", cloud="mars"))["error"]["faults"][0][
        "pointer"
    ] == "?cloud"
    for line in ({"do": "wait", "id": "x"}, {"do": "get", "noun": "servers", "id": "i-0abc"}, {"do": "list"}):
        assert (await client.say(**line))["error"]["code"] == "enamel.request.not_found"
    assert (await client.say(do="dance"))["error"]["faults"][0]["pointer"] == "/do"
