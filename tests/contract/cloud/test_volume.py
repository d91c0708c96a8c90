"""Cinder: volumes, snapshots, types, transfers, quotas and messages."""

import pytest

NOWHERE = "00000000-0000-0000-0000-000000000000"
LATEST = "3.71"
OLDEST = {
    "id", "status", "size", "availability_zone", "created_at", "updated_at", "name", "description", "volume_type",
    "snapshot_id", "source_volid", "metadata", "links", "user_id", "bootable", "encrypted", "replication_status",
    "consistencygroup_id", "multiattach", "attachments",
}  # fmt: skip
NEWEST = OLDEST | {"group_id", "shared_targets", "service_uuid", "volume_type_id", "consumes_quota"}
READ = {"os-vol-tenant-attr:tenant_id"}
UNDELETABLE = (
    "Invalid volume: Volume status must be available or error or error_restoring or error_extending or error_managing"
    " and must not be migrating, attached, belong to a group, have snapshots, awaiting a transfer, or be disassociated"
    " from snapshots after volume transfer."
)


def call(account, method, path, body=None, version=LATEST):
    return account.call(method, "volume", path, body, microversion=version)


def refusal(answer):
    (kind,) = answer.body
    assert answer.body[kind]["code"] == answer.status
    return answer.status, kind, answer.body[kind]["message"]


def shown(cloud, volume, version=LATEST, account=None):
    answer = call(account or cloud, "GET", f"/volumes/{volume['id']}", version=version)
    assert answer.status == 200
    return answer.body["volume"]


def arrive(cloud, volume, status="available"):
    def look():
        body = shown(cloud, volume)
        return body if body["status"] in (status, "error") else None

    body = cloud.until(look)
    assert body["status"] == status
    return body


@pytest.fixture
def make(cloud):
    def volume(**wish):
        answer = call(cloud, "POST", "/volumes", {"volume": {"size": 1, "name": cloud.name()} | wish})
        assert answer.status == 202, answer.text
        body = answer.body["volume"]

        def gone():
            return call(cloud, "GET", f"/volumes/{body['id']}").status == 404

        def delete():
            cloud.until(lambda: gone() or call(cloud, "DELETE", f"/volumes/{body['id']}").status == 202)
            cloud.until(gone)

        cloud.afterwards(delete)
        return body

    return volume


@pytest.fixture
def snap(cloud):
    def snapshot(volume):
        wish = {"volume_id": volume["id"], "name": cloud.name()}
        answer = call(cloud, "POST", "/snapshots", {"snapshot": wish})
        assert answer.status == 202, answer.text
        path = f"/snapshots/{answer.body['snapshot']['id']}"

        def delete():
            call(cloud, "DELETE", path)
            cloud.until(lambda: call(cloud, "GET", path).status == 404)

        cloud.afterwards(delete)
        cloud.until(lambda: call(cloud, "GET", path).body["snapshot"]["status"] == "available")
        return answer.body["snapshot"]

    return snapshot


def test_a_volume_from_making_to_deleting(cloud, make):
    volume = make(description="d", metadata={"mark": "x"})
    assert set(volume) == NEWEST
    assert volume["status"] == "creating"
    arrived = arrive(cloud, volume)
    assert set(arrived) == NEWEST | READ
    assert (arrived["size"], arrived["bootable"], arrived["metadata"]) == (1, "false", {"mark": "x"})
    assert arrived["volume_type"] == "__DEFAULT__"
    assert arrived["service_uuid"]
    assert set(shown(cloud, volume, version="3.0")) == OLDEST | READ
    assert "os-vol-host-attr:host" in shown(cloud, volume, account=cloud.admin)
    missing = (404, "itemNotFound", f"Volume {volume['id']} could not be found.")
    assert refusal(call(cloud.other, "GET", f"/volumes/{volume['id']}")) == missing
    assert call(cloud, "DELETE", f"/volumes/{volume['id']}").status == 202
    cloud.until(lambda: call(cloud, "GET", f"/volumes/{volume['id']}").status == 404)
    assert refusal(call(cloud, "DELETE", f"/volumes/{volume['id']}")) == missing


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        (
            {"size": 0},
            (400, "Invalid input for field/attribute size. Value: 0. 0 is less than the minimum of 1"),
        ),
        (
            {"size": "x"},
            (400, "Invalid input for field/attribute size. Value: x. 'x' does not match '^[0-9]+$'"),
        ),
        (
            {"size": 1, "bogus": 1},
            (
                400,
                "Invalid input for field/attribute volume. Value: {'size': 1, 'bogus': 1}. Additional properties are"
                " not allowed ('bogus' was unexpected)",
            ),
        ),
        ({"size": 1, "volume_type": "nope"}, (404, "Volume type with name nope could not be found.")),
        (
            {"size": 1, "imageRef": NOWHERE},
            (400, "Invalid image identifier or unable to access requested image."),
        ),
        ({"size": 1, "snapshot_id": NOWHERE}, (404, f"Snapshot {NOWHERE} could not be found.")),
        ({"size": 1, "source_volid": NOWHERE}, (404, f"Volume {NOWHERE} could not be found.")),
        (
            {},
            (
                400,
                "The server could not comply with the request since it is either malformed or otherwise incorrect.",
            ),
        ),
        (
            {"size": 1, "multiattach": True},
            (
                400,
                "multiattach parameter has been removed. The default behavior is to use multiattach enabled volume"
                " types. Contact your administrator to create a multiattach enabled volume type and use it to create"
                " multiattach volumes.",
            ),
        ),
    ],
)
def test_refused_volumes(cloud, wish, expected):
    status, _, message = refusal(call(cloud, "POST", "/volumes", {"volume": wish}))
    assert (status, message) == expected


def test_bodies_that_are_no_volumes(cloud):
    assert refusal(call(cloud, "POST", "/volumes", {"vol": 1})) == (
        400,
        "badRequest",
        "'volume' is a required property",
    )
    headers = {"Content-Type": "application/json"}
    broken = cloud.call("POST", "volume", "/volumes", data=b"{x", headers=headers)
    assert refusal(broken) == (400, "badRequest", "Malformed request body")


def test_a_zone_nobody_knows_falls_back(cloud, make):
    assert make(availability_zone="nope")["availability_zone"] == "nova"


def test_lists_and_filters(cloud, make):
    marked, two = make(metadata={"mark": cloud.name()}), make()
    arrive(cloud, marked)
    arrive(cloud, two)

    def ids(query):
        return [volume["id"] for volume in call(cloud, "GET", f"/volumes/detail?{query}").body["volumes"]]

    assert ids(f"name={marked['name']}") == [marked["id"]]
    mark = marked["metadata"]["mark"]
    assert ids(f"metadata={{'mark': '{mark}'}}") == [marked["id"]]
    assert {marked["id"], two["id"]} <= set(ids("status=available"))
    assert ids(f"name={marked['name']}&status=error") == []
    first = call(cloud, "GET", "/volumes?limit=1").body
    assert set(first["volumes"][0]) == {"id", "name", "links"}
    assert first["volumes_links"][0]["rel"] == "next"
    assert f"marker={first['volumes'][0]['id']}" in first["volumes_links"][0]["href"]
    assert call(cloud, "GET", "/volumes/detail?with_count=true&limit=1").body["count"] >= 2
    assert call(cloud.other, "GET", f"/volumes/detail?name={marked['name']}").body["volumes"] == []
    everywhere = call(cloud.admin, "GET", f"/volumes/detail?all_tenants=1&name={marked['name']}").body[
        "volumes"
    ]
    assert [volume["id"] for volume in everywhere] == [marked["id"]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("bogus=1", (400, "badRequest", "Invalid filters bogus are found in query options.")),
        ("limit=x", (400, "badRequest", "limit param must be an integer")),
        (f"marker={NOWHERE}", (404, "itemNotFound", f"Volume {NOWHERE} could not be found.")),
        (
            "sort=name:bogus",
            (400, "badRequest", "Invalid input received: Unknown sort direction, must be 'desc' or 'asc'."),
        ),
    ],
)
def test_refused_lists(cloud, query, expected):
    assert refusal(call(cloud, "GET", f"/volumes?{query}")) == expected


def test_changes_and_metadata(cloud, make):
    volume = make()
    arrive(cloud, volume)
    path = f"/volumes/{volume['id']}"
    name = cloud.name()
    changed = call(cloud, "PUT", path, {"volume": {"name": name, "metadata": {"a": "b"}}}).body["volume"]
    assert (changed["name"], changed["metadata"]) == (name, {"a": "b"})
    assert call(cloud, "POST", f"{path}/metadata", {"metadata": {"z": "1"}}).body == {
        "metadata": {"a": "b", "z": "1"}
    }
    assert call(cloud, "PUT", f"{path}/metadata", {"metadata": {"k": "1"}}).body == {"metadata": {"k": "1"}}
    assert call(cloud, "PUT", f"{path}/metadata/k", {"meta": {"k": "2"}}).body == {"meta": {"k": "2"}}
    assert call(cloud, "DELETE", f"{path}/metadata/k").status == 200
    missing = (404, "itemNotFound", f"Volume {volume['id']} has no metadata with key k.")
    assert refusal(call(cloud, "GET", f"{path}/metadata/k")) == missing


def test_actions(cloud, make):
    volume = make()
    arrive(cloud, volume)
    path = f"/volumes/{volume['id']}/action"
    assert call(cloud, "POST", path, {"os-extend": {"new_size": 2}}).status == 202
    cloud.until(lambda: shown(cloud, volume)["size"] == 2)
    arrive(cloud, volume)
    assert refusal(call(cloud, "POST", path, {"os-extend": {"new_size": 1}})) == (
        400,
        "badRequest",
        "Invalid input received: New size for extend must be greater than current size. (current: 2, extended: 1).",
    )
    assert call(cloud, "POST", path, {"os-set_bootable": {"bootable": True}}).status == 200
    assert shown(cloud, volume)["bootable"] == "true"
    retype = {"os-retype": {"new_type": "multiattach", "migration_policy": "never"}}
    assert call(cloud, "POST", path, retype).status == 202
    cloud.until(lambda: shown(cloud, volume)["volume_type"] == "multiattach")
    assert arrive(cloud, volume)["multiattach"] is True
    unknown = "There is no such action: bogus. Verify the request body and Content-Type header and try again."
    assert refusal(call(cloud, "POST", path, {"bogus": {}})) == (400, "badRequest", unknown)
    policy = "Policy doesn't allow volume_extension:volume_admin_actions:reset_status to be performed."
    reset = call(cloud, "POST", path, {"os-reset_status": {"status": "error"}})
    assert refusal(reset) == (403, "forbidden", policy)
    assert call(cloud.admin, "POST", path, {"os-reset_status": {"status": "error"}}).status == 202
    assert shown(cloud, volume)["status"] == "error"


def test_a_volume_of_an_image(cloud, make):
    image = cloud.call("GET", "image", "/images?name=cirros").body["images"][0]
    volume = make(imageRef=image["id"])
    assert volume["status"] == "creating"
    arrived = arrive(cloud, volume)
    assert arrived["bootable"] == "true"
    assert {
        "image_id",
        "image_name",
        "container_format",
        "disk_format",
        "min_disk",
        "min_ram",
        "size",
    } <= set(arrived["volume_image_metadata"])
    assert arrived["volume_image_metadata"]["image_id"] == image["id"]


def test_an_image_that_needs_more_room(cloud):
    wish = {"name": cloud.name(), "disk_format": "raw", "container_format": "bare", "min_disk": 5}
    image = cloud.call("POST", "image", "/images", wish).body["id"]
    cloud.later("DELETE", "image", f"/images/{image}")
    headers = {"Content-Type": "application/octet-stream"}
    cloud.call("PUT", "image", f"/images/{image}/file", data=b"x", headers=headers)
    answer = call(cloud, "POST", "/volumes", {"volume": {"size": 1, "imageRef": image}})
    message = "Invalid input received: Volume size 1GB cannot be smaller than the image minDisk size 5GB."
    assert refusal(answer) == (400, "badRequest", message)


def test_snapshots_and_what_is_made_of_them(cloud, make, snap):
    volume = make(size=2)
    arrive(cloud, volume)
    snapshot = snap(volume)
    assert set(snapshot) == {
        "id", "created_at", "updated_at", "name", "description", "volume_id", "status", "size", "metadata",
        "group_snapshot_id", "user_id", "consumes_quota",
    }  # fmt: skip
    assert refusal(call(cloud, "DELETE", f"/volumes/{volume['id']}")) == (400, "badRequest", UNDELETABLE)
    small = call(cloud, "POST", "/volumes", {"volume": {"size": 1, "snapshot_id": snapshot["id"]}})
    assert refusal(small) == (
        400,
        "badRequest",
        "Invalid input received: Volume size '1'GB cannot be smaller than the snapshot size 2GB. They must be >="
        " original snapshot size.",
    )
    copy = make(size=2, snapshot_id=snapshot["id"])
    assert arrive(cloud, copy)["snapshot_id"] == snapshot["id"]
    clone = make(size=2, source_volid=volume["id"])
    assert arrive(cloud, clone)["source_volid"] == volume["id"]
    brief = call(cloud, "GET", f"/snapshots?name={snapshot['name']}").body["snapshots"]
    assert [set(entry) for entry in brief] == [
        {"id", "created_at", "updated_at", "name", "description", "volume_id", "status", "size", "metadata"}
    ]
    full = call(cloud, "GET", f"/snapshots/detail?volume_id={volume['id']}").body["snapshots"]
    assert full[0]["os-extended-snapshot-attributes:progress"] == "100%"


def test_a_type_without_backend_makes_its_volumes_fail(cloud, make):
    wish = {"name": cloud.name(), "extra_specs": {"volume_backend_name": "nowhere"}}
    answer = call(cloud.admin, "POST", "/types", {"volume_type": wish})
    assert answer.status == 200
    kind = answer.body["volume_type"]
    cloud.admin.later("DELETE", "volume", f"/types/{kind['id']}")
    volume = make(volume_type=wish["name"])
    assert arrive(cloud, volume, "error")["volume_type"] == wish["name"]
    messages = call(cloud, "GET", f"/messages?resource_uuid={volume['id']}").body["messages"]
    assert set(messages[0]) == {
        "id", "event_id", "user_message", "message_level", "resource_type", "resource_uuid", "request_id",
        "created_at", "guaranteed_until", "links",
    }  # fmt: skip
    assert messages[0]["user_message"].startswith("schedule allocate volume:")


def test_types(cloud):
    types = {kind["name"]: kind for kind in call(cloud, "GET", "/types").body["volume_types"]}
    assert {"standard", "multiattach", "__DEFAULT__"} <= set(types)
    assert set(types["standard"]) == {
        "id", "name", "is_public", "description", "extra_specs", "os-volume-type-access:is_public",
    }  # fmt: skip
    assert types["multiattach"]["extra_specs"] == {"multiattach": "<is> True"}
    assert call(cloud, "GET", "/types/default").body["volume_type"]["name"] == "__DEFAULT__"
    by_name = call(cloud, "GET", "/types/standard")
    assert refusal(by_name) == (404, "itemNotFound", "Volume type standard could not be found.")
    assert call(cloud, "POST", "/types", {"volume_type": {"name": "x"}}).status == 403


def test_transfers(cloud, make):
    volume = make()
    arrive(cloud, volume)
    answer = call(cloud, "POST", "/volume-transfers", {"transfer": {"volume_id": volume["id"]}})
    assert answer.status == 202
    offer = answer.body["transfer"]
    assert shown(cloud, volume)["status"] == "awaiting-transfer"
    assert refusal(call(cloud, "DELETE", f"/volumes/{volume['id']}"))[2] == UNDELETABLE
    path = f"/volume-transfers/{offer['id']}/accept"
    assert call(cloud.other, "POST", path, {"accept": {"auth_key": "wrong"}}).status == 400
    assert call(cloud.other, "POST", path, {"accept": {"auth_key": offer["auth_key"]}}).status == 202
    assert call(cloud, "GET", f"/volumes/{volume['id']}").status == 404
    assert shown(cloud, volume, account=cloud.other)["status"] == "available"
    assert call(cloud.other, "DELETE", f"/volumes/{volume['id']}").status == 202
    cloud.until(lambda: call(cloud.other, "GET", f"/volumes/{volume['id']}").status == 404)


def test_limits_and_quotas(cloud):
    absolute = call(cloud, "GET", "/limits").body["limits"]["absolute"]
    assert set(absolute) == {
        "maxTotalVolumes", "maxTotalSnapshots", "maxTotalVolumeGigabytes", "maxTotalBackups", "maxTotalBackupGigabytes",
        "totalVolumesUsed", "totalGigabytesUsed", "totalSnapshotsUsed", "totalBackupsUsed", "totalBackupGigabytesUsed",
    }  # fmt: skip
    path = f"/os-quota-sets/{cloud.project_id}"
    plain = call(cloud, "GET", path).body["quota_set"]
    assert plain["volumes"] == absolute["maxTotalVolumes"]
    assert "gigabytes_standard" in plain
    used = call(cloud, "GET", f"{path}?usage=true").body["quota_set"]
    assert set(used["volumes"]) == {"limit", "in_use", "reserved"}
    assert used["volumes"]["in_use"] == absolute["totalVolumesUsed"]


def test_full_quotas(cloud):
    path = f"/os-quota-sets/{cloud.other.project_id}"
    before = call(cloud.admin, "GET", path).body["quota_set"]
    restored = {name: before[name] for name in ("volumes", "gigabytes")}
    cloud.admin.later("PUT", "volume", path, {"quota_set": restored})
    assert call(cloud.admin, "PUT", path, {"quota_set": {"volumes": 0}}).status == 200
    answer = call(cloud.other, "POST", "/volumes", {"volume": {"size": 1}})
    message = "VolumeLimitExceeded: Maximum number of volumes allowed (0) exceeded for quota 'volumes'."
    assert refusal(answer) == (413, "overLimit", message)
    assert answer.body["overLimit"]["retryAfter"] == "0"
    assert call(cloud.admin, "PUT", path, {"quota_set": {"volumes": 10, "gigabytes": 3}}).status == 200
    answer = call(cloud.other, "POST", "/volumes", {"volume": {"size": 4}})
    message = "VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed gigabytes quota. Requested 4G, quota is 3G and 0G has been"
    assert refusal(answer) == (413, "overLimit", f"{message} consumed.")


def test_what_a_volume_client_asks_first(cloud):
    assert call(cloud, "GET", "/os-availability-zone").body == {
        "availabilityZoneInfo": [{"zoneName": "nova", "zoneState": {"available": True}}]
    }
    aliases = {extension["alias"] for extension in call(cloud, "GET", "/extensions").body["extensions"]}
    assert {"os-volume-actions", "os-quota-sets", "os-volume-transfer"} <= aliases
    assert call(cloud, "GET", "/attachments").body == {"attachments": []}


def test_microversions(cloud):
    answer = call(cloud, "GET", "/volumes")
    assert answer.headers["OpenStack-API-Version"] == f"volume {LATEST}"
    assert answer.headers["Vary"] == "OpenStack-API-Version"
    assert cloud.call("GET", "volume", "/volumes").headers["OpenStack-API-Version"] == "volume 3.0"
    too_new = call(cloud, "GET", "/volumes", version="3.99")
    assert too_new.status == 406
    assert "Minimum is 3.0 and maximum is 3.71" in too_new.text
    assert call(cloud, "GET", "/volumes", version="x").status == 400
