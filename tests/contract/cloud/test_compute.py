"""Nova beside servers: versions, errors, flavors, zones, limits, keypairs, groups."""

import pytest

from tests.contract.cloud import servers

UNKNOWN = "b2b1f7f0-0000-4000-8000-000000000000"
PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIO2a9XHxYdA1z9vJq9rGgQ0bPOfB0M7bSOr1ZkqvXb1T contract"


def test_version_document(cloud):
    answer = cloud.call("GET", "compute", "", authenticated=False)
    version = answer.body["version"]
    assert (version["id"], version["status"], version["min_version"]) == ("v2.1", "CURRENT", "2.1")
    assert version["version"] == "2.104"
    assert set(version) == {"id", "status", "version", "min_version", "updated", "links", "media-types"}


def test_every_answer_has_request_ids_and_echoes_the_version(cloud):
    answer = cloud.call("GET", "compute", "/servers", microversion="2.60")
    assert answer.headers["x-openstack-request-id"] == answer.headers["x-compute-request-id"]
    assert answer.headers["x-openstack-request-id"].startswith("req-")
    assert answer.headers["OpenStack-API-Version"] == "compute 2.60"
    assert answer.headers["X-OpenStack-Nova-API-Version"] == "2.60"
    assert "OpenStack-API-Version" in answer.headers["Vary"]
    assert answer.headers["Date"]


def test_a_version_too_high(cloud):
    answer = cloud.call("GET", "compute", "/servers", microversion="2.9999")
    assert answer.status == 406
    assert servers.kind(answer) == "computeFault"
    assert servers.message(answer) == (
        "Version 2.9999 is not supported by the API. Minimum is 2.1 and maximum is 2.104."
    )


def test_a_version_that_is_none(cloud):
    answer = cloud.call("GET", "compute", "/servers", microversion="abc")
    assert (answer.status, servers.kind(answer)) == (400, "badRequest")
    assert servers.message(answer) == (
        "API Version String abc is of invalid format. Must be of format MajorNum.MinorNum."
    )


def test_an_unknown_path(cloud):
    answer = cloud.call("GET", "compute", "/nothing")
    assert answer.status == 404
    assert answer.headers["Content-Type"].startswith("text/html")


def test_a_body_that_is_no_json(cloud):
    answer = cloud.call(
        "POST", "compute", "/servers", data=b"{", headers={"Content-Type": "application/json"}
    )
    assert (answer.status, servers.message(answer)) == (400, "Malformed request body")


@pytest.mark.parametrize(
    ("path", "said"),
    [
        (f"/servers/{UNKNOWN}", f"Instance {UNKNOWN} could not be found."),
        (f"/flavors/{UNKNOWN}", f"Flavor {UNKNOWN} could not be found."),
        (f"/os-server-groups/{UNKNOWN}", f"Instance group {UNKNOWN} could not be found."),
    ],
)
def test_an_unknown_id(cloud, path, said):
    answer = cloud.call("GET", "compute", path)
    assert (answer.status, servers.kind(answer)) == (404, "itemNotFound")
    assert servers.message(answer) == said


def test_flavors(cloud):
    answer = cloud.call("GET", "compute", "/flavors/detail", microversion="2.61")
    flavors = {flavor["name"]: flavor for flavor in answer.body["flavors"]}
    assert {"m1.tiny", "m1.small", "m1.medium", "m1.large"} <= set(flavors)
    small = flavors["m1.small"]
    assert (small["vcpus"], small["ram"], small["disk"]) == (1, 2048, 20)
    assert set(small) == {
        "id", "name", "ram", "disk", "swap", "OS-FLV-EXT-DATA:ephemeral", "OS-FLV-DISABLED:disabled", "vcpus",
        "os-flavor-access:is_public", "rxtx_factor", "links", "description", "extra_specs",
    }  # fmt: skip
    assert small["swap"] == ""
    old = cloud.call("GET", "compute", f"/flavors/{small['id']}").body["flavor"]
    assert set(small) - set(old) == {"description", "extra_specs"}
    short = cloud.call("GET", "compute", "/flavors").body["flavors"][0]
    assert set(short) == {"id", "name", "links"}


def test_a_private_flavor_has_access_marks_and_a_description(cloud):
    admin, project = cloud.admin, cloud.project_id
    wish = {"name": cloud.name(), "ram": 64, "vcpus": 1, "disk": 0, "os-flavor-access:is_public": False}
    flavor = admin.call("POST", "compute", "/flavors", {"flavor": wish}).body["flavor"]
    path = f"/flavors/{flavor['id']}"
    admin.later("DELETE", "compute", path)
    listed = admin.call("GET", "compute", f"{path}/os-flavor-access")
    assert (listed.status, listed.body) == (200, {"flavor_access": []})
    assert cloud.call("GET", "compute", f"{path}/os-flavor-access").status == 403
    let_in, shut_out = {"addTenantAccess": {"tenant": project}}, {"removeTenantAccess": {"tenant": project}}
    assert cloud.call("GET", "compute", path).status == 404
    assert cloud.call("POST", "compute", f"{path}/action", let_in).status == 403
    assert admin.call("POST", "compute", f"{path}/action", let_in).body == {
        "flavor_access": [{"flavor_id": flavor["id"], "tenant_id": project}]
    }
    assert cloud.call("GET", "compute", path).status == 200
    assert admin.call("POST", "compute", f"{path}/action", let_in).status == 409
    assert admin.call("POST", "compute", f"{path}/action", shut_out).body == {"flavor_access": []}
    assert admin.call("POST", "compute", f"{path}/action", shut_out).status == 404
    nobody = {"addTenantAccess": {"tenant": "f" * 32}}
    assert admin.call("POST", "compute", f"{path}/action", nobody).status == 400
    marks = {"extra_specs": {"enamel:tag:0": "zwei Wörter"}}
    specs = f"{path}/os-extra_specs"
    assert admin.call("POST", "compute", specs, marks).body == marks
    assert admin.call("DELETE", "compute", f"{specs}/enamel:tag:0").status == 200
    assert admin.call("DELETE", "compute", f"{specs}/enamel:tag:0").status == 404
    new = {"flavor": {"description": "New."}}
    assert (
        admin.call("PUT", "compute", path, new, microversion="2.55").body["flavor"]["description"] == "New."
    )
    assert admin.call("PUT", "compute", path, new, microversion="2.54").status == 404
    assert cloud.call("PUT", "compute", path, new, microversion="2.55").status == 403
    public = servers.pick(cloud, "compute", "/flavors", "m1.tiny")
    assert admin.call("GET", "compute", f"/flavors/{public}/os-flavor-access").status == 404
    assert (
        admin.call("POST", "compute", f"/flavors/{public}/action", let_in, microversion="2.7").status == 409
    )
    again = {"flavor": {**wish, "id": flavor["id"], "ram": 128}}
    assert admin.call("POST", "compute", "/flavors", again).status == 409
    assert admin.call("DELETE", "compute", path).status == 202
    assert admin.call("POST", "compute", "/flavors", again).body["flavor"]["id"] == flavor["id"]


def test_flavors_are_made_by_admins_only(cloud):
    wish = {"flavor": {"name": cloud.name(), "ram": 64, "vcpus": 1, "disk": 0}}
    assert cloud.call("POST", "compute", "/flavors", wish).status == 403
    answer = cloud.admin.call("POST", "compute", "/flavors", wish)
    assert answer.status == 200
    path = f"/flavors/{answer.body['flavor']['id']}"
    cloud.admin.later("DELETE", "compute", path)
    assert cloud.admin.call("POST", "compute", "/flavors", wish).status == 409
    specs = {"extra_specs": {"hw:cpu_policy": "shared"}}
    assert cloud.admin.call("POST", "compute", f"{path}/os-extra_specs", specs).body == specs
    assert cloud.call("GET", "compute", f"{path}/os-extra_specs").body == specs
    assert cloud.admin.call("DELETE", "compute", path).status == 202
    assert cloud.call("GET", "compute", path).status == 404


def test_zones(cloud):
    zones = cloud.call("GET", "compute", "/os-availability-zone").body["availabilityZoneInfo"]
    assert sorted(zone["zoneName"] for zone in zones) == ["az1", "az2"]
    assert zones[0] == {"zoneName": zones[0]["zoneName"], "zoneState": {"available": True}, "hosts": None}
    assert cloud.call("GET", "compute", "/os-availability-zone/detail").status == 403
    details = cloud.admin.call("GET", "compute", "/os-availability-zone/detail").body["availabilityZoneInfo"]
    by_name = {zone["zoneName"]: zone for zone in details}
    assert {"internal", "az1", "az2"} <= set(by_name)
    (host, *_) = by_name["az1"]["hosts"].values()
    assert set(host["nova-compute"]) == {"active", "available", "updated_at"}


@pytest.mark.parametrize("microversion", ["2.1", "2.36", "2.57"])
def test_limits(cloud, microversion):
    limits = cloud.call("GET", "compute", "/limits", microversion=microversion).body["limits"]
    expected = {
        "maxTotalInstances", "maxTotalCores", "maxTotalRAMSize", "maxTotalKeypairs", "maxServerMeta",
        "maxServerGroups", "maxServerGroupMembers", "totalInstancesUsed", "totalCoresUsed", "totalRAMUsed",
        "totalServerGroupsUsed",
    }  # fmt: skip
    if microversion == "2.1":
        expected |= {
            "maxImageMeta", "maxPersonality", "maxPersonalitySize", "maxTotalFloatingIps", "maxSecurityGroups",
            "maxSecurityGroupRules", "totalFloatingIpsUsed", "totalSecurityGroupsUsed",
        }  # fmt: skip
    if microversion == "2.36":
        expected |= {"maxImageMeta", "maxPersonality", "maxPersonalitySize"}
    assert set(limits["absolute"]) == expected
    assert limits["rate"] == []


@pytest.mark.parametrize("microversion", ["2.1", "2.36", "2.57"])
def test_quota_set(cloud, microversion):
    path = f"/os-quota-sets/{cloud.project_id}"
    quota = cloud.call("GET", "compute", path, microversion=microversion).body["quota_set"]
    expected = {
        "id",
        "instances",
        "cores",
        "ram",
        "key_pairs",
        "server_groups",
        "server_group_members",
        "metadata_items",
    }
    if microversion < "2.57":
        expected |= {"injected_files", "injected_file_content_bytes", "injected_file_path_bytes"}
    if microversion == "2.1":
        expected |= {"fixed_ips", "floating_ips", "security_groups", "security_group_rules"}
    assert set(quota) == expected
    detail = cloud.call("GET", "compute", f"{path}/detail", microversion=microversion).body["quota_set"]
    assert set(detail) == expected
    assert set(detail["cores"]) == {"in_use", "limit", "reserved"}
    assert cloud.call("GET", "compute", f"/os-quota-sets/{cloud.other.project_id}").status == 403
    assert cloud.call("PUT", "compute", path, {"quota_set": {"cores": 1}}).status == 403


@pytest.mark.parametrize(
    ("microversion", "made", "gone"), [("2.1", 200, 202), ("2.2", 201, 204), ("2.92", 201, 204)]
)
def test_keypairs(cloud, microversion, made, gone):
    name = cloud.name()
    wish = {"keypair": {"name": name, "public_key": PUBLIC_KEY}}
    answer = cloud.call("POST", "compute", "/os-keypairs", wish, microversion=microversion)
    assert answer.status == made
    cloud.later("DELETE", "compute", f"/os-keypairs/{name}")
    expected = {"name", "public_key", "fingerprint", "user_id"} | (
        {"type"} if microversion > "2.1" else set()
    )
    assert set(answer.body["keypair"]) == expected
    again = cloud.call("POST", "compute", "/os-keypairs", wish, microversion=microversion)
    assert (again.status, servers.message(again)) == (409, f"Key pair '{name}' already exists.")
    keypair = cloud.call("GET", "compute", f"/os-keypairs/{name}", microversion=microversion).body["keypair"]
    assert set(keypair) == expected | {"id", "created_at", "deleted", "deleted_at", "updated_at"}
    listed = cloud.call("GET", "compute", "/os-keypairs", microversion=microversion).body["keypairs"]
    (mine,) = [item["keypair"] for item in listed if item["keypair"]["name"] == name]
    assert set(mine) == expected - {"user_id"}
    assert cloud.call("DELETE", "compute", f"/os-keypairs/{name}", microversion=microversion).status == gone
    missing = cloud.call("GET", "compute", f"/os-keypairs/{name}", microversion=microversion)
    assert missing.status == 404
    assert servers.message(missing) == f"Keypair {name} not found for user {cloud.user_id}"


def test_a_key_that_is_none(cloud):
    wish = {"keypair": {"name": cloud.name(), "public_key": "ssh-rsa nonsense"}}
    answer = cloud.call("POST", "compute", "/os-keypairs", wish)
    assert (answer.status, servers.kind(answer)) == (400, "badRequest")


def test_a_key_made_by_the_cloud_until_it_no_longer_does(cloud):
    name = cloud.name()
    answer = cloud.call("POST", "compute", "/os-keypairs", {"keypair": {"name": name}})
    cloud.later("DELETE", "compute", f"/os-keypairs/{name}")
    assert "PRIVATE KEY" in answer.body["keypair"]["private_key"]
    refused = cloud.call(
        "POST", "compute", "/os-keypairs", {"keypair": {"name": cloud.name()}}, microversion="2.92"
    )
    assert refused.status == 400


def test_keypairs_come_in_pages(cloud):
    names = sorted(cloud.name() for _ in range(3))
    for name in names:
        cloud.call("POST", "compute", "/os-keypairs", {"keypair": {"name": name, "public_key": PUBLIC_KEY}})
        cloud.later("DELETE", "compute", f"/os-keypairs/{name}")
    path = f"/os-keypairs?limit=1&marker={names[0]}"
    page = cloud.call("GET", "compute", path, microversion="2.35").body
    assert [item["keypair"]["name"] for item in page["keypairs"]] == [names[1]]
    assert page["keypairs_links"][0]["rel"] == "next"


@pytest.mark.parametrize("microversion", ["2.1", "2.64"])
def test_server_groups(cloud, microversion):
    new = microversion == "2.64"
    policy = {"policy": "anti-affinity"} if new else {"policies": ["anti-affinity"]}
    wish = {"server_group": {"name": cloud.name(), **policy}}
    answer = cloud.call("POST", "compute", "/os-server-groups", wish, microversion=microversion)
    assert answer.status == 200
    group = answer.body["server_group"]
    path = f"/os-server-groups/{group['id']}"
    cloud.later("DELETE", "compute", path)
    expected = {"id", "name", "members"}
    expected |= {"policy", "rules", "project_id", "user_id"} if new else {"policies", "metadata"}
    assert set(group) == expected
    assert cloud.call("GET", "compute", path, microversion=microversion).body["server_group"] == group
    assert cloud.other.call("GET", "compute", path).status in (403, 404)
    assert cloud.call("DELETE", "compute", path).status == 204
    bad = {"server_group": {"name": "x", "policies": ["nearby"]}}
    assert cloud.call("POST", "compute", "/os-server-groups", bad).status == 400


@pytest.mark.parametrize(("microversion", "status"), [("2.1", 400), ("2.91", 400), ("2.92", 201)])
def test_a_key_may_have_the_name_of_a_mailbox_from_2_92_on(cloud, microversion, status):
    name = f"{cloud.name()}@here.org"
    wish = {"keypair": {"name": name, "public_key": PUBLIC_KEY}}
    answer = cloud.call("POST", "compute", "/os-keypairs", wish, microversion=microversion)
    cloud.later("DELETE", "compute", f"/os-keypairs/{name}")
    assert answer.status == status
    if status == 400:
        assert "does not match" in answer.body["badRequest"]["message"]
