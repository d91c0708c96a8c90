"""A cloud that repeats whatever it is sent: nothing of a secret stands in a record, an event, a log line or an answer."""

import base64
import io
import json
import logging
from collections.abc import Iterator
from urllib.parse import quote

import msgspec
import pytest
import structlog

from enamel import telemetry
from enamel.model import task
from enamel.model.errors import EnamelError
from tests.flows.after import After
from tests.flows.test_launch import WEB
from tests.flows.world import PASSWORD, World

ECHOES = ["raw", "json", "base64", "part", "url", "hex"]
SCRIPT = "#!/bin/sh\necho 'planted-5e21b8' | passwd --stdin root\n"
USER_DATA = base64.b64encode(SCRIPT.encode()).decode()
OPEN_SESAME = "open-sesame-2f81c4"


def traces(*secrets: str) -> set[str]:
    """Return what no text may contain: parts of secrets, in many encodings."""
    parts: set[str] = set()
    for secret in secrets:
        middle = secret[2:-2]
        parts |= {middle, quote(middle), json.dumps(middle)[1:-1], middle.encode().hex()}
        for before in range(3):
            encoded = base64.b64encode(b"x" * before + secret.encode()).decode()
            parts |= {encoded[at : at + 20] for at in range(4, len(encoded) - 24, 4)}
    return parts


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """The most talkative log."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    telemetry.set_up(json=True, level="DEBUG", stream=stream, lasting=False)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


async def silent(world: World, log: io.StringIO, after: After, *secrets: str) -> None:
    """Hold everything that is written or shown of a task to silence about secrets."""
    written = b"".join(path.read_bytes() for path in world.database.parent.glob("enamel.db*")).decode(
        "utf-8", "replace"
    )
    shown = msgspec.json.encode([after.task, after.items, after.events]).decode()
    for trace in traces(*secrets):
        assert trace not in shown
        assert trace not in written
        assert trace not in log.getvalue()
        assert trace not in repr(world.logs)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("echo", ECHOES)
async def test_user_data_that_a_cloud_repeats(world: World, log: io.StringIO, echo: str) -> None:
    world.fault({"service": "compute", "method": "POST", "body": "flavorRef"}, {"status": 400, "echo": echo})
    after = await world.run({**WEB, "user_data": USER_DATA})
    assert after.state is task.State.ABORTED and after.task.error is not None
    assert "***" in after.task.error.detail
    await silent(world, log, after, SCRIPT, USER_DATA)
    await world.check()


@pytest.mark.sampled(3)
@pytest.mark.parametrize("echo", ECHOES)
async def test_a_password_that_a_cloud_repeats(world: World, log: io.StringIO, echo: str) -> None:
    launched = await world.run(WEB)
    id = launched.task.servers[0].id
    assert id is not None
    world.fault(
        {"service": "compute", "method": "POST", "body": "changePassword"}, {"status": 400, "echo": echo}
    )
    after = await world.run(
        {"action": "UPDATE_PASSWORD", "password": OPEN_SESAME}, command="server.update_password", server=id
    )
    assert after.state is task.State.ABORTED
    await silent(world, log, after, OPEN_SESAME)


async def test_user_data_in_a_servers_fault(world: World, log: io.StringIO) -> None:
    """The fault is read by a watcher, for all who wait: the run whose secret it is blanks it."""
    encoded = base64.b64encode(f"ab{SCRIPT}".encode()).decode()
    world.fault({"kind": "server"}, {"error": f"cloud-init: {SCRIPT} {encoded}", "late": True})
    after = await world.run({**WEB, "user_data": USER_DATA})
    assert after.state is task.State.ABORTED
    await silent(world, log, after, SCRIPT, USER_DATA)


@pytest.mark.parametrize("echo", ECHOES)
async def test_credentials_that_keystone_repeats(world: World, log: io.StringIO, echo: str) -> None:
    world.cloud.keystone._access = None
    world.fault({"service": "identity", "method": "POST"}, {"status": 400, "echo": echo})
    with pytest.raises(EnamelError) as refused:
        await world.run(WEB)
    assert not any(trace in refused.value.detail for trace in traces(PASSWORD))
    assert not any(trace in log.getvalue() for trace in traces(PASSWORD))


async def test_the_rest_of_a_message_stays(world: World) -> None:
    world.fault(
        {"service": "compute", "method": "POST", "body": "flavorRef"},
        {"status": 400, "body": {"badRequest": {"message": f"Cannot read {USER_DATA} in user_data."}}},
    )
    after = await world.run({**WEB, "user_data": USER_DATA})
    assert after.task.error is not None
    assert "Cannot read ***" in after.task.error.detail and "in user_data." in after.task.error.detail
