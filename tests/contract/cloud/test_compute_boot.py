"""Booting servers: what is accepted, what is refused, and with which answers."""

import base64

import pytest

from tests.contract.cloud import servers

UNKNOWN = "b2b1f7f0-0000-4000-8000-000000000000"
OLDEST = {
    "id", "name", "status", "tenant_id", "user_id", "metadata", "hostId", "image", "flavor", "created", "updated",
    "addresses", "accessIPv4", "accessIPv6", "links", "OS-DCF:diskConfig", "progress",
    "OS-EXT-AZ:availability_zone", "config_drive", "key_name", "OS-SRV-USG:launched_at",
    "OS-SRV-USG:terminated_at", "OS-EXT-STS:task_state", "OS-EXT-STS:vm_state", "OS-EXT-STS:power_state",
    "os-extended-volumes:volumes_attached",
}  # fmt: skip
NEWER = {
    "2.9": {"locked"},
    "2.19": {"description"},
    "2.26": {"tags"},
    "2.63": {"trusted_image_certificates"},
    "2.71": {"server_groups"},
    "2.73": {"locked_reason"},
    "2.90": {"OS-EXT-SRV-ATTR:hostname"},
    "2.96": {"pinned_availability_zone"},
    "2.100": {"scheduler_hints"},
}


def number(version):
    return tuple(int(part) for part in version.split("."))


def refused(cloud, **more):
    answer = cloud.call(
        "POST", "compute", "/servers", servers.wish(cloud, **more), microversion=servers.NEWEST
    )
    if answer.status == 202:
        servers.remove(cloud, answer.body["server"]["id"])
    return answer


def test_a_server_from_request_to_gone(cloud):
    answer = cloud.call("POST", "compute", "/servers", servers.wish(cloud), microversion=servers.NEWEST)
    assert answer.status == 202
    server = answer.body["server"]
    servers.remove(cloud, server["id"])
    assert set(server) == {"id", "links", "OS-DCF:diskConfig", "security_groups", "adminPass"}
    assert answer.headers["Location"].endswith(f"/servers/{server['id']}")
    early = servers.get(cloud, server["id"])
    assert (early["status"], early["OS-EXT-STS:vm_state"]) == ("BUILD", "building")
    assert early["OS-SRV-USG:launched_at"] is None
    active = servers.settle(cloud, server["id"])
    assert (active["status"], active["OS-EXT-STS:vm_state"], active["OS-EXT-STS:power_state"]) == (
        "ACTIVE",
        "active",
        1,
    )
    assert active["OS-EXT-AZ:availability_zone"] in ("az1", "az2")
    assert active["OS-SRV-USG:launched_at"]
    assert len(active["hostId"]) == 56
    assert active["addresses"] == {}
    assert servers.act(cloud, server["id"], "forceDelete").status == 202
    cloud.until(lambda: servers.get(cloud, server["id"]) is None)
    assert cloud.call("DELETE", "compute", f"/servers/{server['id']}").status == 404


@pytest.fixture(scope="module")
def shown(lasting):
    """One server seen through many microversions."""
    server = servers.make(lasting)
    return {
        version: servers.get(lasting, server["id"], microversion=version)
        for version in ("2.1", "2.3", "2.37", "2.47", *NEWER)
    }


@pytest.mark.parametrize("version", ["2.1", "2.37", *NEWER])
def test_what_is_told_at_a_microversion(shown, version):
    expected = set(OLDEST).union(
        *(fields for since, fields in NEWER.items() if number(since) <= number(version))
    )
    assert set(shown[version]) - {"security_groups"} == expected


def test_the_flavor_is_a_link_before_2_47_and_numbers_since(shown):
    assert set(shown["2.37"]["flavor"]) == {"id", "links"}
    assert shown["2.47"]["flavor"] == {
        "vcpus": 1, "ram": 512, "disk": 1, "ephemeral": 0, "swap": 0, "original_name": "m1.tiny", "extra_specs": {},
    }  # fmt: skip


def test_the_image_has_properties_since_2_98(shown):
    assert set(shown["2.96"]["image"]) == {"id", "links"}
    assert "properties" in shown["2.100"]["image"]


def test_everything_one_can_wish(cloud):
    key = {
        "name": cloud.name(),
        "public_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIO2a9XHxYdA1z9vJq9rGgQ0bPOfB0M7bSOr1ZkqvXb1T",
    }
    cloud.call("POST", "compute", "/os-keypairs", {"keypair": key})
    cloud.later("DELETE", "compute", f"/os-keypairs/{key['name']}")
    server = servers.make(
        cloud,
        key_name=key["name"],
        metadata={"role": "web"},
        tags=["b", "a"],
        description="what for",
        hostname="inner-name",
        availability_zone="az2",
        config_drive=True,
        user_data=base64.b64encode(b"#!/bin/sh").decode(),
    )
    assert server["key_name"] == key["name"]
    assert server["metadata"] == {"role": "web"}
    assert sorted(server["tags"]) == ["a", "b"]
    assert server["description"] == "what for"
    assert server["OS-EXT-SRV-ATTR:hostname"] == "inner-name"
    assert server["OS-EXT-AZ:availability_zone"] == server["pinned_availability_zone"] == "az2"
    assert server["config_drive"] == "True"


def test_several_at_once(cloud):
    name = cloud.name()
    wish = servers.wish(cloud, name=name, min_count=2, max_count=2, return_reservation_id=True)
    answer = cloud.call("POST", "compute", "/servers", wish, microversion=servers.NEWEST)
    assert answer.status == 202
    (field,) = answer.body
    assert field == "reservation_id"
    reservation = answer.body["reservation_id"]
    assert reservation.startswith("r-")
    listed = cloud.call("GET", "compute", f"/servers?reservation_id={reservation}").body["servers"]
    for server in listed:
        servers.remove(cloud, server["id"])
    assert sorted(server["name"] for server in listed) == [f"{name}-1", f"{name}-2"]
    ready = [servers.settle(cloud, server["id"]) for server in listed]
    assert [server["status"] for server in ready] == ["ACTIVE", "ACTIVE"]
    assert {server["OS-EXT-SRV-ATTR:hostname"] for server in ready} == {f"{name}-1", f"{name}-2"}


def test_on_a_network_by_a_port(cloud):
    network = servers.pick(cloud, "network", "/networks", "private")
    answer = cloud.call("POST", "network", "/ports", {"port": {"network_id": network, "name": cloud.name()}})
    port = answer.body["port"]
    cloud.later("DELETE", "network", f"/ports/{port['id']}")
    server = servers.make(cloud, networks=[{"port": port["id"]}])
    (line,) = server["addresses"]["private"]
    assert line == {
        "version": 4,
        "addr": port["fixed_ips"][0]["ip_address"],
        "OS-EXT-IPS:type": "fixed",
        "OS-EXT-IPS-MAC:mac_addr": port["mac_address"],
    }
    assert server["security_groups"] == [{"name": "default"}]
    used = refused(cloud, networks=[{"port": port["id"]}])
    assert (used.status, servers.kind(used)) == (409, "conflictingRequest")
    assert servers.message(used) == f"Port {port['id']} is still in use."
    bound = cloud.call("GET", "network", f"/ports/{port['id']}").body["port"]
    assert (bound["device_id"], bound["status"]) == (server["id"], "ACTIVE")
    assert bound["device_owner"].startswith("compute:az")
    servers.act(cloud, server["id"], "forceDelete")
    cloud.until(lambda: servers.get(cloud, server["id"]) is None)
    freed = cloud.call("GET", "network", f"/ports/{port['id']}").body["port"]
    assert (freed["device_id"], freed["device_owner"]) == ("", "")


def test_on_a_network_by_its_id_the_port_comes_and_goes(cloud):
    network = servers.pick(cloud, "network", "/networks", "private")
    server = servers.make(cloud, networks=[{"uuid": network}])
    assert list(server["addresses"]) == ["private"]
    path = f"/ports?device_id={server['id']}"
    (port,) = cloud.call("GET", "network", path).body["ports"]
    interfaces = cloud.call("GET", "compute", f"/servers/{server['id']}/os-interface").body[
        "interfaceAttachments"
    ]
    assert [(line["port_id"], line["net_id"]) for line in interfaces] == [(port["id"], network)]
    servers.act(cloud, server["id"], "forceDelete")
    cloud.until(lambda: not cloud.call("GET", "network", path).body["ports"])


@pytest.mark.parametrize(
    ("more", "status", "said"),
    [
        ({"name": None}, 400, "Invalid input for field/attribute server."),
        ({"name": ""}, 400, "Invalid input for field/attribute name. Value: ."),
        ({"name": 1}, 400, "Invalid input for field/attribute name. Value: 1. 1 is not of type 'string'"),
        ({"flavorRef": UNKNOWN}, 400, f"Flavor {UNKNOWN} could not be found."),
        ({"imageRef": UNKNOWN}, 400, "Can not find requested image"),
        ({"imageRef": ""}, 400, "Missing imageRef attribute"),
        ({"key_name": "no-such-key"}, 400, "Invalid key_name provided."),
        ({"availability_zone": "mars"}, 400, "The requested availability zone is not available"),
        ({"networks": [{"uuid": UNKNOWN}]}, 400, f"Network {UNKNOWN} could not be found."),
        ({"networks": [{"port": UNKNOWN}]}, 400, f"Port id {UNKNOWN} could not be found."),
        ({"networks": None}, 400, "Invalid input for field/attribute server."),
        ({"min_count": 3, "max_count": 2}, 400, "min_count must be <= max_count"),
        ({"min_count": 0}, 400, "Invalid input for field/attribute min_count. Value: 0. 0 is less than the minimum of 1"),
        ({"nonsense": 1}, 400, "Invalid input for field/attribute server."),
        ({"tags": ["a,b"]}, 400, "Invalid input for field/attribute 0. Value: a,b."),
        ({"metadata": {"a": 1}}, 400, "Invalid input for field/attribute a. Value: 1. 1 is not of type 'string'"),
        ({"user_data": "abc"}, 400, "Invalid input for field/attribute user_data. Value: abc."),
        ({"metadata": {f"k{n}": "v" for n in range(129)}}, 403, "Maximum number of metadata items exceeds 128"),
    ],
)  # fmt: skip
def test_what_is_refused(cloud, more, status, said):
    answer = refused(cloud, **more)
    assert answer.status == status, answer.text
    assert servers.kind(answer) == ("badRequest" if status == 400 else "forbidden")
    assert servers.message(answer).startswith(said)


def test_an_unknown_security_group(cloud):
    network = servers.pick(cloud, "network", "/networks", "private")
    answer = refused(cloud, networks=[{"uuid": network}], security_groups=[{"name": "nowhere"}])
    assert answer.status == 400
    assert "nowhere" in servers.message(answer)


def test_an_image_that_wants_more_than_the_flavor_has(cloud):
    wish = {
        "name": cloud.name(), "disk_format": "raw", "container_format": "bare", "min_disk": 9, "min_ram": 0,
    }  # fmt: skip
    image = cloud.call("POST", "image", "/images", wish).body["id"]
    cloud.later("DELETE", "image", f"/images/{image}")
    queued = refused(cloud, imageRef=image)
    assert (queued.status, servers.message(queued)) == (400, f"Image {image} is not active.")
    cloud.call(
        "PUT",
        "image",
        f"/images/{image}/file",
        data=b"x",
        headers={"Content-Type": "application/octet-stream"},
    )
    answer = refused(cloud, imageRef=image)
    assert answer.status == 400
    assert servers.message(answer) == (
        "Flavor's disk is smaller than the minimum size specified in image metadata."
        f" Flavor disk is {1 << 30} bytes, minimum size is {9 << 30} bytes."
    )


@pytest.fixture
def tight(cloud):
    """The other project with room for two servers less one core."""
    path = f"/os-quota-sets/{cloud.other.project_id}"
    used = cloud.other.call("GET", "compute", f"{path}/detail").body["quota_set"]
    before = {name: used[name]["limit"] for name in ("instances", "cores")}
    now = {"instances": used["instances"]["in_use"] + 2, "cores": used["cores"]["in_use"] + 1}
    assert cloud.admin.call("PUT", "compute", path, {"quota_set": now | {"force": True}}).status == 200
    yield used
    cloud.admin.call("PUT", "compute", path, {"quota_set": before | {"force": True}})


def test_a_full_quota(cloud, tight):
    account = cloud.other
    answer = refused(account, min_count=3, max_count=3)
    assert (answer.status, servers.kind(answer)) == (403, "forbidden")
    cores, instances = tight["cores"]["in_use"], tight["instances"]["in_use"]
    assert servers.message(answer) == (
        f"Quota exceeded for cores, instances: Requested 3, 3, but already used {cores}, {instances}"
        f" of {cores + 1}, {instances + 2} cores, instances"
    )
    refusal = refused(account, flavorRef=servers.pick(account, "compute", "/flavors", "m1.medium"))
    assert servers.message(refusal) == (
        f"Quota exceeded for cores: Requested 2, but already used {cores} of {cores + 1} cores"
    )


def test_fewer_than_wished_when_the_quota_allows_fewer(cloud, tight):
    account = cloud.other
    wish = servers.wish(account, min_count=1, max_count=3, return_reservation_id=True)
    answer = account.call("POST", "compute", "/servers", wish, microversion=servers.NEWEST)
    assert answer.status == 202
    path = f"/servers?reservation_id={answer.body['reservation_id']}"
    booted = account.call("GET", "compute", path).body["servers"]
    for server in booted:
        servers.remove(account, server["id"])
    assert len(booted) == 1
    servers.settle(account, booted[0]["id"])


def test_servers_of_others_do_not_exist(cloud):
    server = servers.make(cloud)
    path = f"/servers/{server['id']}"
    for method in ("GET", "DELETE"):
        assert cloud.other.call(method, "compute", path).status == 404
    assert servers.act(cloud.other, server["id"], "os-stop").status == 404
    seen = cloud.admin.call("GET", "compute", path, microversion=servers.NEWEST)
    assert {"OS-EXT-SRV-ATTR:host", "OS-EXT-SRV-ATTR:hypervisor_hostname", "host_status"} <= set(
        seen.body["server"]
    )


def test_a_server_without_a_host_takes_its_volumes_along(cloud):
    volume = cloud.call(
        "POST", "block-storage", "/volumes", {"volume": {"size": 1, "name": cloud.name()}}
    ).body
    path = f"/volumes/{volume['volume']['id']}"
    cloud.later("DELETE", "block-storage", path)
    cloud.until(lambda: cloud.call("GET", "block-storage", path).body["volume"]["status"] == "available")
    disk = {
        "uuid": volume["volume"]["id"],
        "source_type": "volume",
        "destination_type": "volume",
        "boot_index": -1,
        "delete_on_termination": True,
    }
    image = {
        "uuid": servers.wish(cloud)["server"]["imageRef"],
        "source_type": "image",
        "destination_type": "local",
        "boot_index": 0,
    }
    wish = {"server_group": {"name": cloud.name(), "policy": "anti-affinity"}}
    group = cloud.call("POST", "compute", "/os-server-groups", wish, microversion="2.64").body["server_group"]
    cloud.later("DELETE", "compute", f"/os-server-groups/{group['id']}")
    hints = {"group": group["id"]}
    for _ in range(2):
        body = servers.wish(cloud, availability_zone="az1") | {"os:scheduler_hints": hints}
        booted = cloud.call("POST", "compute", "/servers", body, microversion=servers.NEWEST).body["server"]
        servers.remove(cloud, booted["id"])
        assert servers.settle(cloud, booted["id"])["status"] == "ACTIVE"
    body = servers.wish(cloud, availability_zone="az1", block_device_mapping_v2=[image, disk])
    body["os:scheduler_hints"] = hints
    booted = cloud.call("POST", "compute", "/servers", body, microversion=servers.NEWEST).body["server"]
    servers.remove(cloud, booted["id"])
    assert servers.settle(cloud, booted["id"])["status"] == "ERROR"
    servers.act(cloud, booted["id"], "forceDelete")
    cloud.until(lambda: cloud.call("GET", "block-storage", path).status == 404)


def test_anti_affinity_needs_as_many_hosts(cloud):
    wish = {"server_group": {"name": cloud.name(), "policy": "anti-affinity"}}
    group = cloud.call("POST", "compute", "/os-server-groups", wish, microversion="2.64").body["server_group"]
    cloud.later("DELETE", "compute", f"/os-server-groups/{group['id']}")
    body = servers.wish(cloud, availability_zone="az1", min_count=3, max_count=3, return_reservation_id=True)
    body["os:scheduler_hints"] = {"group": group["id"]}
    answer = cloud.call("POST", "compute", "/servers", body, microversion=servers.NEWEST)
    path = f"/servers?reservation_id={answer.body['reservation_id']}"
    booted = cloud.call("GET", "compute", path).body["servers"]
    for server in booted:
        servers.remove(cloud, server["id"])
    ends = [servers.settle(cloud, server["id"]) for server in booted]
    assert "ERROR" in {server["status"] for server in ends}
    broken = next(server for server in ends if server["status"] == "ERROR")
    assert broken["fault"]["code"] == 500
    assert broken["fault"]["message"].startswith("No valid host was found.")
    assert {"code", "created", "message"} <= set(broken["fault"])
