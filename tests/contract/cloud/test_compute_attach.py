"""What is attached to a server: volumes, interfaces, security groups, public addresses."""

import pytest

from tests.contract.cloud import servers

UNKNOWN = "b2b1f7f0-0000-4000-8000-000000000000"


@pytest.fixture(scope="module")
def server(lasting):
    network = servers.pick(lasting, "network", "/networks", "private")
    server_id = servers.make(lasting, networks=[{"uuid": network}])
    return server_id["id"]


def volume(cloud, status="available", **more):
    wish = {"volume": {"size": 1, "name": cloud.name(), **more}}
    answer = cloud.call("POST", "volume", "/volumes", wish)
    assert answer.status == 202, answer.text
    volume_id = answer.body["volume"]["id"]
    cloud.later("DELETE", "volume", f"/volumes/{volume_id}")
    return becomes(cloud, volume_id, status)


def becomes(cloud, volume_id, status):
    def look():
        volume = cloud.call("GET", "volume", f"/volumes/{volume_id}").body["volume"]
        return volume if volume["status"] == status else None

    return cloud.until(look)["id"]


def test_attach_and_detach_a_volume(cloud, server):
    volume_id = volume(cloud)
    path = f"/servers/{server}/os-volume_attachments"
    wish = {"volumeAttachment": {"volumeId": volume_id}}
    answer = cloud.call("POST", "compute", path, wish, microversion="2.89")
    assert answer.status == 200, answer.text
    attachment = answer.body["volumeAttachment"]
    assert attachment["volumeId"] == volume_id
    assert attachment["device"].startswith("/dev/")
    becomes(cloud, volume_id, "in-use")
    single = cloud.call("GET", "compute", f"{path}/{volume_id}", microversion="2.89").body["volumeAttachment"]
    assert set(single) == {
        "volumeId", "serverId", "device", "tag", "delete_on_termination", "attachment_id", "bdm_uuid",
    }  # fmt: skip
    old = cloud.call("GET", "compute", f"{path}/{volume_id}").body["volumeAttachment"]
    assert set(old) == {"id", "volumeId", "serverId", "device"}
    attached = servers.get(cloud, server)["os-extended-volumes:volumes_attached"]
    assert attached == [{"id": volume_id, "delete_on_termination": False}]
    (line,) = cloud.call("GET", "volume", f"/volumes/{volume_id}").body["volume"]["attachments"]
    assert (line["server_id"], line["device"]) == (server, single["device"])
    again = cloud.call("POST", "compute", path, wish)
    assert (again.status, servers.kind(again)) == (400, "badRequest")
    assert cloud.call("DELETE", "volume", f"/volumes/{volume_id}").status == 400
    assert cloud.call("DELETE", "compute", f"{path}/{volume_id}").status == 202
    becomes(cloud, volume_id, "available")
    cloud.until(lambda: not servers.get(cloud, server)["os-extended-volumes:volumes_attached"])
    missing = cloud.call("DELETE", "compute", f"{path}/{volume_id}")
    assert (missing.status, servers.kind(missing)) == (404, "itemNotFound")


def test_an_unknown_volume(cloud, server):
    wish = {"volumeAttachment": {"volumeId": UNKNOWN}}
    answer = cloud.call("POST", "compute", f"/servers/{server}/os-volume_attachments", wish)
    assert (answer.status, servers.message(answer)) == (404, f"Volume {UNKNOWN} could not be found.")


def test_boot_from_an_image_into_a_volume_that_goes_along(cloud):
    disk = {
        "source_type": "image",
        "destination_type": "volume",
        "uuid": servers.pick(cloud, "image", "/images", "cirros"),
        "boot_index": 0,
        "volume_size": 1,
        "delete_on_termination": True,
    }
    server = servers.make(cloud, imageRef=None, block_device_mapping_v2=[disk])
    assert (server["status"], server["image"]) == ("ACTIVE", "")
    ((attached),) = server["os-extended-volumes:volumes_attached"]
    assert attached["delete_on_termination"] is True
    volume = cloud.call("GET", "volume", f"/volumes/{attached['id']}").body["volume"]
    assert (volume["status"], volume["bootable"], volume["size"]) == ("in-use", "true", 1)
    servers.act(cloud, server["id"], "forceDelete")
    cloud.until(lambda: cloud.call("GET", "volume", f"/volumes/{attached['id']}").status == 404)


def test_boot_with_volumes_made_before(cloud):
    root = volume(cloud, imageRef=servers.pick(cloud, "image", "/images", "cirros"))
    data = volume(cloud)
    disks = [
        {"source_type": "volume", "destination_type": "volume", "uuid": root, "boot_index": 0},
        {"source_type": "volume", "destination_type": "volume", "uuid": data, "boot_index": -1},
    ]
    server = servers.make(cloud, imageRef=None, block_device_mapping_v2=disks)
    assert server["status"] == "ACTIVE"
    attached = {line["id"] for line in server["os-extended-volumes:volumes_attached"]}
    assert attached == {root, data}
    servers.act(cloud, server["id"], "forceDelete")
    becomes(cloud, root, "available")
    becomes(cloud, data, "available")


@pytest.mark.parametrize(
    ("disk", "said"),
    [
        (
            {"source_type": "volume", "destination_type": "volume", "uuid": UNKNOWN, "boot_index": 0},
            f"Block Device Mapping is Invalid: failed to get volume {UNKNOWN}.",
        ),
        (
            {
                "source_type": "image",
                "destination_type": "volume",
                "uuid": UNKNOWN,
                "boot_index": 0,
                "volume_size": 1,
            },
            f"Block Device Mapping is Invalid: failed to get image {UNKNOWN}.",
        ),
        (
            {"source_type": "blank", "destination_type": "volume", "boot_index": 0},
            "Blank volumes (source: 'blank', dest: 'volume') need to have non-zero size",
        ),
        (
            {"source_type": "moon", "destination_type": "volume"},
            "Invalid input for field/attribute source_type.",
        ),
    ],
)
def test_disks_that_cannot_be(cloud, disk, said):
    wish = servers.wish(cloud, imageRef=None, block_device_mapping_v2=[disk])
    answer = cloud.call("POST", "compute", "/servers", wish, microversion=servers.NEWEST)
    assert answer.status == 400, answer.text
    assert servers.message(answer).startswith(said)


def test_another_interface(cloud, server):
    network = servers.pick(cloud, "network", "/networks", "private")
    path = f"/servers/{server}/os-interface"
    answer = cloud.call("POST", "compute", path, {"interfaceAttachment": {"net_id": network}})
    assert answer.status == 200, answer.text
    line = answer.body["interfaceAttachment"]
    assert set(line) == {"net_id", "port_id", "mac_addr", "port_state", "fixed_ips"}
    interface = cloud.call("GET", "compute", f"{path}/{line['port_id']}").body["interfaceAttachment"]
    assert interface["fixed_ips"] == line["fixed_ips"]
    assert len(servers.get(cloud, server)["addresses"]["private"]) == 2
    assert cloud.call("DELETE", "compute", f"{path}/{line['port_id']}").status == 202
    cloud.until(lambda: len(servers.get(cloud, server)["addresses"]["private"]) == 1)
    cloud.until(lambda: cloud.call("GET", "network", f"/ports/{line['port_id']}").status == 404)
    assert cloud.call("GET", "compute", f"{path}/{UNKNOWN}").status == 404


def test_addresses(cloud, server):
    addresses = cloud.call("GET", "compute", f"/servers/{server}/ips").body["addresses"]
    ((line,),) = addresses.values()
    assert set(line) == {"version", "addr"}
    assert cloud.call("GET", "compute", f"/servers/{server}/ips/private").body == addresses
    assert cloud.call("GET", "compute", f"/servers/{server}/ips/nowhere").status == 404


def test_a_public_address_appears_on_the_server(cloud, server):
    public = servers.pick(cloud, "network", "/networks", "public")
    (port,) = cloud.call("GET", "network", f"/ports?device_id={server}").body["ports"]
    wish = {"floatingip": {"floating_network_id": public, "port_id": port["id"]}}
    answer = cloud.call("POST", "network", "/floatingips", wish)
    assert answer.status == 201, answer.text
    path = f"/floatingips/{answer.body['floatingip']['id']}"
    cloud.later("DELETE", "network", path)

    def kinds():
        lines = servers.get(cloud, server)["addresses"]["private"]
        return {line["OS-EXT-IPS:type"]: line["addr"] for line in lines}

    cloud.until(lambda: kinds().get("floating") == answer.body["floatingip"]["floating_ip_address"])
    assert cloud.call("DELETE", "network", path).status == 204
    cloud.until(lambda: "floating" not in kinds())


def test_security_groups_come_and_go(cloud, server):
    name = cloud.name()
    group = cloud.call("POST", "network", "/security-groups", {"security_group": {"name": name}}).body
    cloud.later("DELETE", "network", f"/security-groups/{group['security_group']['id']}")

    def held():
        groups = cloud.call("GET", "compute", f"/servers/{server}/os-security-groups").body["security_groups"]
        return {line["name"] for line in groups}

    assert servers.act(cloud, server, "addSecurityGroup", {"name": name}).status == 202
    assert held() == {"default", name}
    assert {"name": name} in servers.get(cloud, server)["security_groups"]
    assert servers.act(cloud, server, "removeSecurityGroup", {"name": name}).status == 202
    assert held() == {"default"}
    assert servers.act(cloud, server, "addSecurityGroup", {"name": "nowhere"}).status == 404
