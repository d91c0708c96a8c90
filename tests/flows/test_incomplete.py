"""Launches on a cloud whose lists do not show everything, and whose answers are not whole yet."""

from typing import Any

import msgspec
import pytest

from enamel.model import task
from enamel.model.errors import Invalid
from tests.flows.test_cloud_faults import RICH, WHOLE
from tests.flows.test_launch import WEB, went_well
from tests.flows.world import QUICK, World

READY = {**WEB, "ready_when": "tcp/22"}
ONE_SERVER = r"/v2\.1/servers/[0-9a-f-]+"


@pytest.mark.parametrize("times", [3, None])
async def test_an_active_server_may_show_its_addresses_late(world: World, times: int | None) -> None:
    world.fault({"path": "/v2.1/servers/detail", "times": times}, {"change": {"servers.*.addresses": {}}})
    world.fault({"path": ONE_SERVER, "method": "GET", "times": times}, {"change": {"server.addresses": {}}})
    after = went_well(await world.run(READY))
    assert after.task.servers[0].fixed_addresses
    world.sandbox.faults.clear()
    await world.check()


async def test_ports_may_show_their_addresses_late(world: World) -> None:
    world.fault({"path": "/v2.1/servers/detail"}, {"change": {"servers.*.addresses": {}}})
    world.fault({"path": "/v2.0/ports", "method": "GET", "times": 4}, {"change": {"ports.*.fixed_ips": []}})
    after = went_well(await world.run({**READY, "placement": "az1"}))
    assert after.task.servers[0].fixed_addresses
    world.sandbox.faults.clear()
    await world.check()


async def test_a_server_without_an_address_is_told_as_that(world: World) -> None:
    world.fault({"path": "/v2.1/servers/detail"}, {"change": {"servers.*.addresses": {}}})
    world.fault({"path": "/v2.0/ports", "method": "GET"}, {"change": {"ports.*.fixed_ips": []}})
    after = await world.run(READY)
    world.sandbox.faults.clear()
    assert after.state is task.State.ABORTED
    assert after.task.error is not None and "shows no address" in after.task.error.detail
    assert "version" not in after.task.error.remedy
    assert after.count() == {}
    await world.check()


async def test_a_server_without_an_address_may_be_all_that_was_asked_for(world: World) -> None:
    world.fault({"path": "/v2.1/servers/detail"}, {"change": {"servers.*.addresses": {}}})
    world.fault({"path": "/v2.0/ports", "method": "GET"}, {"change": {"ports.*.fixed_ips": []}})
    after = went_well(await world.run(WEB))
    assert after.task.servers[0].fixed_addresses == ()
    assert "shows 0 fixed addresses" in str(after.items)
    world.sandbox.faults.clear()
    await world.check()


LISTS: dict[str, tuple[str, str]] = {
    "image": ("/v2/images", "cirros"),
    "flavor": ("/v2.1/flavors/detail", "m1.small"),
    "network": ("/v2.0/networks", "private"),
    "group": ("/v2.0/security-groups", "default"),
    "volume": ("/v3/volumes/detail", "mine"),
    "volume type": ("/v3/types", ""),
}


async def ids(world: World) -> dict[str, str]:
    """Return the ids of what the launch names."""
    caller = next(iter(world.sandbox.cloud.identity.tokens.values())).caller
    volume = world.sandbox.cloud.volume.create(caller, size=1, name="mine")
    await world.cloud.volumes.until(volume, lambda seen: seen is not None and seen.status == "available")
    world.mine()
    groups = await world.cloud.security_groups()
    return {
        "image": next(image.id for image in await world.cloud.images() if image.name == "cirros"),
        "flavor": next(flavor.id for flavor in await world.cloud.flavors() if flavor.name == "m1.small"),
        "network": next(net.id for net in await world.cloud.networks() if net.name == "private"),
        "group": next(group.id for group in groups if group.name == "default"),
        "volume": volume,
        "volume type": next(kind.id for kind in await world.cloud.volume_types() if kind.name == "standard"),
    }


@pytest.mark.parametrize("hidden", LISTS)
async def test_what_a_list_does_not_show_is_found_by_its_id(world: World, hidden: str) -> None:
    known = await ids(world)
    wish: dict[str, Any] = {
        "name": "web",
        "template": known["image"],
        "type": known["flavor"],
        "networks": [known["network"]],
        "security_groups": [known["group"]],
        "volumes": [{"volume": known["volume"]}, {"size_gb": 1, "type": known["volume type"]}],
    }
    world.fault({"path": LISTS[hidden][0]}, {"omit": f"^{known[hidden]}$"})
    await world.cloud.forget()
    after = went_well(await world.run(wish))
    assert after.count() == {"server": 1, "port": 1, "volume": 1}
    world.sandbox.faults.clear()
    await world.check()


@pytest.mark.parametrize("hidden", ["image", "flavor", "network", "group", "volume", "volume type"])
async def test_an_id_of_nothing_is_still_a_fault(world: World, hidden: str) -> None:
    nothing = "00000000-0000-4000-8000-00000000dead"
    wish: dict[str, Any] = {
        **WEB,
        **{
            "image": {"template": nothing},
            "flavor": {"type": nothing},
            "network": {"networks": [nothing]},
            "group": {"security_groups": [nothing]},
            "volume": {"volumes": [{"volume": nothing}]},
            "volume type": {"volumes": [{"size_gb": 1, "type": nothing}]},
        }[hidden],
    }
    with pytest.raises(Invalid) as caught:
        await world.accept(wish)
    assert [fault.code for fault in caught.value.faults] == ["unknown"]


@pytest.mark.parametrize("settings", [msgspec.structs.replace(QUICK, page=2, network_page=2)])
async def test_a_launch_on_a_cloud_that_shows_two_of_everything_at_once(world: World) -> None:
    after = went_well(await world.run({**RICH, "count": 5, "placement": "az1"}))
    assert after.count() == {kind: 5 if number > 1 else 1 for kind, number in WHOLE.items()}
    paged = {call.service for call in world.sandbox.cloud.calls.log if "marker" in dict(call.query)}
    assert paged == {"compute", "image", "network", "volume"}
    back = await world.revert(after)
    assert back.count() == {}
    await world.check()
