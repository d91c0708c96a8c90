"""Barbican: secrets, their payloads and metadata."""

import base64

import pytest

NOWHERE = "00000000-0000-0000-0000-000000000000"


def refusal(answer):
    assert set(answer.body) == {"code", "title", "description"}
    assert answer.body["code"] == answer.status
    return answer.status, answer.body["title"]


def place(answer):
    return answer.body["secret_ref"].partition("/v1")[2]


@pytest.fixture
def keep(cloud):
    def secret(**wish):
        answer = cloud.call("POST", "key-manager", "/secrets", {"name": cloud.name()} | wish)
        assert answer.status == 201, answer.text
        cloud.later("DELETE", "key-manager", place(answer))
        return place(answer)

    return secret


def test_a_secret_is_kept_read_and_forgotten(cloud, keep):
    path = keep(payload="hush", payload_content_type="text/plain", secret_type="passphrase")
    body = cloud.call("GET", "key-manager", path).body
    assert {
        "created", "updated", "status", "name", "secret_type", "expiration", "algorithm", "bit_length", "mode",
        "creator_id", "content_types", "secret_ref",
    } <= set(body)  # fmt: skip
    assert (body["status"], body["secret_type"]) == ("ACTIVE", "passphrase")
    assert body["content_types"] == {"default": "text/plain"}
    assert "hush" not in str(body)
    answer = cloud.call("GET", "key-manager", f"{path}/payload", headers={"Accept": "text/plain"})
    assert (answer.status, answer.text) == (200, "hush")
    assert (
        cloud.call("GET", "key-manager", f"{path}/payload", headers={"Accept": "application/pdf"}).status
        == 406
    )
    assert cloud.call("DELETE", "key-manager", path).status == 204
    assert refusal(cloud.call("GET", "key-manager", path)) == (404, "Not Found")
    assert refusal(cloud.call("DELETE", "key-manager", path)) == (404, "Not Found")


def test_a_secret_is_private_to_its_project(cloud, keep):
    path = keep(payload="hush", payload_content_type="text/plain")
    assert refusal(cloud.other.call("GET", "key-manager", path)) == (403, "Forbidden")
    answer = cloud.other.call("GET", "key-manager", f"{path}/payload", headers={"Accept": "text/plain"})
    assert refusal(answer) == (403, "Forbidden")


def test_bytes_come_in_base64(cloud, keep):
    data = b"some bytes"
    path = keep(
        payload=base64.b64encode(data).decode(),
        payload_content_type="application/octet-stream",
        payload_content_encoding="base64",
    )
    answer = cloud.call(
        "GET", "key-manager", f"{path}/payload", headers={"Accept": "application/octet-stream"}
    )
    assert answer.text.encode() == data


def test_a_payload_can_come_later_and_once(cloud, keep):
    path = keep()
    headers = {"Content-Type": "text/plain"}
    assert cloud.call("PUT", "key-manager", path, data=b"late", headers=headers).status == 204
    assert cloud.call("PUT", "key-manager", path, data=b"again", headers=headers).status == 409
    answer = cloud.call("GET", "key-manager", f"{path}/payload", headers={"Accept": "text/plain"})
    assert answer.text == "late"


@pytest.mark.parametrize(
    "wish",
    [
        {"payload": "x"},
        {"payload": "", "payload_content_type": "text/plain"},
        {"payload": "x", "payload_content_type": "application/octet-stream"},
        {"secret_type": "bogus"},
        {"bit_length": -1},
        {"name": 5},
    ],
)
def test_refused_secrets(cloud, wish):
    assert refusal(cloud.call("POST", "key-manager", "/secrets", wish)) == (400, "Bad Request")


def test_lists(cloud, keep):
    name = cloud.name()
    keep(name=name)
    keep(name=name)
    listed = cloud.call("GET", "key-manager", f"/secrets?name={name}").body
    assert (listed["total"], len(listed["secrets"])) == (2, 2)
    first = cloud.call("GET", "key-manager", f"/secrets?name={name}&limit=1").body
    assert len(first["secrets"]) == 1
    assert "offset=1" in first["next"]
    assert cloud.other.call("GET", "key-manager", f"/secrets?name={name}").body["total"] == 0


def test_metadata(cloud, keep):
    path = f"{keep(payload='x', payload_content_type='text/plain')}/metadata"
    assert cloud.call("GET", "key-manager", path).body == {"metadata": {}}
    assert cloud.call("PUT", "key-manager", path, {"metadata": {"task": "1"}}).status == 201
    assert cloud.call("GET", "key-manager", path).body == {"metadata": {"task": "1"}}
    assert cloud.call("POST", "key-manager", path, {"key": "step", "value": "2"}).status == 201
    assert cloud.call("GET", "key-manager", f"{path}/step").body == {"key": "step", "value": "2"}
    assert cloud.call("PUT", "key-manager", f"{path}/step", {"key": "step", "value": "3"}).status == 200
    assert cloud.call("DELETE", "key-manager", f"{path}/step").status == 204
    assert cloud.call("GET", "key-manager", f"{path}/step").status == 404


def test_secrets_nobody_kept(cloud):
    assert refusal(cloud.call("GET", "key-manager", f"/secrets/{NOWHERE}")) == (404, "Not Found")
    assert refusal(cloud.call("GET", "key-manager", f"/secrets/{NOWHERE}/payload")) == (404, "Not Found")
