"""What every request meets: versions, ids, errors in one form, limits, and a guard against web pages."""

import asyncio
import io
import json
import re

import pytest

from enamel.model import ids
from enamel.model.errors import CloudThrottled, KeyInFlight, QuotaExceeded
from tests.unit.api import fakes
from tests.unit.api.conftest import Web

JSON = {"Content-Type": "application/json"}


async def test_unknown_routes_answer_404_in_the_form_of_openstack(web: Web) -> None:
    reply = await web.get("/nothing/here")
    (error,) = reply.errors
    assert (reply.status, error["status"], error["code"]) == (404, 404, "enamel.request.not_found")
    assert error["request_id"] == reply.headers["x-openstack-request-id"]
    assert error["links"] == [{"rel": "describedby", "href": "/schemas/errors"}]


@pytest.mark.parametrize(
    "path", ["/tasks/", "/servers//", "/tasks/a%2Fb", "/tasks/%00", "/tasks/..%2f..", "/%ff"]
)
async def test_odd_paths_are_unknown(web: Web, path: str) -> None:
    assert (await web.get(path)).status == 404


async def test_a_method_that_a_path_does_not_know_is_named_with_those_it_does(web: Web) -> None:
    reply = await web.call("PATCH", "/servers")
    assert reply.status == 405
    assert {part.strip() for part in reply.headers["Allow"].split(",")} == {"GET", "HEAD", "POST"}
    assert "PATCH" in reply.errors[0]["detail"]


async def test_problem_details_come_to_those_who_ask(web: Web) -> None:
    headers = {**JSON, "Accept": "application/problem+json"}
    reply = await web.post("/servers", data="{}", headers=headers)
    assert reply.headers["Content-Type"] == "application/problem+json"
    assert (reply.body["status"], reply.body["code"]) == (400, "enamel.request.invalid")
    assert reply.body["type"] == "urn:enamel:request:invalid"
    assert [error["pointer"] for error in reply.body["errors"]] == ["/name", "/nmae"]


async def test_every_fault_is_an_entry_with_its_pointer_and_the_remedy(web: Web) -> None:
    reply = await web.post("/servers", data="{}", headers=JSON)
    assert reply.status == 400
    assert [(error["pointer"], error["rule"]) for error in reply.errors] == [
        ("/name", "invalid"),
        ("/nmae", "unknown_field"),
    ]
    assert all(error["remedy"] for error in reply.errors)


async def test_an_error_nobody_foresaw_shows_nothing_of_its_inside(web: Web) -> None:
    web.services.submit.error = fakes.unforeseen()
    reply = await web.post("/servers", data='{"name": "web"}', headers=JSON)
    assert reply.status == 500
    assert "secret" not in reply.text
    assert reply.errors[0]["request_id"] == reply.headers["x-openstack-request-id"]


async def test_facts_of_an_error_reach_programs(web: Web) -> None:
    web.services.submit.error = QuotaExceeded("Too many cores.", cloud="north", wanted=4, free=1)
    reply = await web.post("/servers", data='{"name": "web"}', headers=JSON)
    (error,) = reply.errors
    assert reply.status == 403
    assert (error["code"], error["cloud"]) == ("enamel.cloud.quota_exceeded", "north")
    assert error["data"] == {"wanted": 4, "free": 1}


@pytest.mark.parametrize(("error", "status"), [(CloudThrottled(), 503), (KeyInFlight(), 409)])
async def test_what_may_succeed_later_says_when(web: Web, error: Exception, status: int) -> None:
    web.services.submit.error = error
    reply = await web.post("/servers", data='{"name": "web"}', headers=JSON)
    assert reply.status == status
    assert int(reply.headers["Retry-After"]) > 0


# -- bodies

BODIES = {
    "no JSON": (b"name=web", 400, "json"),
    "empty": (b"", 400, "empty"),
    "NaN": (b'{"name": NaN}', 400, "json"),
    "a key twice": (b'{"name": 1, "name": 2}', 400, "duplicate_key"),
    "deep": (b"[" * 5000 + b"]" * 5000, 400, "depth"),
    "not UTF-8": (b'"\xff"', 400, "encoding"),
}


@pytest.mark.parametrize(("raw", "status", "rule"), BODIES.values(), ids=BODIES)
async def test_bodies_that_cannot_be_read(web: Web, raw: bytes, status: int, rule: str) -> None:
    reply = await web.post("/servers", data=raw, headers=JSON)
    assert (reply.status, reply.errors[0]["rule"]) == (status, rule)


async def test_a_body_of_more_than_a_mebibyte_is_refused_before_it_is_read(web: Web) -> None:
    reply = await web.post("/servers", data=io.BytesIO(b" " * (1024 * 1024 + 1)), headers=JSON)
    assert reply.status == 413
    assert reply.errors[0]["code"] == "enamel.request.too_large"


async def test_a_body_that_does_not_tell_its_length_is_cut_off(web: Web) -> None:
    async def endless():
        for _ in range(40):
            yield b" " * 65536

    reply = await web.post("/servers", data=endless(), headers=JSON)
    assert reply.status == 413


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1", ""]
)
async def test_only_json_is_taken(web: Web, kind: str) -> None:
    reply = await web.post("/servers", data=b'{"name": "web"}', headers={"Content-Type": kind})
    assert (reply.status, reply.errors[0]["code"]) == (415, "enamel.request.media_type")


async def test_compressed_bodies_are_refused(web: Web) -> None:
    headers = {**JSON, "Content-Encoding": "gzip"}
    reply = await web.post("/servers", data=b"\x1f\x8b", headers=headers)
    assert reply.status == 415


# -- versions and ids


@pytest.mark.parametrize(
    "wanted", [None, "enamel 1.0", "enamel latest", "compute 2.90, enamel 1.0", "compute 2.1"]
)
async def test_the_version_is_negotiated_and_told(web: Web, wanted: str | None) -> None:
    headers = {"OpenStack-API-Version": wanted} if wanted else {}
    reply = await web.get("/tasks", headers=headers)
    assert reply.status == 200
    assert reply.headers["OpenStack-API-Version"] == "enamel 1.0"
    assert "OpenStack-API-Version" in reply.headers["Vary"]


@pytest.mark.parametrize(
    "wanted", ["enamel 0.9", "enamel 1.1", "enamel 2", "enamel one", "enamel", "enamel 1.0.0"]
)
async def test_versions_not_on_offer_answer_406_with_those_that_are(web: Web, wanted: str) -> None:
    reply = await web.get("/tasks", headers={"OpenStack-API-Version": wanted})
    assert (reply.status, reply.errors[0]["code"]) == (406, "enamel.request.version")
    assert reply.headers["OpenStack-API-Minimum-Version"] == "enamel 1.0"
    assert reply.headers["OpenStack-API-Maximum-Version"] == "enamel 1.0"
    assert "OpenStack-API-Version" in reply.headers["Vary"]


async def test_a_callers_request_id_is_kept(web: Web) -> None:
    mine = ids.new_request_id()
    reply = await web.get("/tasks", headers={"X-Openstack-Request-Id": mine})
    assert reply.headers["x-openstack-request-id"] == mine


async def test_a_malformed_request_id_is_replaced(web: Web) -> None:
    reply = await web.get("/tasks", headers={"X-Openstack-Request-Id": "req-<script>"})
    assert re.fullmatch("req-[0-9a-f-]{36}", reply.headers["x-openstack-request-id"])


# -- who may ask


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "10.0.0.1:8780", "[::2]", "", "[", "a:b:c"]
)
async def test_a_host_that_is_not_loopback_is_refused(web: Web, host: str) -> None:
    reply = await web.get("/tasks", headers={"Host": host})
    # The web server itself refuses a request without any host.
    assert reply.status == 403 or (host == "" and reply.status == 400)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1.2.3:80", "[::1]:8780"])
async def test_loopback_names_are_taken(web: Web, host: str) -> None:
    assert (await web.get("/tasks", headers={"Host": host})).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://[::1"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
    ids=str,
)
async def test_requests_of_web_pages_are_refused(web: Web, headers: dict[str, str]) -> None:
    reply = await web.post("/servers", data='{"name": "web"}', headers=JSON | headers)
    assert reply.status == 403
    assert web.services.submit.calls == []


async def test_the_services_own_pages_may_ask(web: Web) -> None:
    reply = await web.get("/tasks", headers={"Origin": web.url, "Sec-Fetch-Site": "same-origin"})
    assert reply.status == 200


async def test_tasks_can_be_read_while_the_cloud_is_down(web: Web) -> None:
    assert (await web.get("/tasks")).status == 200
    web.services.clouds.north.down = True
    assert (await web.get("/tasks")).status == 200
    reply = await web.get("/servers")
    assert (reply.status, reply.errors[0]["code"]) == (503, "enamel.cloud.unreachable")
    assert reply.errors[0]["retryable"] is True


async def test_garbage_instead_of_a_request_ends_the_connection_only(web: Web) -> None:
    port = int(web.url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"\x16\x03\x01 nonsense\r\n\r\n")
    answered = await reader.read()
    writer.close()
    await writer.wait_closed()
    assert answered == b"" or b" 400 " in answered.splitlines()[0]
    assert json.loads((await web.get("/healthcheck")).text)["status"] == "OK"


@pytest.mark.parametrize(
    ("path", "status"),
    [("/tasks/a%00b", 404), ("/servers/%00", 404), ("/tasks?type=a%00", 400), ("/tasks?server=%00", 400)],
)
async def test_a_nul_in_a_path_or_a_query_is_refused(web: Web, path: str, status: int) -> None:
    reply = await web.get(path)
    assert reply.status == status
    assert "has a NUL character (U+0000)" in reply.body["errors"][0]["detail"]


async def test_a_nul_in_a_body_is_refused_and_pointed_at(web: Web) -> None:
    reply = await web.post(
        "/servers", data=b'{"name": "web\\u0000"}', headers={"Content-Type": "application/json"}
    )
    assert reply.status == 400
    assert "has a NUL character (U+0000)" in reply.body["errors"][0]["detail"]
