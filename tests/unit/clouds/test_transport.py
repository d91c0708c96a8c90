"""What is sent, how often, and what the answers mean."""

import asyncio
import socket
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from enamel.clouds.calls import context, record
from enamel.clouds.calls.timeouts import Timeouts
from enamel.clouds.openstack import cloud as openstack
from enamel.clouds.openstack import transport
from enamel.model import cloud
from enamel.model.call_context import CallContext
from enamel.model.errors import (
    CloudBusy,
    CloudThrottled,
    CloudUnauthorized,
    CloudUnreachable,
    OutcomeUnknown,
)
from tests.unit.clouds.stage import Dawdle, Drop, Say, Stage, cloud_on

PORTS = "/network/v2.0/ports"
ID = "00000000-0000-4000-8000-000000000001"
KEYPAIRS = "/compute/v2.1/os-keypairs"
NOTHING = Say(body={"ports": []})
HTML = "<html><head><title>502 Bad Gateway</title></head><body><center>nginx</center></body></html>"
MADE = Say(status=201, body={"keypair": {"name": "me", "public_key": "ssh-ed25519 AAAA", "fingerprint": "f"}})


async def make(there: openstack.OpenStackCloud) -> cloud.Keypair:
    return await there.create_keypair("me", public_key="ssh-ed25519 AAAA")


@pytest.mark.parametrize(
    "trouble",
    [
        Say(status=500, body={"computeFault": {"message": "Unexpected API Error.", "code": 500}}),
        Say(status=502, body=HTML, headers={"Content-Type": "text/html"}),
        Say(status=503, body=""),
        Say(status=429, body={"overLimit": {"message": "slow down"}}, headers={"Retry-After": "0"}),
        Say(body='{"ports": [{"id": "1", "netw'),
        Say(body="<html>Welcome to nginx!</html>"),
        Say(body={"doors": []}),
        Drop(),
        Drop(begin_with=b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"),
    ],
    ids=[
        "500",
        "502 html",
        "503",
        "429",
        "truncated",
        "html",
        "other shape",
        "dropped",
        "dropped in the answer",
    ],
)
async def test_a_read_is_repeated(stage: Stage, there: openstack.OpenStackCloud, trouble: Say) -> None:
    stage.on("GET", PORTS, trouble, trouble, NOTHING)
    assert await there.ports_marked("m") == []
    assert stage.count("GET", PORTS) == 3


@pytest.mark.parametrize(
    "trouble",
    [
        Say(status=500, body={"computeFault": {"message": "Unexpected API Error.", "code": 500}}),
        Say(status=502, body=HTML),
        Say(status=503, body="no server is available"),
        Say(status=504, body=HTML),
        Say(status=201, body='{"keypair": {"name'),
        Say(status=200, body="<html>Welcome to nginx!</html>"),
        Drop(),
        Drop(begin_with=b"HTTP/1.1 201 Created\r\nContent-Length: 500\r\n\r\n{"),
    ],
    ids=["500", "502", "503", "504", "truncated", "html", "dropped", "dropped in the answer"],
)
async def test_a_write_without_usable_answer_is_sent_once(
    stage: Stage, there: openstack.OpenStackCloud, trouble: Say
) -> None:
    stage.on("POST", KEYPAIRS, trouble)
    with pytest.raises(OutcomeUnknown) as caught:
        await make(there)
    assert stage.count("POST", KEYPAIRS) == 1
    assert caught.value.cloud == "stage"
    assert "/os-keypairs" in caught.value.detail


@pytest.mark.parametrize(
    "refusal",
    [
        Say(status=503, body="maintenance", headers={"Retry-After": "0"}),
        Say(status=429, body="slow down", headers={"Retry-After": "0"}),
        Say(status=429, body="slow down"),
        Say(
            status=413,
            body={"overLimit": {"message": "This request was rate-limited."}},
            headers={"Retry-After": "0.01"},
        ),
        Say(status=503, body="The Keystone service is temporarily unavailable."),
    ],
    ids=["503", "429", "429 without a time", "413", "Keystone is down"],
)
async def test_a_write_that_the_cloud_did_not_take_is_repeated(
    stage: Stage, there: openstack.OpenStackCloud, refusal: Say
) -> None:
    stage.on("POST", KEYPAIRS, refusal, MADE)
    assert (await make(there)).fingerprint == "f"
    assert stage.count("POST", KEYPAIRS) == 2


async def test_retry_after_may_be_a_date(stage: Stage, there: openstack.OpenStackCloud) -> None:
    past = format_datetime(datetime.now(UTC) - timedelta(minutes=1), usegmt=True)
    stage.on("POST", KEYPAIRS, Say(status=429, headers={"Retry-After": past}), MADE)
    assert (await make(there)).name == "me"


@pytest.mark.parametrize(("status", "error"), [(429, CloudThrottled), (503, CloudBusy)])
async def test_nobody_waits_for_an_hour(
    stage: Stage, there: openstack.OpenStackCloud, status: int, error: type[Exception]
) -> None:
    stage.on("GET", PORTS, Say(status=status, headers={"Retry-After": "3600"}))
    with pytest.raises(error) as caught:
        await asyncio.wait_for(there.ports_marked("m"), 30)
    assert caught.value.data["retry_after"] == 3600  # type: ignore[attr-defined]
    assert stage.count("GET", PORTS) == 1


async def test_patience_ends(stage: Stage, there: openstack.OpenStackCloud) -> None:
    stage.on("GET", PORTS, Say(status=502, body=HTML))
    with pytest.raises(CloudUnreachable, match="502 Bad Gateway"):
        await there.ports_marked("m")
    assert stage.count("GET", PORTS) == 4


async def test_a_write_that_never_left_is_repeated_and_not_unknown(stage: Stage, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{free.getsockname()[1]}/v2.1"
    async with cloud_on(stage, tmp_path, compute_endpoint_override=closed) as there:
        with record.calls() as calls, pytest.raises(CloudUnreachable, match="gave no answer"):
            await make(there)
    assert [(call.method, call.status) for call in calls if call.service == "compute"] == [("POST", 0)] * 4


async def test_a_service_that_refuses_connections_is_tried_by_one_for_all(
    stage: Stage, tmp_path: Path
) -> None:
    timeouts = Timeouts(tries=4, first_pause=0.005, longest_pause=0.02)
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        port = door.getsockname()[1]
    override = f"http://127.0.0.1:{port}/network/v2.0"
    async with cloud_on(stage, tmp_path, timeouts=timeouts, network_endpoint_override=override) as there:
        with record.calls() as calls:
            context.use(CallContext(task="t"))
            asked = [asyncio.create_task(there.ports_named([f"m{number}"])) for number in range(40)]
            gate = there.pace.gate("network")
            while gate.budget.limit > 1:
                await asyncio.sleep(0.001)
            assert gate.last_complaint is not None
            assert gate.last_complaint.trouble.value == "no answer"
            ended = await asyncio.gather(*asked, return_exceptions=True)
    assert all(isinstance(one, CloudUnreachable) for one in ended)
    tried = [call.status for call in calls if call.service == "network"]
    assert set(tried) == {0} and len(tried) < 32 + 20, "one finds it out for all who stand in line"
    assert not any(gate.waiting.values()) and gate.inside == 0


@pytest.mark.parametrize("trouble", [Drop(), Say(status=500, body="oops")])
async def test_a_deletion_is_repeated_and_gone_is_deleted(
    stage: Stage, there: openstack.OpenStackCloud, trouble: Say
) -> None:
    stage.on(
        "DELETE", f"{PORTS}/{ID}", trouble, Say(status=404, body={"NeutronError": {"type": "PortNotFound"}})
    )
    await there.delete_port(ID)
    assert stage.count("DELETE", f"{PORTS}/{ID}") >= 2


async def test_a_slow_read_ends(stage: Stage, tmp_path: Path) -> None:
    timeouts = Timeouts(tries=2, first_pause=0.001, read=0.05)
    stage.on("GET", PORTS, Dawdle(5.0, NOTHING), NOTHING)
    async with cloud_on(stage, tmp_path, timeouts=timeouts) as there:
        assert await there.ports_marked("m") == []


async def test_a_slow_write_is_unknown(stage: Stage, tmp_path: Path) -> None:
    stage.on("POST", KEYPAIRS, Dawdle(5.0, MADE))
    async with cloud_on(stage, tmp_path, timeouts=Timeouts(write=0.05)) as there:
        with pytest.raises(OutcomeUnknown, match="no answer in time"):
            await make(there)
    assert stage.count("POST", KEYPAIRS) == 1


async def test_a_token_that_expires_in_the_middle_is_replaced_once(
    stage: Stage, there: openstack.OpenStackCloud
) -> None:
    stage.on("GET", PORTS, NOTHING)
    stage.on("POST", KEYPAIRS, MADE)
    await there.ports_marked("m")
    stage.good.clear()
    await asyncio.gather(*(there.ports_named([f"m{n}"]) for n in range(20)), make(there))
    assert stage.tokens == 2


async def test_a_cloud_that_takes_no_token_at_all_says_so(
    stage: Stage, there: openstack.OpenStackCloud
) -> None:
    stage.on(
        "GET", PORTS, Say(status=401, body={"error": {"message": "The request requires authentication."}})
    )
    with pytest.raises(CloudUnauthorized, match="requires authentication"):
        await there.ports_marked("m")
    assert stage.count("GET", PORTS) == transport.RENEWALS + 1


async def test_every_try_is_on_the_record_and_no_secret_is(
    stage: Stage, there: openstack.OpenStackCloud
) -> None:
    stage.on("GET", PORTS, Say(status=500), NOTHING)
    context.use(CallContext(request_id="req-11111111-1111-4111-8111-111111111111"))
    with record.calls() as calls:
        await there.ports_marked("enamel:task/step")
    assert [(call.service, call.method, call.path, call.status) for call in calls] == [
        ("identity", "POST", "/v3/auth/tokens", 201),
        ("network", "GET", "/network/v2.0/ports?description=enamel%3Atask%2Fstep", 500),
        ("network", "GET", "/network/v2.0/ports?description=enamel%3Atask%2Fstep", 200),
    ]
    assert calls[1].request_id == "req-2"
    assert stage.asked[-1].headers["X-Openstack-Request-Id"] == "req-11111111-1111-4111-8111-111111111111"
    assert "gAAAA" not in str(calls) and "sesame" not in str(calls)


async def test_secrets_of_an_answer_are_not_told(stage: Stage, there: openstack.OpenStackCloud) -> None:
    stage.on(
        "POST", KEYPAIRS, lambda asked: Say(status=400, body=f"bad token {asked.headers['X-Auth-Token']}!")
    )
    with pytest.raises(Exception, match=r"bad token \*\*\*!"):
        await make(there)


async def test_a_pause_that_one_was_asked_for_is_kept_by_all(
    stage: Stage, there: openstack.OpenStackCloud
) -> None:
    asked = asyncio.Event()

    def slow_down(request: object) -> Say:
        asked.set()
        return Say(status=429, headers={"Retry-After": "0.2"})

    stage.on("GET", PORTS, slow_down, NOTHING)
    first = asyncio.create_task(there.ports_named(["first"]))
    await asked.wait()
    await asyncio.sleep(0.02)
    others = [asyncio.create_task(there.ports_named([f"m{n}"])) for n in range(5)]
    await asyncio.sleep(0.02)
    assert stage.count("GET", PORTS) == 1
    await asyncio.gather(first, *others)
    assert stage.count("GET", PORTS) == 7
