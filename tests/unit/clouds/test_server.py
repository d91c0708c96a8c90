"""What is asked of Nova, old and new."""

import re
from typing import Any

import msgspec
import pytest

from enamel.clouds.openstack import cloud as openstack
from enamel.clouds.openstack.compute import server, server_json
from enamel.model import cloud
from enamel.model.errors import CloudRefused, Gone, OutcomeUnknown
from enamel.model.states import FailureReason
from tests.unit.clouds.stage import Say, Stage

SERVERS = "/compute/v2.1/servers"
ID = "00000000-0000-4000-8000-000000000042"
FLAVORS = "/compute/v2.1/flavors/detail"
WEB = cloud.ServerSpec(name="web", flavor_id="f", image_id="i", mark="enamel:t/boot")


def sent(stage: Stage) -> dict[str, Any]:
    body: dict[str, Any] = next(
        one.body for one in reversed(stage.asked) if one.method == "POST" and one.path == SERVERS
    )
    return body


def nova(stage: Stage, version: str | None) -> None:
    headers = {} if version is None else {"OpenStack-API-Version": f"compute {version}"}
    stage.on("GET", FLAVORS, Say(body={"flavors": []}, headers=headers))


@pytest.mark.parametrize(
    ("names", "pattern"),
    [
        ({"web"}, "^web$"),
        ({"web-1", "web-2", "web-10"}, "^web-"),
        ({"a", "b"}, "^"),
        ({"web", "web-1"}, "^web"),
        ({"a.b+c|d"}, "^a.b.c.d$"),
    ],
)
def test_names_are_looked_for_in_a_way_that_every_database_understands(names: set[str], pattern: str) -> None:
    assert server._pattern(names) == pattern
    assert all(re.search(pattern, name) for name in names)


async def test_a_server_that_is_still_shown_as_deleted_is_gone(
    stage: Stage, there: openstack.OpenStackCloud
) -> None:
    nova(stage, "2.104")
    shown = {"id": ID, "name": "web", "status": "DELETED", "os-extended-volumes:volumes_attached": []}
    stage.on("GET", f"{SERVERS}/{ID}", Say(body={"server": shown}))
    with pytest.raises(Gone):
        await there.server(ID)


@pytest.mark.parametrize(
    ("version", "networks", "asked", "expected"),
    [
        ("2.104", None, "2.52", "auto"),
        ("2.104", (), "2.52", "none"),
        ("2.40", None, "2.37", "auto"),
        ("2.30", None, None, "absent"),
        (None, None, None, "absent"),
        ("2.104", (cloud.NetworkPort(port_id="p"),), "2.52", [{"port": "p"}]),
        ("2.104", (cloud.NetworkPort(network_id="n", fixed_address="10.0.0.9"),), "2.52", [{"uuid": "n", "fixed_ip": "10.0.0.9"}]),
    ],
)  # fmt: skip
async def test_networks_as_the_cloud_understands_them(
    stage: Stage,
    there: openstack.OpenStackCloud,
    version: str | None,
    networks: Any,
    asked: str | None,
    expected: Any,
) -> None:
    nova(stage, version)
    stage.on("POST", SERVERS, Say(status=202, body={"server": {"id": "s"}}))
    want = cloud.ServerSpec(
        name="web",
        flavor_id="f",
        image_id="i",
        mark="m",
        networks=networks,
        tags=("t",),
        security_groups=("g",),
    )
    assert await there.boot(want) == ["s"]
    body = sent(stage)["server"]
    assert body.get("networks", "absent") == expected
    assert stage.asked[-1].headers.get("X-OpenStack-Nova-API-Version") == asked
    assert ("tags" in body) == (asked == "2.52")
    assert ("security_groups" in body) == (expected != [{"port": "p"}])
    assert body["metadata"] == {"enamel": "m"} | ({} if asked == "2.52" else {"enamel-tags": "t"})


async def test_a_boot_volume_takes_the_place_of_the_image(
    stage: Stage, there: openstack.OpenStackCloud
) -> None:
    stage.on("POST", SERVERS, Say(status=202, body={"server": {"id": "s"}}))
    disks = (cloud.Disk(volume_id="root", boot=True, delete_with_server=True), cloud.Disk(volume_id="data"))
    await there.boot(
        cloud.ServerSpec(name="web", flavor_id="f", image_id="i", mark="m", disks=disks, group_id="g")
    )
    body = sent(stage)
    assert "imageRef" not in body["server"]
    assert [(one["uuid"], one["boot_index"], one["delete_on_termination"]) for one in body["server"]["block_device_mapping_v2"]] == [
        ("root", 0, True),
        ("data", -1, False),
    ]  # fmt: skip
    assert body["os:scheduler_hints"] == {"group": "g"}


def reserved(*names: str) -> Say:
    marked = {"status": "BUILD", "metadata": {"enamel": "m"}}
    return Say(body={"servers": [{"id": f"id-{name}", "name": name, **marked} for name in names]})


async def test_equal_servers_come_in_the_order_of_their_numbers(
    stage: Stage, there: openstack.OpenStackCloud
) -> None:
    stage.on("POST", SERVERS, Say(status=202, body={"reservation_id": "r-1"}))
    names = [f"web-{number}" for number in range(1, 11)]
    stage.on("GET", f"{SERVERS}/detail", reserved("web-2"), reserved(*sorted(names, reverse=True)))
    want = cloud.ServerSpec(name="web", flavor_id="f", image_id="i", mark="m", count=10)
    assert await there.boot(want) == [f"id-{name}" for name in names]
    assert sent(stage)["server"]["min_count"] == sent(stage)["server"]["max_count"] == 10
    assert ("reservation_id", "r-1") in stage.asked[-1].query


async def test_servers_that_are_booted_but_cannot_be_listed_are_looked_up_later(
    stage: Stage, there: openstack.OpenStackCloud
) -> None:
    stage.on("POST", SERVERS, Say(status=202, body={"reservation_id": "r-1"}))
    stage.on("GET", f"{SERVERS}/detail", Say(status=500))
    with pytest.raises(OutcomeUnknown, match="cannot be listed"):
        await there.boot(cloud.ServerSpec(name="web", flavor_id="f", image_id="i", mark="m", count=2))


async def test_pages_are_followed_to_the_end(stage: Stage, there: openstack.OpenStackCloud) -> None:
    link = [{"rel": "next", "href": "http://elsewhere/servers?marker=1"}]
    first = Say(body={"servers": [{"id": "1", "name": "a"}], "servers_links": link})
    stage.on("GET", f"{SERVERS}/detail", first, Say(body={"servers": [{"id": "2", "name": "b"}]}))
    assert [one.id for one in await there.servers_list()] == ["1", "2"]
    assert ("marker", "1") in stage.asked[-1].query


async def test_a_volume_that_is_attached_already_is_attached(
    stage: Stage, there: openstack.OpenStackCloud
) -> None:
    path = f"{SERVERS}/{ID}/os-volume_attachments"
    stage.on(
        "POST", path, Say(status=400, body={"badRequest": {"message": "Invalid volume: already attached"}})
    )
    stage.on("GET", path, Say(body={"volumeAttachments": [{"volumeId": "v"}]}))
    await there.attach_volume(ID, volume_id="v")
    stage.on("GET", path, Say(body={"volumeAttachments": []}))
    with pytest.raises(CloudRefused, match="already attached"):
        await there.attach_volume(ID, volume_id="v")


async def test_force_is_left_where_the_cloud_keeps_it_to_its_operators(
    stage: Stage, there: openstack.OpenStackCloud
) -> None:
    stage.on(
        "POST",
        f"{SERVERS}/{ID}/action",
        Say(status=403, body={"forbidden": {"message": "Policy doesn't allow"}}),
    )
    stage.on("DELETE", f"{SERVERS}/{ID}", Say(status=204, body=""))
    await there.delete_server(ID, force=True)
    assert stage.count("DELETE", f"{SERVERS}/{ID}") == 1


async def test_why_a_server_failed_is_told_in_the_clouds_words(
    stage: Stage, there: openstack.OpenStackCloud
) -> None:
    actions = [
        {"request_id": "req-old", "message": None, "start_time": "2026-11-21T01:00:00"},
        {"request_id": "req-new", "message": "Error", "start_time": "2026-11-21T02:00:00"},
    ]
    events = [
        {
            "event": "conductor_schedule",
            "result": "Error",
            "traceback": "Traceback:\n  x\nnova.NoValidHost: None left.\n",
        },
        {"event": "compute_boot", "result": "Success"},
    ]
    stage.on("GET", f"{SERVERS}/{ID}/os-instance-actions", Say(body={"instanceActions": actions}))
    stage.on("GET", f"{SERVERS}/{ID}/os-instance-actions/req-new", Say(body={"instanceAction": {"request_id": "r", "events": events}}))  # fmt: skip
    assert await there.why_failed(ID) == cloud.Failure(reason=FailureReason.NO_CAPACITY, text="None left.")


@pytest.mark.parametrize("id", ["web", "detail", "../flavors", "i-0abc", "42", ""])
async def test_what_is_no_uuid_is_not_found_without_a_call(
    stage: Stage, there: openstack.OpenStackCloud, id: str
) -> None:
    for read in (there.server, there.volume, there.port, there.address, there.server_history):
        with pytest.raises(Gone):
            await read(id)
    for delete in (there.delete_server, there.delete_volume, there.delete_port, there.delete_address):
        await delete(id)
    resources = {"servers", "volumes", "ports", "floatingips"}
    assert not [call.path for call in stage.asked if resources & set(call.path.split("/"))]


@pytest.mark.parametrize("maps", [True, False])
async def test_an_image_that_names_its_own_disks_is_not_put_on_a_local_one(
    stage: Stage, there: openstack.OpenStackCloud, maps: bool
) -> None:
    nova(stage, "2.93")
    stage.on("POST", SERVERS, Say(status=202, body={"server": {"id": ID}}))
    await there.boot(
        cloud.ServerSpec(
            name="web",
            flavor_id="f",
            image_id="i",
            image_maps_disks=maps,
            mark="enamel:t/boot",
            disks=(cloud.Disk(volume_id="v"),),
        )
    )
    body = sent(stage)["server"]
    assert body["imageRef"] == "i"
    sources = [disk["source_type"] for disk in body["block_device_mapping_v2"]]
    assert sources == (["volume"] if maps else ["image", "volume"])


SPLIT = b"""{"servers": [{"id": "11111111-0000-4000-8000-000000000000", "flavor": {"original_name": "m1.tiny", "ram": 512},
"addresses": {"lan": [
  {"addr": "10.0.0.5", "OS-EXT-IPS:type": "fixed", "OS-EXT-IPS-MAC:mac_addr": "fa:16:3e:00:00:01"},
  {"addr": "203.0.113.9", "OS-EXT-IPS:type": "floating", "OS-EXT-IPS-MAC:mac_addr": "fa:16:3e:00:00:01"},
  {"addr": "10.0.0.6", "OS-EXT-IPS:type": "fixed", "OS-EXT-IPS-MAC:mac_addr": "fa:16:3e:00:00:02"},
  {"addr": "fd00::5", "OS-EXT-IPS:type": "fixed", "OS-EXT-IPS-MAC:mac_addr": "fa:16:3e:00:00:01"}],
"old": [{"addr": "10.0.1.5"}, {"addr": "10.0.1.6"}]}}]}"""


def test_interfaces_are_told_apart_by_their_mac_addresses() -> None:
    (shown,) = msgspec.json.decode(SPLIT, type=server_json.Many).servers
    record = shown.neutral(server_json.Sizes(()))
    assert (record.flavor_name, record.flavor_id) == ("m1.tiny", "")
    assert [(end.network, end.mac[-1:], end.addresses) for end in record.interfaces] == [
        ("lan", "1", ("10.0.0.5", "fd00::5")),
        ("lan", "2", ("10.0.0.6",)),
        ("old", "", ("10.0.1.5", "10.0.1.6")),
    ]
    assert record.fixed_addresses == ("10.0.0.5", "10.0.0.6", "fd00::5", "10.0.1.5", "10.0.1.6")
