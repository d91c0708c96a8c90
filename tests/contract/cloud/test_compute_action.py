"""Actions on servers, and the states in which they are refused."""

import pytest

from tests.contract.cloud import servers

ROUNDS = [
    ("os-stop", None, "SHUTOFF", 4),
    ("os-start", None, "ACTIVE", 1),
    ("pause", None, "PAUSED", 3),
    ("unpause", None, "ACTIVE", 1),
    ("suspend", None, "SUSPENDED", 4),
    ("resume", None, "ACTIVE", 1),
    ("reboot", {"type": "SOFT"}, "ACTIVE", 1),
    ("reboot", {"type": "HARD"}, "ACTIVE", 1),
    ("shelve", None, "SHELVED_OFFLOADED", 4),
    ("unshelve", None, "ACTIVE", 1),
]


@pytest.fixture(scope="module")
def server(lasting):
    server_id = servers.make(lasting)
    return server_id["id"]


@pytest.mark.parametrize(("name", "value", "status", "power"), ROUNDS)
def test_there_and_back(cloud, server, name, value, status, power):
    answer = servers.act(cloud, server, name, value)
    assert (answer.status, answer.text) == (202, "")
    after = servers.settle(cloud, server)
    assert after["status"] == status
    if status != "SHELVED_OFFLOADED":
        assert after["OS-EXT-STS:power_state"] == power
    assert ("progress" in after) == (status == "ACTIVE")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("os-start", None),
        ("unpause", None),
        ("resume", None),
        ("unrescue", None),
        ("confirmResize", None),
        ("revertResize", None),
        ("unshelve", None),
        ("restore", None),
    ],
)
def test_not_in_this_state(cloud, server, name, value):
    servers.settle(cloud, server)
    answer = servers.act(cloud, server, name, value)
    assert (answer.status, servers.kind(answer)) == (409, "conflictingRequest")
    assert (
        servers.message(answer)
        == f"Cannot '{name.removeprefix('os-')}' instance {server} while it is in vm_state active"
    )


def test_rescue(cloud, server):
    answer = servers.act(cloud, server, "rescue")
    assert answer.status == 200
    assert set(answer.body) == {"adminPass"}
    assert servers.settle(cloud, server)["status"] == "RESCUE"
    assert servers.act(cloud, server, "unrescue").status == 202
    assert servers.settle(cloud, server)["status"] == "ACTIVE"


def test_resize_and_revert_then_confirm(cloud, server):
    small = servers.pick(cloud, "compute", "/flavors", "m1.small")
    for end, status, name in (("revertResize", 202, "m1.tiny"), ("confirmResize", 204, "m1.small")):
        assert servers.act(cloud, server, "resize", {"flavorRef": small}).status == 202
        resized = servers.settle(cloud, server)
        assert (resized["status"], resized["flavor"]["original_name"]) == ("VERIFY_RESIZE", "m1.small")
        assert servers.act(cloud, server, end).status == status
        after = cloud.until(
            lambda: (settled := servers.settle(cloud, server))["status"] == "ACTIVE" and settled
        )
        assert after["flavor"]["original_name"] == name
    same = servers.act(cloud, server, "resize", {"flavorRef": small})
    assert (same.status, servers.message(same)) == (400, "When resizing, instances must change flavor!")


def test_rebuild(cloud, server):
    image = servers.pick(cloud, "image", "/images", "ubuntu")
    answer = servers.act(cloud, server, "rebuild", {"imageRef": image})
    assert answer.status == 202
    assert answer.body["server"]["image"]["id"] == image
    assert "adminPass" in answer.body["server"]
    assert servers.settle(cloud, server)["image"]["id"] == image


@pytest.mark.parametrize("microversion", ["2.1", "2.45"])
def test_an_image_of_a_server(cloud, server, microversion):
    name = cloud.name()
    answer = servers.act(
        cloud, server, "createImage", {"name": name, "metadata": {"a": "b"}}, microversion=microversion
    )
    assert answer.status == 202
    image = (
        answer.body["image_id"] if microversion == "2.45" else answer.headers["Location"].rpartition("/")[2]
    )
    cloud.later("DELETE", "image", f"/images/{image}")
    path = f"/images/{image}"
    cloud.until(lambda: cloud.call("GET", "image", path).body["status"] == "active")
    body = cloud.call("GET", "image", path).body
    assert (body["name"], body["image_type"], body["a"]) == (name, "snapshot", "b")
    assert body["instance_uuid"] == server
    servers.settle(cloud, server)


def test_lock(cloud, server):
    assert servers.act(cloud, server, "lock", {"locked_reason": "mine"}).status == 202
    locked = servers.get(cloud, server)
    assert (locked["locked"], locked["locked_reason"]) == (True, "mine")
    for answer in (
        servers.act(cloud, server, "os-stop"),
        cloud.call("DELETE", "compute", f"/servers/{server}"),
    ):
        assert answer.status == 409
        assert servers.message(answer) == f"Instance {server} is locked"
    assert servers.act(cloud, server, "unlock").status == 202
    assert servers.get(cloud, server)["locked"] is False


def test_console(cloud, server):
    output = servers.act(cloud, server, "os-getConsoleOutput", {"length": 2})
    assert output.status == 200
    assert set(output.body) == {"output"}
    wish = {"remote_console": {"protocol": "vnc", "type": "novnc"}}
    console = cloud.call("POST", "compute", f"/servers/{server}/remote-consoles", wish, microversion="2.6")
    assert console.status == 200
    assert set(console.body["remote_console"]) == {"protocol", "type", "url"}


@pytest.mark.parametrize("name", ["migrate", "os-resetState", "shelveOffload"])
def test_what_only_admins_may(cloud, server, name):
    answer = servers.act(cloud, server, name, {"state": "error"} if name == "os-resetState" else None)
    assert (answer.status, servers.kind(answer)) == (403, "forbidden")
    assert servers.message(answer).startswith("Policy doesn't allow os_compute_api:")


def test_an_admin_declares_a_server_broken_and_whole(cloud, server):
    for state, status in (("error", "ERROR"), ("active", "ACTIVE")):
        assert servers.act(cloud.admin, server, "os-resetState", {"state": state}).status == 202
        assert servers.get(cloud, server)["status"] == status


def test_an_admin_moves_a_running_server(cloud, server):
    wish = {"host": None, "block_migration": "auto"}
    assert servers.act(cloud.admin, server, "os-migrateLive", wish).status == 202
    assert servers.settle(cloud, server)["status"] == "ACTIVE"


@pytest.mark.parametrize("body", [{"nonsense": None}, {}])
def test_an_unknown_action(cloud, server, body):
    answer = cloud.call("POST", "compute", f"/servers/{server}/action", body)
    assert (answer.status, servers.kind(answer)) == (400, "badRequest")


def test_the_action_log(cloud, server):
    actions = cloud.call("GET", "compute", f"/servers/{server}/os-instance-actions", microversion="2.62").body
    lines = actions["instanceActions"]
    assert lines[-1]["action"] == "create"
    assert set(lines[0]) == {
        "action", "instance_uuid", "request_id", "user_id", "project_id", "start_time", "message", "updated_at",
    }  # fmt: skip
    path = f"/servers/{server}/os-instance-actions/{lines[-1]['request_id']}"
    action = cloud.call("GET", "compute", path, microversion="2.62").body["instanceAction"]
    assert {event["result"] for event in action["events"]} == {"Success"}
    assert {"event", "start_time", "finish_time", "result", "hostId"} <= set(action["events"][0])
    wrong = cloud.call("GET", "compute", f"/servers/{server}/os-instance-actions/req-nowhere")
    assert wrong.status == 404


def test_update(cloud, server):
    name = cloud.name()
    changed = cloud.call(
        "PUT",
        "compute",
        f"/servers/{server}",
        {"server": {"name": name, "description": "new"}},
        microversion="2.90",
    )
    assert changed.status == 200
    assert (changed.body["server"]["name"], changed.body["server"]["description"]) == (name, "new")
    assert cloud.call("PUT", "compute", f"/servers/{server}", {"server": {"x": 1}}).status == 400


def test_metadata(cloud, server):
    path = f"/servers/{server}/metadata"
    assert cloud.call("PUT", "compute", path, {"metadata": {"a": "1"}}).body == {"metadata": {"a": "1"}}
    assert cloud.call("POST", "compute", path, {"metadata": {"b": "2"}}).body == {
        "metadata": {"a": "1", "b": "2"}
    }
    assert cloud.call("PUT", "compute", f"{path}/c", {"meta": {"c": "3"}}).body == {"meta": {"c": "3"}}
    assert cloud.call("GET", "compute", f"{path}/c").body == {"meta": {"c": "3"}}
    assert cloud.call("DELETE", "compute", f"{path}/a").status == 204
    assert cloud.call("GET", "compute", path).body == {"metadata": {"b": "2", "c": "3"}}
    missing = cloud.call("GET", "compute", f"{path}/a")
    assert (missing.status, servers.message(missing)) == (404, "Metadata item was not found")
    assert cloud.call("PUT", "compute", f"{path}/x", {"meta": {"y": "1"}}).status == 400


def test_tags(cloud, server):
    path = f"/servers/{server}/tags"

    def call(method, path, body=None):
        return cloud.call(method, "compute", path, body, microversion="2.26")

    assert cloud.call("GET", "compute", path).status == 404
    assert sorted(call("PUT", path, {"tags": ["a", "b"]}).body["tags"]) == ["a", "b"]
    assert call("PUT", f"{path}/c").status == 201
    assert call("PUT", f"{path}/c").status == 204
    assert call("GET", f"{path}/c").status == 204
    assert call("DELETE", f"{path}/a").status == 204
    assert call("GET", f"{path}/a").status == 404
    assert call("DELETE", f"{path}/a").status == 404
    assert sorted(call("GET", path).body["tags"]) == ["b", "c"]
    assert call("DELETE", path).status == 204
    assert call("GET", path).body == {"tags": []}


def test_a_tag_in_a_path_is_read_as_latin_1(cloud, server):
    path = f"/servers/{server}/tags"

    def call(method, path, body=None):
        return cloud.call(method, "compute", path, body, microversion="2.26")

    assert call("PUT", f"{path}/%C3%BC").status == 201
    assert call("GET", path).body == {"tags": ["\u00c3\u00bc"]}
    assert call("PUT", path, {"tags": ["\u00fc"]}).body == {"tags": ["\u00fc"]}
    assert call("DELETE", f"{path}/%C3%BC").status == 404
    assert call("DELETE", path).status == 204


@pytest.mark.parametrize(
    ("kind", "status"), [("application/json", 201), ("text/plain", 201), ("application/octet-stream", 415)]
)
def test_the_content_type_counts_even_without_a_body(cloud, server, kind, status):
    path = f"/servers/{server}/tags/typed"
    answer = cloud.call("PUT", "compute", path, microversion="2.26", headers={"Content-Type": kind})
    assert answer.status == status
    if status == 415:
        assert servers.message(answer) == "Unsupported Content-Type"
    cloud.call("DELETE", "compute", path, microversion="2.26")
