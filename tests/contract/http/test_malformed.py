"""Whatever is sent, the answer is one of the form that the API promises; never that something broke inside."""

import http.client
import json
from typing import Any
from urllib.parse import quote, urlsplit

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from enamel.model import launch
from tests.contract.http import service

MANY = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
STRUCTS = [
    kind for kind in vars(launch).values() if isinstance(kind, type) and issubclass(kind, msgspec.Struct)
]
NAMES = sorted(
    {field.encode_name for kind in STRUCTS for field in msgspec.structs.fields(kind)} if STRUCTS else []
)
WORDS = ["cirros", "m1.tiny", "auto", "none", "private", "public", "tcp/22", "tcp/", "4h", "0s", "HIGH", "KEEP", "web",
         "sandbox", "sandbox/RegionOne/az1", "a/b/c/d", "http://:0/", "%(rand_num)5d", "%(rand_num)99999d", "%s", "::1",
         "ssh-ed25519 AAAA x", "\x00", "ü" * 300, "=", "-web", "10.0.0.0/33"]  # fmt: skip
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(WORDS)
    | st.text(max_size=6)
)
VALUES = st.recursive(
    SCALARS,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.sampled_from(NAMES), below, max_size=4),
    max_leaves=8,
)
RIGHT = {"name": "web", "template": "cirros", "type": "m1.tiny"}


def send(url: str, method: str, path: str, *, body: bytes | None = None, **headers: str) -> tuple[int, Any]:
    place = urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=60)
    try:
        connection.request(method, path, body=body, headers=headers)
        answer = connection.getresponse()
        text = answer.read()
        return answer.status, json.loads(text) if text and method != "HEAD" else None
    finally:
        connection.close()


def check(status: int, body: Any) -> None:
    assert status < 500, body
    if status >= 400:
        assert body["errors"]
        assert all(error["status"] == status and error["detail"] for error in body["errors"])


@MANY
@given(st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=6))
@example({"servers": [{"hostname": "a"}, {"hostname": "a"}]})
@example({"hostname_pattern": "%(rand_num)0d", "count": 3})
def test_any_body_of_known_fields_is_planned_or_refused(whole: service.Whole, fields: dict[str, Any]) -> None:
    raw = json.dumps(RIGHT | fields).encode()
    status, body = send(
        whole.url, "POST", "/servers?dry_run=true", body=raw, **{"Content-Type": "application/json"}
    )
    assert status in {200, 400, 403, 404, 409}, body
    check(status, body)


@MANY
@given(st.sampled_from(sorted(RIGHT)), VALUES)
def test_any_value_of_a_required_field_is_planned_or_refused(
    whole: service.Whole, name: str, value: Any
) -> None:
    raw = json.dumps({**RIGHT, name: value}).encode()
    status, body = send(
        whole.url, "POST", "/servers?dry_run=true", body=raw, **{"Content-Type": "application/json"}
    )
    assert status in {200, 400, 403, 404, 409}, body
    check(status, body)


@MANY
@given(
    st.sampled_from(["GET", "HEAD", "POST", "DELETE", "PUT", "OPTIONS"]),
    st.lists(st.sampled_from(["tasks", "servers", "schemas", "items", "events", "cancel"]) | st.text(max_size=5), max_size=4),
    st.dictionaries(st.sampled_from(["limit", "marker", "wait", "after", "since", "with"]) | st.text(max_size=4),
                    st.text(max_size=8), max_size=3),
)  # fmt: skip
def test_any_address_is_answered(
    whole: service.Whole, method: str, path: list[str], query: dict[str, str]
) -> None:
    asked = "/" + "/".join(quote(part, safe="") for part in path)
    if query:
        asked += "?" + "&".join(
            f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in query.items()
        )
    status, body = send(whole.url, method, asked)
    if method != "HEAD":
        check(status, body)
    assert status < 500


HEADERS = ["Accept", "Prefer", "If-None-Match", "Last-Event-ID", "Idempotency-Key", "OpenStack-API-Version",
           "X-Openstack-Request-Id", "Content-Type", "Content-Encoding", "Origin", "Sec-Fetch-Site"]  # fmt: skip


@MANY
@given(
    st.dictionaries(
        st.sampled_from(HEADERS),
        st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=20),
        max_size=4,
    )
)
def test_any_headers_are_answered(whole: service.Whole, headers: dict[str, str]) -> None:
    for method, path in (("GET", "/tasks"), ("POST", "/servers?dry_run=1")):
        status, body = send(whole.url, method, path, body=b"{}" if method == "POST" else None, **headers)
        if "problem+json" not in headers.get("Accept", ""):
            check(status, body)


@pytest.mark.parametrize(
    "path", ["/tasks?limit=%ff", "/tasks?%00=1", "/servers/%ff%fe", "/schemas/%2e%2e%2f", "//"]
)
def test_bytes_that_are_no_text_are_answered(whole: service.Whole, path: str) -> None:
    check(*send(whole.url, "GET", path))


@pytest.mark.parametrize("wrong", ["planted-55 is secret", 5555.5, ["planted-55"]])
def test_no_answer_repeats_what_a_request_keeps_secret(whole: service.Whole, wrong: object) -> None:
    body = {
        **RIGHT,
        "name": "planted-55 is secret",
        "template": "planted-55",
        "user_data": wrong,
        "notify": [
            {"url": "ftp://x:planted-55@example.org/?token=planted-55", "secret": wrong},
            {"url": "https:example.org/?token=planted-55"},
        ],
    }
    for path in ("/servers", "/servers?dry_run=true"):
        status, answer = send(
            whole.url,
            "POST",
            path,
            body=json.dumps(body).encode(),
            **{"Content-Type": "application/json"},
        )
        assert "5555" not in str(answer) and status in (200, 400)
        if isinstance(wrong, str):
            assert "planted-55" not in str(answer)
