"""What a cloud's refusals mean."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from enamel.clouds.openstack import faults
from enamel.model.errors import (
    CapabilityMissing,
    CloudBusy,
    CloudConflict,
    CloudError,
    CloudForbidden,
    CloudRefused,
    CloudThrottled,
    CloudUnauthorized,
    CloudUnreachable,
    EnamelError,
    Gone,
    NoValidHost,
    QuotaExceeded,
)


def error(
    status: int, body: Any, *, service: str = "compute", retry_after: float | None = None
) -> EnamelError:
    text = body if isinstance(body, str) else json.dumps(body)
    return faults.error(
        faults.Answered(
            cloud="north",
            service=service,
            method="POST",
            path="/things",
            status=status,
            body=text.encode(),
            request_id="req-1",
            retry_after=retry_after,
        )
    )


def nova(kind: str, message: str, code: int) -> dict[str, Any]:
    return {kind: {"message": message, "code": code}}


def neutron(kind: str, message: str) -> dict[str, Any]:
    return {"NeutronError": {"type": kind, "message": message, "detail": ""}}


SHAPES = [
    (nova("itemNotFound", "Instance 7 could not be found.", 404), "Instance 7 could not be found."),
    (neutron("PortNotFound", "Port 7 could not be found."), "Port 7 could not be found."),
    ({"NeutronError": "Something old went wrong"}, "Something old went wrong"),
    ({"error": {"code": 401, "title": "Unauthorized", "message": "No."}}, "No."),
    (
        {"message": "The resource could not be found.", "code": "404 Not Found", "title": "Not Found"},
        "could not be",
    ),
    (
        {"errors": [{"status": 400, "title": "Bad", "detail": "JSON does not validate"}]},
        "JSON does not validate",
    ),
    ({"faultstring": "Unknown argument"}, "Unknown argument"),
    (
        "<html><head><title>403 Forbidden</title></head><body><h1>403</h1>Not &amp; here</body></html>",
        "Not & here",
    ),
    ("plain words", "plain words"),
    ('{"itemNotFound": {"message": "Instance', "Instance"),
    ("[]", "without a word of explanation"),
    ("{}", "without a word of explanation"),
    ("null", "null"),
    ("", "without a word of explanation"),
    ("[1, 2", "[1, 2"),
    ('"words in JSON"', "words in JSON"),
    ({"badRequest": None}, "badRequest"),
]


@pytest.mark.parametrize(("body", "words"), SHAPES)
def test_every_shape_of_body_is_understood(body: Any, words: str) -> None:
    caught = error(400, body)
    assert words in caught.detail
    assert caught.cloud == "north" and caught.request_ids == ("req-1",)
    assert caught.detail.startswith("north's compute service answered 400 to POST /things: ")


MEANINGS: list[tuple[int, Any, type[EnamelError], dict[str, Any]]] = [
    (
        403,
        nova(
            "forbidden",
            "Quota exceeded for cores, instances: Requested 1, 10, but already used 10, 10 of 10, 10 cores, instances",
            403,
        ),
        QuotaExceeded,
        {"what": ["servers", "cores"]},
    ),
    (
        403,
        nova("forbidden", "Quota exceeded, too many key pairs.", 403),
        QuotaExceeded,
        {"what": ["keypairs"]},
    ),
    (
        403,
        nova("forbidden", "Quota exceeded, too many server groups.", 403),
        QuotaExceeded,
        {"what": ["server_groups"]},
    ),
    (403, nova("forbidden", "Maximum number of ports exceeded", 403), QuotaExceeded, {"what": ["ports"]}),
    (
        409,
        neutron("OverQuota", "Quota exceeded for resources: ['floatingip']."),
        QuotaExceeded,
        {"what": ["addresses"]},
    ),
    (
        413,
        nova(
            "overLimit",
            "VolumeLimitExceeded: Maximum number of volumes allowed (10) exceeded for quota 'volumes'.",
            413,
        ),
        QuotaExceeded,
        {"what": ["volumes"]},
    ),
    (
        413,
        nova(
            "overLimit",
            "VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed gigabytes quota. "
            "Requested 10G, quota is 20G and 15G has been consumed.",
            413,
        ),
        QuotaExceeded,
        {"what": ["gigabytes"]},
    ),
    (403, nova("forbidden", "Policy doesn't allow os_compute_api:servers:create", 403), CloudForbidden, {}),
    (400, nova("badRequest", "No valid host was found.", 400), NoValidHost, {"reason": "no_valid_host"}),
    (
        409,
        nova(
            "conflictingRequest",
            "Multiple possible networks found, use a Network ID to be more specific.",
            409,
        ),
        CloudConflict,
        {"reason": "ambiguous_network"},
    ),
    (
        409,
        nova("conflictingRequest", "Port 5 is still in use.", 409),
        CloudConflict,
        {"reason": "port_in_use"},
    ),
    (
        400,
        nova(
            "badRequest",
            "Flavor's disk is too small for requested image. Flavor disk is 1 bytes, image is 9.",
            400,
        ),
        CloudRefused,
        {"reason": "image_too_big"},
    ),
    (
        400,
        nova("badRequest", "The requested availability zone is not available", 400),
        NoValidHost,
        {"reason": "zone_unavailable"},
    ),
    (
        409,
        neutron("IpAddressAlreadyAllocated", "IP address 10.0.0.9 already allocated in subnet 1"),
        CloudConflict,
        {},
    ),
    (
        404,
        neutron("ExternalGatewayForFloatingIPNotFound", "External network 1 is not reachable from subnet 2."),
        CloudRefused,
        {"reason": "not_routed"},
    ),
    (404, neutron("PortNotFound", "Port quota-port could not be found."), Gone, {}),
    (404, nova("itemNotFound", "Instance could not be found", 404), Gone, {"kind": "itemNotFound"}),
    (
        400,
        nova("badRequest", "Invalid volume: Volume status must be available or error.", 400),
        CloudConflict,
        {},
    ),
    (406, nova("computeFault", "Version 2.999 is not supported by the API.", 406), CapabilityMissing, {}),
    (
        401,
        {"error": {"code": 401, "message": "The request you have made requires authentication."}},
        CloudUnauthorized,
        {},
    ),
    (429, "", CloudThrottled, {}),
    (503, "", CloudBusy, {}),
    (500, nova("computeFault", "Unexpected API Error. quota", 500), CloudUnreachable, {}),
    (418, "I'm a teapot", CloudRefused, {"status": 418}),
    (302, "", CloudError, {}),
]


@pytest.mark.parametrize(("status", "body", "kind", "facts"), MEANINGS)
def test_what_a_refusal_means(status: int, body: Any, kind: type[EnamelError], facts: dict[str, Any]) -> None:
    service = "network" if "NeutronError" in str(body) else "compute"
    caught = error(status, body, service=service)
    assert type(caught) is kind
    assert facts.items() <= caught.data.items()


def test_cinders_413_is_a_rate_only_without_a_quota() -> None:
    limited = nova("overLimit", "This request was rate-limited.", 413)
    assert type(error(413, limited, retry_after=3.0)) is CloudThrottled
    full = nova("overLimit", "VolumeLimitExceeded: Maximum number of volumes allowed (10) exceeded.", 413)
    assert type(error(413, full, retry_after=0.0)) is QuotaExceeded


@pytest.mark.parametrize(
    "secret",
    ["gAAAAABlc2Rmc2Rmc2Rmc2Rmc2Rmc2Rm", "QUJD" * 40, '{"auth": {"password": "hunter2-very-long"}}'],
)
def test_secrets_are_not_repeated(secret: str) -> None:
    detail = error(400, f"cannot take {secret} here").detail
    assert "hunter2" not in detail and "gAAAA" not in detail and "QUJDQUJD" not in detail
    assert "***" in detail


def test_a_long_story_is_cut() -> None:
    assert len(error(400, "word " * 5000).detail) < 700


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("7", 7.0),
        ("1.5", 1.5),
        ("-3", None),
        ("0", 0.0),
        ("31536000", None),
        ("Sun, 21 Nov 2027 04:00:00 GMT", None),
        ("Sat, 21 Nov 2026 04:00:30 GMT", 30.0),
        ("Sat, 21 Nov 2026 03:00:00 GMT", 0.0),
        ("soon", None),
        ("", None),
        ("nan", None),
        ("inf", None),
    ],
)
def test_retry_after_in_all_its_forms(header: str | None, seconds: float | None) -> None:
    assert faults.retry_after(header, now=datetime(2026, 11, 21, 4, 0, tzinfo=UTC)) == seconds


@pytest.mark.parametrize(
    ("status", "message", "kind", "role"),
    [
        (403, "Policy doesn't allow os_compute_api:servers:create to be performed.", CloudForbidden, True),
        (403, "User does not have admin privileges", CloudForbidden, True),
        (403, "Quota exceeded for cores: Requested 4, but already used 20 of 20 cores", QuotaExceeded, False),
        (403, "Quota exceeded, too many key pairs.", QuotaExceeded, False),
        (403, "Maximum number of key pairs exceeded", QuotaExceeded, False),
        (403, "Maximum number of metadata items exceeds 128", QuotaExceeded, False),
        (403, "Security group limit exceeded", QuotaExceeded, False),
        (403, "Only volume-backed servers are allowed for flavors with zero disk.", CloudRefused, False),
        (403, "The image is protected and cannot be deleted.", CloudForbidden, False),
    ],
)
def test_a_remedy_fits_the_cause(status: int, message: str, kind: type[EnamelError], role: bool) -> None:
    refusal = error(status, nova("forbidden", message, status))
    assert type(refusal) is kind
    assert ("the required role" in refusal.advice) is role


def test_too_many_calls_may_be_told_with_a_pause_of_nothing() -> None:
    limited = nova("overLimit", "This request was rate-limited.", 413)
    assert type(error(413, limited, retry_after=0.0)) is CloudThrottled
    full = nova("overLimit", "VolumeLimitExceeded: Maximum number of volumes allowed (10) exceeded", 413)
    assert type(error(413, full, service="block-storage", retry_after=0.0)) is QuotaExceeded
