"""Each field of a launch, and what it puts into the plan."""

import base64
from typing import Any

import msgspec
import pytest

from enamel.clouds.capability import Capability
from enamel.commands import COMMANDS
from enamel.commands.launch import placement
from enamel.flow import plan as plans
from enamel.model import cloud
from enamel.model.states import ImageState, VolumeState
from tests.unit.commands import north

CREATE = COMMANDS["server.create"]


def test_the_smallest_launch_is_two_steps() -> None:
    made = north.plan()
    assert north.kinds(made) == ["server.boot", "server.await_active"]
    boot = north.only(made, "server.boot")
    assert boot["image_id"] == north.CIRROS
    assert boot["flavor_id"] == north.SMALL
    assert [one["network_id"] for one in boot["networks"]] == [north.PRIVATE]
    assert [group.name for group in made.groups] == ["web"]
    assert made.needs == {"servers": 1, "cores": 1, "memory_mb": 2048, "ports": 1}
    assert made.calls == 2


def test_a_plan_made_twice_is_the_same_plan() -> None:
    body = north.launch(name=None, hostname_pattern="web-%(rand_num)5d", count=3, public_address=True)
    body |= {"allow": ["tcp/22"], "volumes": [{"size_gb": 1}]}
    assert plans.data(north.planned(body).plan) == plans.data(north.planned(body).plan)


# -- the three forms of a body


def test_flat_fields_and_defaults_mean_the_same() -> None:
    common = {"template": "cirros", "type": "m1.small", "public_address": True}
    flat = north.planned({"name": "web", "count": 2, **common})
    nested = north.planned({"name": "web", "count": 2, "defaults": common})
    assert flat.plan == nested.plan


def test_a_server_says_what_differs() -> None:
    servers = [{"hostname": "a"}, {"hostname": "b", "type": "m1.medium", "volumes": []}]
    body = {"template": "cirros", "type": "m1.small", "volumes": [{"size_gb": 1}], "servers": servers}
    made = north.planned(body)
    assert made.faults == ()
    boots = {node.group: node.inputs for node in north.nodes(made.plan, "server.boot")}
    assert boots["a"]["flavor_id"] == north.SMALL
    assert boots["b"]["flavor_id"] == north.MEDIUM
    assert [node.group for node in north.nodes(made.plan, "volume.create")] == ["a"]


def test_an_own_name_beats_the_id_of_the_defaults() -> None:
    body = {
        "defaults": {"template_id": north.UBUNTU, "type_id": north.SMALL},
        "servers": [{"hostname": "a", "template": "cirros"}, {"hostname": "b", "type": "m1.medium"}],
    }
    made = north.planned(body)
    assert made.faults == ()
    boots = {node.group: node.inputs for node in north.nodes(made.plan, "server.boot")}
    assert boots["a"]["image_id"] == north.CIRROS
    assert boots["b"]["flavor_id"] == north.MEDIUM


def test_names_and_ids_mean_the_same() -> None:
    by_name = north.plan(placement="north/RegionOne/az1", keypair="old")
    by_id = north.plan(
        template=None,
        template_id=north.CIRROS,
        type=None,
        type_id=north.SMALL,
        placement_id=placement.id_of("north/RegionOne/az1"),
        keypair_id="old",
    )
    assert (
        by_name
        == by_id
        == north.plan(template=north.CIRROS, type=north.SMALL, keypair="old", placement="az1")
    )


# -- names


def test_the_short_form_numbers_its_servers() -> None:
    made = north.plan(count=3)
    assert [group.name for group in made.groups] == ["web-1", "web-2", "web-3"]
    assert north.only(made, "server.boot")["names"] == ["web-1", "web-2", "web-3"]


def test_a_pattern_draws_names_that_differ() -> None:
    made = north.plan(name=None, count=10, hostname_pattern="web-%(rand_num)1d")
    names = [group.name for group in made.groups]
    assert sorted(names) == [f"web-{number}" for number in range(10)]
    # Nova numbers the servers of one request itself, so that these have to be booted one by one.
    assert [node.inputs["names"] for node in north.nodes(made, "server.boot")] == [[name] for name in names]


def test_a_pattern_names_servers_that_have_no_name_and_avoids_the_others() -> None:
    body = {
        "defaults": {"template": "cirros", "type": "m1.small", "hostname_pattern": "w%(rand_num)1d"},
        "servers": [{"hostname": f"w{number}"} for number in range(9)] + [{}],
    }
    assert north.planned(body).plan.groups[-1].name == "w9"


# -- what it is


def test_a_size_takes_the_smallest_type_that_fits() -> None:
    sizes = {
        north.TINY: {"memory_mb": 1},
        north.SMALL: {"memory_mb": 513},
        north.MEDIUM: {"memory_mb": 1024, "cpu_units": 2},
    }
    for flavor, size in sizes.items():
        assert north.only(north.plan(type=size), "server.boot")["flavor_id"] == flavor
    # A server that boots from a volume needs no disk of its type.
    size, boot = {"memory_mb": 1024, "cpu_units": 2, "root_disk_gb": 30}, {"size_gb": 30}
    assert north.only(north.plan(type=size, boot_volume=boot), "server.boot")["flavor_id"] == north.BOOT_ONLY


@pytest.mark.parametrize("wish", [{}, {"boot_volume": {"size_gb": 20}}, {"volumes": [{"size_gb": 1}]}])
@pytest.mark.parametrize("type", ["m1.small", "v1.small"])
def test_the_snapshot_of_a_server_with_a_boot_volume_brings_its_own_disks(wish: Any, type: str) -> None:
    backed = cloud.Image(
        id=north.SNAPSHOT, name="backed", state=ImageState.ACTIVE, status="active", volume_backed=True
    )
    able = frozenset(Capability) - {Capability.ZERO_DISK}
    body = {"name": "web", "template": "backed", "type": type, **wish}
    made = north.planned(body, north.facts(images=(backed,), capabilities=able)).plan
    boot = north.only(made, "server.boot")
    assert (boot["image_id"], boot["image_maps_disks"]) == (north.SNAPSHOT, True)
    # A volume for the data is made, and none that it boots from.
    assert len(north.nodes(made, "volume.create")) == len(wish.get("volumes", []))


def test_a_snapshot_is_a_template_as_an_image_is() -> None:
    assert north.only(north.plan(template="web-yesterday"), "server.boot")["image_id"] == north.SNAPSHOT


@pytest.mark.parametrize("spelling", [{"template": "system"}, {"template_id": north.SYSTEM}])
def test_a_bootable_volume_is_a_template_and_stays(spelling: dict[str, str]) -> None:
    made = north.plan(**{"template": None, **spelling})
    boot = north.only(made, "server.boot")
    assert boot["image_id"] is None
    [disk] = boot["disks"]
    assert (disk["volume_id"], disk["boot"], disk["delete_with_server"]) == (north.SYSTEM, True, False)
    assert "volumes" not in made.needs


def test_a_boot_volume_is_made_of_the_image_first() -> None:
    made = north.plan(boot_volume={"size_gb": 20, "type": "standard", "delete_with_server": False})
    assert north.kinds(made)[:3] == ["volume.create", "volume.await", "server.boot"]
    volume = north.only(made, "volume.create")
    assert (volume["size_gb"], volume["type"], volume["image_id"]) == (20, "standard", north.CIRROS)
    boot = north.only(made, "server.boot")
    assert boot["image_id"] is None
    [disk] = boot["disks"]
    assert disk == {"volume_id": {"ref": "volume-await-web.id"}, "boot": True, "delete_with_server": False}
    assert (made.needs["volumes"], made.needs["gigabytes"]) == (1, 20)


def test_volumes_are_made_or_taken() -> None:
    volumes = [{"size_gb": 3, "name": "logs"}, {"size_gb": 2}, {"volume": "data"}]
    made = north.plan(volumes=volumes)
    assert [node.inputs["name"] for node in north.nodes(made, "volume.create")] == ["logs", "web-2"]
    disks = north.only(made, "server.boot")["disks"]
    assert [disk["delete_with_server"] for disk in disks] == [True, True, False]
    assert disks[2]["volume_id"] == north.DATA
    assert (made.needs["volumes"], made.needs["gigabytes"]) == (2, 5)


def test_a_multiattach_volume_serves_several_servers() -> None:
    made = north.plan(count=2, volumes=[{"volume": "shared"}])
    assert [node.inputs["disks"][0]["volume_id"] for node in north.nodes(made, "server.boot")] == [
        north.SHARED_DISK
    ] * 2


# -- where it is plugged in


def test_a_project_without_a_network_gets_one() -> None:
    made = north.plan(north.facts(networks=()))
    assert north.kinds(made)[0] == "network.auto"
    assert north.only(made, "server.boot")["networks"][0]["network_id"] == {"ref": "network-auto.id"}


def test_the_default_network_wins_over_the_others() -> None:
    default = msgspec.structs.replace(north.TWINS[1], name="mine", default=True)
    made = north.plan(north.facts(networks=(*north.NETWORKS, default)))
    assert north.only(made, "server.boot")["networks"][0]["network_id"] == north.TWIN_B


def test_a_server_may_have_no_network() -> None:
    made = north.plan(networks="none")
    assert north.only(made, "server.boot")["networks"] == []
    assert "ports" not in made.needs


def test_a_subnet_makes_ports_first() -> None:
    made = north.plan(networks=[{"network": "private", "subnet": "private-subnet", "fixed_ip": "10.0.0.9"}])
    [wanted] = north.only(made, "port.create")["wants"]
    assert (wanted["subnet_id"], wanted["fixed_address"]) == (north.SUBNET, "10.0.0.9")
    assert north.only(made, "server.boot")["networks"] == [
        {"port_id": {"ref": "port-create.ports.0.id"}, "network_id": None, "fixed_address": None}
    ]


@pytest.mark.parametrize("name", ["free", north.FREE_PORT])
def test_a_port_that_is_there_is_used(name: str) -> None:
    made = north.plan(networks=[{"port": name}], public_address=True)
    assert north.only(made, "server.boot")["networks"][0]["port_id"] == north.FREE_PORT
    assert "ports" not in made.needs


def test_each_server_may_have_a_port_and_a_volume_of_its_own() -> None:
    more = cloud.Port(id=north.id_of(63), network_id=north.PRIVATE, name="free-2")
    disk = cloud.Volume(
        id=north.id_of(46), name="data-2", size_gb=1, state=VolumeState.AVAILABLE, status="available"
    )
    known = north.facts(ports=(*north.facts().ports, more), volumes=(*north.facts().volumes, disk))
    servers = [
        {"hostname": "a", "networks": [{"port": "free"}], "volumes": [{"volume": "data"}]},
        {"hostname": "b", "networks": [{"port": "free-2"}], "volumes": [{"volume": "data-2"}]},
    ]
    made = north.planned({"template": "cirros", "type": "m1.tiny", "servers": servers}, known)
    assert made.faults == ()
    boots = {node.group: node.inputs for node in north.nodes(made.plan, "server.boot")}
    assert boots["b"]["networks"][0]["port_id"] == more.id
    assert boots["b"]["disks"][0]["volume_id"] == disk.id


# -- public addresses


def test_a_public_address_is_put_on_the_port_that_nova_makes() -> None:
    made = north.plan(public_address=True)
    assert north.kinds(made) == ["server.boot", "port.find", "address.create", "server.await_active"]
    address = north.only(made, "address.create")
    assert (address["network_id"], address["port_id"]) == (north.PUBLIC, {"ref": "port-find-web.ports.0.id"})
    assert made.needs["addresses"] == 1


def test_a_server_on_a_public_network_has_its_address_already() -> None:
    assert "address.create" not in north.kinds(north.plan(networks=["public"], public_address=True))


def test_of_several_interfaces_the_one_within_gets_the_address() -> None:
    made = north.plan(networks=["public", "private"], public_address={"from": "public"})
    assert [one["network_id"] for one in north.only(made, "port.create")["wants"]] == [
        north.PUBLIC,
        north.PRIVATE,
    ]
    assert north.only(made, "address.create")["port_id"] == {"ref": "port-create.ports.1.id"}


@pytest.mark.parametrize("address", ["203.0.113.7", north.FREE_ADDRESS])
def test_an_address_of_the_project_is_moved(address: str) -> None:
    made = north.plan(public_address={"address": address})
    assert north.only(made, "address.move")["id"] == north.FREE_ADDRESS
    assert "addresses" not in made.needs


# -- keys, rules, user data


def test_a_key_that_is_not_there_is_imported_once_for_all() -> None:
    made = north.plan(count=3, keypair={"name": "me", "public_key": north.KEY})
    assert north.only(made, "keypair.import") == {"name": "me", "public_key": north.KEY}
    assert north.only(made, "server.boot")["key_name"] == {"ref": "keypair-import.name"}
    assert made.needs["keypairs"] == 1


@pytest.mark.parametrize(
    "choice", ["old", {"name": "old"}, {"name": "old", "public_key": north.KEY + " x@y"}]
)
def test_a_key_that_is_there_is_used(choice: object) -> None:
    made = north.plan(keypair=choice)
    assert "keypair.import" not in north.kinds(made)
    assert north.only(made, "server.boot")["key_name"] == "old"


def test_rules_become_a_group_of_the_tasks_own_beside_the_projects_default() -> None:
    made = north.plan(allow=["tcp/22", "tcp/22 from 0.0.0.0/0", "tcp/5432 from web"])
    group = north.only(made, "security_group.create")
    assert group["name"] == "web-000000aa"
    assert [(one["port_min"], one["group_id"], one["ip_version"]) for one in group["rules"]] == [
        (22, None, 4),
        (22, None, 6),
        (5432, north.WEB, 4),
        (5432, north.WEB, 6),
    ]
    assert north.only(made, "server.boot")["security_groups"] == [
        {"ref": "security_group-create.id"},
        north.DEFAULT,
    ]
    assert made.needs["security_groups"] == 1


def test_rules_stand_beside_the_groups_that_are_named() -> None:
    made = north.plan(allow=["icmp"], security_groups=["web"], placement="az1")
    [port] = north.only(made, "port.create")["wants"]
    assert port["security_groups"] == [{"ref": "security_group-create.id"}, north.WEB]


def test_an_empty_list_of_groups_means_none() -> None:
    [port] = north.only(north.plan(security_groups=[]), "port.create")["wants"]
    assert port["security_groups"] == []


def test_user_data_stays_out_of_the_plan() -> None:
    text = base64.b64encode(b"password: hunter2").decode()
    made = north.planned(north.launch(count=2, user_data=text, placement="north"))
    assert made.secrets == {"user-data-1": text.encode()}
    assert {str(node.inputs["user_data"]) for node in north.nodes(made.plan, "server.boot")} == {
        "{'secret': 'user-data-1'}"
    }
    assert text not in msgspec.json.encode(plans.data(made.plan)).decode()


def test_user_data_stays_out_of_the_request_that_is_kept() -> None:
    data = north.launch(user_data="aGk=", notify=[{"url": "https://x", "secret": "s"}])
    kept = CREATE.blank({**data, "servers": [{"user_data": "aGk="}]})
    assert "aGk=" not in str(kept)
    assert kept["notify"] == [{"url": "https://x", "secret": "(kept in the key store)"}]
    assert kept["name"] == "web"


# -- where it goes


@pytest.mark.parametrize("where", ["north", "north/RegionOne", "RegionOne", "/north/RegionOne/"])
def test_a_placement_above_zones_means_any_of_them_in_turn(where: str) -> None:
    made = north.plan(count=3, placement=where)
    assert [[place["zone"] for place in group.alternatives] for group in made.groups] == [
        ["az1", "az2"],
        ["az2", "az1"],
        ["az1", "az2"],
    ]
    assert north.nodes(made, "server.boot")[0].inputs["zone"] == {"alt": "zone"}


@pytest.mark.parametrize("where", ["wide", "wide/east", "east", "wide/east/az2", "az2"])
def test_a_cloud_that_is_one_region_of_an_entry_has_the_region_once(where: str) -> None:
    known = north.facts(
        cloud="wide/east", identity=msgspec.structs.replace(north.facts().identity, region="east")
    )
    request = msgspec.structs.replace(
        north.want(north.launch(placement=where)), clouds=("wide/west", "wide/east")
    )
    planned = COMMANDS["server.create"].plan(request, known)
    assert planned.faults == ()
    paths = [choice["placement"] for choice in planned.plan.groups[0].alternatives]
    assert set(paths) <= {"wide/east/az1", "wide/east/az2"} and "wide/east/az2" in paths
    reached, faults = placement.clouds_of(request)
    assert faults == () and ("wide/east" in reached or not where.startswith("wide"))
    assert len(reached) == {"wide": 2, "wide/east": 1, "wide/east/az2": 1}.get(where, 0)


@pytest.mark.parametrize("where", ["north/RegionOne/az2", "RegionOne/az2", "az2"])
def test_a_placement_may_be_one_zone(where: str) -> None:
    [group] = north.plan(placement=where).groups
    assert group.alternatives == ({"zone": "az2", "placement": "north/RegionOne/az2"},)


def test_a_zone_that_is_not_available_is_passed_over() -> None:
    zones = (cloud.Zone(name="az1", available=False), cloud.Zone(name="az2"))
    [group] = north.plan(north.facts(zones=zones), placement="north").groups
    assert [place["zone"] for place in group.alternatives] == ["az2"]


def test_a_placement_chooses_the_cloud() -> None:
    assert CREATE.cloud(north.want(north.launch(placement="south/RegionTwo"))) == ("south", ())
    assert CREATE.cloud(north.want(north.launch(placement="az1"))) == (None, ())
    assert CREATE.cloud(north.want(north.launch())) == (None, ())


def test_peers_are_found_by_id_and_by_tag() -> None:
    affinity = {"near": {"server_ids": [north.NEIGHBOUR]}, "not_near": {"server_tags": ["database"]}}
    boot = north.only(north.plan(affinity=affinity), "server.boot")
    assert boot["same_host"] == boot["different_host"] == [north.NEIGHBOUR]


@pytest.mark.parametrize("body", [{"spread": True}, {"affinity": {"spread": True}}])
def test_servers_stand_apart_in_a_group_of_the_tasks_own(body: dict[str, object]) -> None:
    made = north.plan(count=2, **body)
    assert north.only(made, "server.boot")["group_id"] == {"ref": "server_group-create.id"}
    assert made.needs["server_groups"] == 1


# -- the rest


def test_properties_and_tags_go_along() -> None:
    boot = north.only(north.plan(properties={"b": "2", "a": "1"}, tags=["x", "y", "x"]), "server.boot")
    assert boot["properties"] == [["a", "1"], ["b", "2"]]
    assert boot["tags"] == ["x", "y"]


def test_readiness_is_tried_at_the_public_address_then_the_host_keys_are_read() -> None:
    made = north.plan(public_address=True, ready_when="tcp/22")
    reach = north.only(made, "server.reach")
    assert reach == {
        "address": {"ref": "address-create-web.address"},
        "addresses": [],
        "ready_when": "tcp/22",
    }
    assert north.kinds(made)[-2:] == ["server.reach", "server.host_keys"]


def test_without_a_public_address_readiness_is_tried_at_all_own_ones() -> None:
    reach = north.only(north.plan(ready_when="http://:80/up"), "server.reach")
    assert reach["address"] == {"ref": "server-await_active-web.address"}
    assert reach["addresses"] == {"ref": "server-await_active-web.entry.fixed_addresses"}


def test_the_policy_and_the_times_are_handed_on() -> None:
    made = north.planned(
        north.launch(on_failure="KEEP", all_or_nothing=True, ttl="2d", timeout="30m", priority="LOW")
    )
    assert (made.plan.on_failure, made.plan.all_or_nothing) == ("keep", True)
    assert made.ttl is not None and made.ttl.days == 2
    assert made.timeout.total_seconds() == 1800
    assert made.priority.value == "LOW"


def test_a_launch_may_wait_for_its_time() -> None:
    made = north.planned(north.launch(not_before="2030-01-01T00:00:00Z"))
    assert made.not_before is not None and made.not_before.isoformat() == "2030-01-01T00:00:00+00:00"


def test_operators_may_ask_for_high_priority() -> None:
    made = north.planned(north.launch(priority="HIGH"), roles=frozenset({"admin"}))
    assert made.faults == ()


# -- how they are booted


def test_equal_servers_are_booted_with_one_request() -> None:
    made = north.plan(count=10, public_address=True)
    assert len(north.nodes(made, "server.boot")) == 1
    assert len(north.nodes(made, "address.create")) == 10
    assert north.nodes(made, "server.boot")[0].members == tuple(f"web-{number + 1}" for number in range(10))


@pytest.mark.parametrize(
    "body",
    [
        {"volumes": [{"size_gb": 1}]},
        {"boot_volume": {"size_gb": 1}},
        {"placement": "north"},
        {"networks": [{"network": "private", "subnet": "private-subnet"}]},
        {"count": 101},
        {"name": None, "hostname_pattern": "w-%(rand_num)3d"},
    ],
    ids=str,
)
def test_servers_that_differ_have_their_ports_made_first_in_bulk(body: dict[str, object]) -> None:
    made = north.plan(north.facts(quota={}), **{"count": 3, "public_address": True, **body})
    count = body.get("count", 3)
    bulk = north.nodes(made, "port.create")
    assert sum(len(node.inputs["wants"]) for node in bulk) == count
    assert len(north.nodes(made, "server.boot")) == count
    # The address needs the port and nothing else: it is there long before the server.
    assert {node.after for node in north.nodes(made, "address.create")} <= {(one.name,) for one in bulk}
