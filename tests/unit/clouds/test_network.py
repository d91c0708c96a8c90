"""What is asked of Neutron where it is old, or fails half-way."""

import asyncio

import pytest

from enamel.clouds.openstack import cloud as openstack
from enamel.model import cloud
from enamel.model.errors import CapabilityMissing, CloudConflict, OutcomeUnknown
from tests.unit.clouds.stage import Say, Stage

NET = "/network/v2.0"
PUBLIC = {"description": "", "id": "out", "name": "public", "router:external": True, "is_default": True}


def ready(stage: Stage) -> None:
    """Let a network be made, up to its router."""
    stage.on("GET", f"{NET}/networks", Say(body={"networks": [PUBLIC]}))
    stage.on(
        "GET",
        f"{NET}/subnets",
        Say(body={"subnets": [{"id": "x", "network_id": "y", "cidr": "10.77.1.0/24"}]}),
    )
    stage.on("POST", f"{NET}/networks", Say(status=201, body={"network": {"id": "n", "name": "mine"}}))
    stage.on(
        "POST",
        f"{NET}/subnets",
        Say(status=201, body={"subnet": {"id": "s", "network_id": "n", "cidr": "c"}}),
    )
    stage.on("POST", f"{NET}/routers", Say(status=201, body={"router": {"id": "r"}}))
    stage.on("PUT", f"{NET}/routers/r/add_router_interface", Say(body={"id": "r"}))
    stage.on("PUT", f"{NET}/networks/n", Say(body={"network": {"id": "n", "name": "mine"}}))
    stage.on("GET", f"{NET}/routers", Say(body={"routers": [{"id": "other", "description": "not ours"}]}))
    for path in ("networks/n", "routers/r"):
        stage.on("DELETE", f"{NET}/{path}", Say(status=204, body=""))
    stage.on("PUT", f"{NET}/routers/r/remove_router_interface", Say(body={"id": "r"}))


async def test_a_network_gets_a_range_that_is_free(stage: Stage, there: openstack.OpenStackCloud) -> None:
    ready(stage)
    made = await there.create_network("mine", mark="m")
    assert (made.id, made.subnets) == ("n", ("s",))
    subnet = next(
        one.body["subnet"] for one in stage.asked if one.method == "POST" and one.path.endswith("/subnets")
    )
    assert subnet["cidr"] == "10.77.2.0/24" and subnet["description"] == "m"


def half_made(stage: Stage) -> None:
    """Let an earlier attempt have left a network and a router."""
    there = {"id": "n", "name": "mine-unfinished", "description": "m"}
    stage.on("GET", f"{NET}/networks", Say(body={"networks": [PUBLIC, there]}))
    stage.on("GET", f"{NET}/routers", Say(body={"routers": [{"id": "r", "description": "m"}]}))


async def test_what_an_earlier_attempt_has_left_goes_first(
    stage: Stage, there: openstack.OpenStackCloud
) -> None:
    ready(stage)
    half_made(stage)
    assert (await there.create_network("mine", mark="m")).id == "n"
    assert [one.path for one in stage.asked if one.method == "DELETE"] == [
        f"{NET}/routers/r",
        f"{NET}/networks/n",
    ]


@pytest.mark.parametrize("broken", ["subnets", "routers"])
async def test_a_network_that_stays_half_made_is_taken_down(
    stage: Stage, there: openstack.OpenStackCloud, broken: str
) -> None:
    ready(stage)
    half_made(stage)
    stage.on(
        "POST", f"{NET}/{broken}", Say(status=409, body={"NeutronError": {"type": "X", "message": "no"}})
    )
    with pytest.raises(CloudConflict, match="no"):
        await there.create_network("mine", mark="m")
    assert stage.count("DELETE", f"{NET}/networks/n") == 2


async def test_what_could_not_be_taken_down_is_told_with_the_first_fault(
    stage: Stage, there: openstack.OpenStackCloud
) -> None:
    ready(stage)
    half_made(stage)
    stage.on("POST", f"{NET}/routers", Say(status=500, body="oops"))
    refusal = Say(status=409, body={"NeutronError": {"message": "in use"}})
    stage.on("DELETE", f"{NET}/networks/n", Say(status=204, body=""), refusal)
    with pytest.raises(OutcomeUnknown) as caught:
        await there.create_network("mine", mark="m")
    assert "could not be deleted again" in caught.value.data["left"]


async def test_without_an_external_network_there_is_no_way_out(
    stage: Stage, there: openstack.OpenStackCloud
) -> None:
    stage.on("GET", f"{NET}/networks", Say(body={"networks": []}))
    with pytest.raises(CapabilityMissing, match="no single external network"):
        await there.create_network("mine", mark="m")


async def test_a_cloud_that_makes_no_network_by_itself(stage: Stage, there: openstack.OpenStackCloud) -> None:
    with pytest.raises(CapabilityMissing, match="cannot make a network by itself"):
        await there.auto_network()


async def test_usage_is_counted_where_the_cloud_does_not_tell_it(
    stage: Stage, there: openstack.OpenStackCloud
) -> None:
    stage.on("GET", f"{NET}/quotas/project", Say(body={"quota": {"port": 5, "floatingip": 0, "network": -1}}))
    stage.on("GET", f"{NET}/ports", Say(body={"ports": [{"id": "1"}, {"id": "2"}]}))
    stage.on("GET", f"{NET}/floatingips", Say(body={"floatingips": []}))
    limits = await there.quota(["ports", "addresses"])
    assert limits == {"ports": cloud.Limit(limit=5, used=2), "addresses": cloud.Limit(limit=0, used=0)}


async def test_a_quota_is_asked_for_once_by_all_who_want_it_at_the_same_time(
    stage: Stage, there: openstack.OpenStackCloud
) -> None:
    path = f"{NET}/quotas/project/details"
    stage.on("GET", path, Say(body={"quota": {"port": {"limit": 100, "used": 3, "reserved": 1}}}))
    told = await asyncio.gather(*(there.quota(["ports"]) for _ in range(3)))
    assert [one["ports"].free for one in told] == [96, 96, 96]
    assert stage.count("GET", path) == 1
    stage.on("GET", path, Say(body={"quota": {"port": {"limit": 100, "used": 90, "reserved": 1}}}))
    assert (await there.quota(["ports"]))["ports"].free == 9


async def test_ports_are_matched_to_their_wants_whatever_the_order(
    stage: Stage, there: openstack.OpenStackCloud
) -> None:
    def port(id: str, name: str) -> dict[str, object]:
        return {"id": id, "network_id": "n", "name": name, "description": "m", "fixed_ips": []}

    stage.on(
        "POST",
        f"{NET}/ports",
        Say(status=201, body={"ports": [port("2", "b"), port("1", "a"), port("3", "b")]}),
    )
    wants = [cloud.PortSpec(network_id="n", name=name, mark="m") for name in ("a", "b", "b")]
    assert [one.id for one in await there.create_ports(wants)] == ["1", "2", "3"]
    stage.on("POST", f"{NET}/ports", Say(status=201, body={"ports": []}))
    with pytest.raises(OutcomeUnknown):
        await there.create_ports(wants)
