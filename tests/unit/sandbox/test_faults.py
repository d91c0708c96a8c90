"""Fault rules of the sandbox."""

import asyncio
from email.utils import parsedate_to_datetime

import aiohttp
import pytest

from enamel.sandbox import faults

SERVERS = "/compute/v2.1/servers"


async def add(client, match, then):
    answer = await client.call("POST", "/sandbox/faults", {"match": match, "then": then})
    assert answer.status == 201, answer.body
    return answer.body["faults"][0]["id"]


async def count(client):
    return len((await client.call("GET", SERVERS)).body["servers"])


async def test_a_status_once_then_behaves_again(client):
    await add(
        client, {"service": "compute", "method": "GET", "path": "/v2.1/servers", "times": 1}, {"status": 503}
    )
    broken = await client.call("GET", SERVERS)
    assert broken.status == 503
    assert broken.body["serviceUnavailable"]["code"] == 503
    assert (await client.call("GET", SERVERS)).status == 200


async def test_only_the_second_match(client):
    await add(client, {"path": "/v2.1/servers", "after": 1, "times": 1}, {"status": 500})
    statuses = [(await client.call("GET", SERVERS)).status for _ in range(3)]
    assert statuses == [200, 500, 200]


async def test_a_path_may_be_a_regular_expression(client):
    await add(client, {"path": "/v2.1/servers/.*"}, {"status": 502, "html": True})
    answer = await client.call("GET", f"{SERVERS}/x")
    assert answer.status == 502
    assert answer.body.startswith("<html>")
    assert (await client.call("GET", SERVERS)).status == 200


async def test_an_action_can_be_picked_by_its_body(client):
    server = await client.boot()
    await add(client, {"method": "POST", "body": "os-stop"}, {"status": 500})
    assert (await client.call("POST", f"{SERVERS}/{server}/action", {"os-stop": None})).status == 500
    assert (await client.call("POST", f"{SERVERS}/{server}/action", {"lock": None})).status == 202


@pytest.mark.parametrize(("when", "made"), [("before", 0), ("after", 1)])
async def test_a_dropped_connection_before_or_after_the_effect(client, when, made):
    flavor = (await client.call("GET", "/compute/v2.1/flavors")).body["flavors"][0]["id"]
    image = (await client.call("GET", "/image/v2/images")).body["images"][0]["id"]
    wish = {"name": "web", "flavorRef": flavor, "imageRef": image, "networks": "none"}
    await add(client, {"method": "POST", "path": "/v2.1/servers"}, {"drop": when})
    with pytest.raises((aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)):
        await client.call("POST", SERVERS, {"server": wish})
    assert await count(client) == made


async def test_an_error_after_the_effect(client):
    await add(client, {"method": "POST", "path": "/v2.1/servers"}, {"status": 504, "effect": True})
    with pytest.raises(AssertionError):
        await client.boot()
    assert await count(client) == 1


async def test_a_truncated_body(client):
    await add(client, {"path": "/v2.1/flavors"}, {"truncate": 10})
    with pytest.raises(aiohttp.ClientPayloadError):
        await client.call("GET", "/compute/v2.1/flavors")


async def test_retry_after_as_a_date(client):
    await add(client, {"path": "/v2.1/servers"}, {"status": 429, "headers": {"Retry-After": "date:+30"}})
    answer = await client.call("GET", SERVERS)
    assert answer.status == 429
    assert answer.body["overLimit"]["code"] == 429
    until = parsedate_to_datetime(answer.headers["Retry-After"])
    assert 28 <= (until - parsedate_to_datetime(answer.headers["Date"])).total_seconds() <= 31


async def test_a_body_of_lies(client):
    await add(client, {"path": "/v2.1/servers"}, {"body": '{"servers": ['})
    with pytest.raises(ValueError, match="Expecting value"):
        await client.call("GET", SERVERS)


async def test_latency_from_a_range(client):
    await add(client, {"path": "/v2.1/servers"}, {"latency": [0.001, 0.002]})
    assert (await client.call("GET", SERVERS)).status == 200


async def test_a_call_is_held_until_its_rule_is_removed(client):
    rule = await add(client, {"method": "POST", "path": "/v2.1/servers"}, {"hold": True})
    booting = asyncio.create_task(client.boot())
    while not any(call.fault for call in client.sandbox.cloud.calls.log):
        await asyncio.sleep(0.01)
    assert await count(client) == 0 and not booting.done()
    assert (await client.call("DELETE", f"/sandbox/faults/{rule}")).status == 204
    await booting
    assert await count(client) == 1


async def test_a_list_forgets_a_server_once(client):
    await client.boot("web-1")
    await client.boot("web-2")
    await add(client, {"path": "/v2.1/servers", "times": 1}, {"omit": "^web-1$"})
    names = [server["name"] for server in (await client.call("GET", SERVERS)).body["servers"]]
    assert names == ["web-2"]
    assert await count(client) == 2


async def test_a_list_with_one_record_more_and_others_that_are_changed(client):
    await client.boot("web-1")
    changes = {"servers.0.name": None, "servers.*.links": 5, "servers.9.name": "x", "nothing.at": 1}
    await add(client, {"path": "/v2.1/servers"}, {"add": {"servers": {"id": 7}}, "change": changes})
    first, odd = (await client.call("GET", SERVERS)).body["servers"]
    assert (first["name"], first["links"]) == (None, 5)
    assert odd == {"id": 7, "links": 5}


async def test_a_stale_list(client):
    rule = await add(client, {"path": "/v2.1/servers", "method": "GET"}, {"stale": True})
    assert await count(client) == 0
    await client.boot()
    assert await count(client) == 0
    assert (await client.call("DELETE", f"/sandbox/faults/{rule}")).status == 204
    assert await count(client) == 1


async def settled(client, server):
    for _ in range(500):
        body = (await client.call("GET", f"{SERVERS}/{server}")).body["server"]
        if body["status"] != "BUILD":
            return body
        await asyncio.sleep(0.01)
    return pytest.fail("still building")


async def test_a_server_that_falls_into_error(client):
    await add(client, {"kind": "server", "name": "^web-2$"}, {})
    first, second = await client.boot("web-1"), await client.boot("web-2")
    assert (await settled(client, first))["status"] == "ACTIVE"
    broken = await settled(client, second)
    assert broken["status"] == "ERROR"
    assert broken["fault"]["message"] == faults.NO_HOST
    assert broken["fault"]["code"] == 500


async def test_a_server_that_fails_late_frees_what_it_held(client):
    private = (await client.call("GET", "/network/v2.0/networks?name=private")).body["networks"][0]["id"]
    await add(client, {"kind": "server", "times": 1}, {"late": True, "error": "the disk is on fire"})
    server = await client.boot(networks=[{"uuid": private}])
    broken = await settled(client, server)
    assert broken["fault"]["message"] == f"Build of instance {server} aborted: the disk is on fire"
    assert broken["hostId"]
    assert (await client.call("GET", f"/network/v2.0/ports?device_id={server}")).body["ports"] == []


async def test_a_zone_without_hosts(client):
    await add(client, {"kind": "server", "zone": "az1"}, {})
    elsewhere = await settled(client, await client.boot("there", availability_zone="az1"))
    anywhere = await settled(client, await client.boot("anywhere"))
    assert elsewhere["status"] == "ERROR"
    assert (anywhere["status"], anywhere["OS-EXT-AZ:availability_zone"]) == ("ACTIVE", "az2")


async def test_rules_are_listed_with_their_hits_and_cleared(client):
    await add(client, {"path": "/v2.1/servers", "times": 1}, {"status": 500})
    for _ in range(3):
        await client.call("GET", SERVERS)
    (rule,) = (await client.call("GET", "/sandbox/faults")).body["faults"]
    assert (rule["seen"], rule["hits"]) == (3, 1)
    assert (await client.call("DELETE", "/sandbox/faults")).status == 204
    assert (await client.call("GET", "/sandbox/faults")).body == {"faults": []}


@pytest.mark.parametrize(
    "rule",
    [
        {"then": {"statuss": 500}},
        {"match": {"path": "("}, "then": {"status": 500}},
        {"then": {"drop": "maybe"}},
        "nonsense",
    ],
)
async def test_a_rule_that_makes_no_sense(client, rule):
    answer = await client.call("POST", "/sandbox/faults", rule)
    assert answer.status == 400
    assert answer.body["error"].startswith("This is not a fault rule: ")


async def test_rules_from_a_file(tmp_path):
    path = tmp_path / "faults.yaml"
    path.write_text(
        "- match: {service: compute, times: 2}\n  then: {status: 503}\n- then: {latency: [0.1, 0.2]}\n"
    )
    first, second = faults.load(path)
    assert (first.match.service, first.match.times, first.then.status) == ("compute", 2, 503)
    assert second.then.latency == (0.1, 0.2)


def test_probability_follows_the_seed():
    import random

    def hits(seed):
        rules = faults.Faults(random.Random(seed))
        rules.add(faults.Rule(match=faults.Match(probability=0.5), then=faults.Then(status=500)))
        call = {
            "service": "compute",
            "method": "GET",
            "path": "/",
            "template": "/",
            "query": "",
            "content": b"",
        }
        return [rules.call(**call) is not None for _ in range(40)]

    assert hits(1) == hits(1) != hits(2)
    assert 5 < sum(hits(1)) < 35


async def test_one_of_several_alike_fails_and_the_others_keep_their_volumes(client):
    image = (await client.call("GET", "/image/v2/images?name=cirros")).body["images"][0]["id"]
    disk = {
        "source_type": "image",
        "destination_type": "volume",
        "uuid": image,
        "boot_index": 0,
        "volume_size": 1,
        "delete_on_termination": True,
    }
    await add(client, {"kind": "server", "name": "-1$"}, {})
    await client.boot(block_device_mapping_v2=[disk], min_count=2, max_count=2)
    listed = (await client.call("GET", SERVERS)).body["servers"]
    ends = {server["name"]: await settled(client, server["id"]) for server in listed}
    assert {name: end["status"] for name, end in ends.items()} == {"web-1": "ERROR", "web-2": "ACTIVE"}
    assert len(ends["web-2"]["os-extended-volumes:volumes_attached"]) == 1
