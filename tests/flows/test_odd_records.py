"""Launches on a cloud one record of which does not fit: it costs that record, and nothing else."""

from typing import Any

import pytest
from prometheus_client import REGISTRY

from enamel.clouds.openstack.compute import catalogue, server_json
from enamel.clouds.openstack.network import network, port, security_group
from enamel.clouds.openstack.storage import image, volume
from enamel.model import ids
from tests.flows.test_cloud_faults import RICH, WHOLE
from tests.flows.test_launch import WEB, went_well
from tests.flows.world import World


def nulls(record: Any) -> dict[str, Any]:
    """Return a record that has an id and nothing else but nulls."""
    return dict.fromkeys(record.__struct_encode_fields__) | {"id": ids.new_id()}


LISTS: dict[str, tuple[str, str, str, Any]] = {
    "images": ("image", "/v2/images", "images", image.Image),
    "flavors": ("compute", "/v2.1/flavors/detail", "flavors", catalogue.Flavor),
    "zones": ("compute", "/v2.1/os-availability-zone", "availabilityZoneInfo", catalogue._Zone),
    "servers": ("compute", "/v2.1/servers/detail", "servers", server_json.Server),
    "networks": ("network", "/v2.0/networks", "networks", network._Network),
    "subnets": ("network", "/v2.0/subnets", "subnets", network.Subnet),
    "ports": ("network", "/v2.0/ports", "ports", port._Port),
    "groups": ("network", "/v2.0/security-groups", "security_groups", security_group._Group),
    "volumes": ("volume", "/v3/volumes/detail", "volumes", volume._Volume),
    "types": ("volume", "/v3/types", "volume_types", volume._Type),
}
"""The lists that a launch reads: service, path, what holds the records, what a record is."""


@pytest.mark.sampled(8)
@pytest.mark.parametrize("flaw", ["null", "number", "no id", "nulls", "texts"])
@pytest.mark.parametrize("name", LISTS)
async def test_a_record_that_does_not_fit_costs_nothing_else(world: World, name: str, flaw: str) -> None:
    service, path, key, record = LISTS[name]
    odd: Any = {
        "null": None,
        "number": 5,
        "no id": {"name": "odd"},
        "nulls": nulls(record),
        "texts": nulls(record) | {field: "odd" for field in record.__struct_encode_fields__ if field != "id"},
    }[flaw]
    world.fault({"service": service, "method": "GET", "path": path}, {"add": {key: odd}})
    after = went_well(await world.run({**RICH, "placement": "az1"}))
    assert after.count() == WHOLE
    assert sum(service.complaints for service in world.cloud.state().services) == 0
    await world.check()


async def test_what_is_left_out_is_logged_once_and_counted(world: World) -> None:
    def counted() -> float:
        labels = {"cloud": "sandbox", "service": "image", "part": "record"}
        return REGISTRY.get_sample_value("enamel_cloud_left_out_total", labels) or 0.0

    before = counted()
    world.fault({"path": "/v2/images"}, {"add": {"images": {"id": None, "name": "odd"}}})
    for number in range(3):
        await world.cloud.forget()
        went_well(await world.run({**WEB, "name": f"web{number}", "networks": "none"}))
    assert counted() >= before + 3
    (line,) = [line for line in world.logs if line["event"] == "cloud.record_left_out"]
    assert (line["record"], line["field"], line["service"]) == ("odd", "images[]", "image")
    await world.check()
