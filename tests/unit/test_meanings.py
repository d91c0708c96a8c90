"""Tables that say what an error means: each entry can be reached, and nothing is without one."""

import ast
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from enamel.cli import refusal, timeline
from enamel.clouds.openstack import cloud, faults
from enamel.clouds.openstack.faults import Answered
from enamel.model import error_tree, event
from enamel.model.action import Action
from enamel.model.states import FailureReason
from enamel.service.planning import candidates
from enamel.steps import KINDS
from enamel.steps.step import Retry
from enamel.store import dialects

SOURCE = Path(faults.__file__).parents[2]


def alternatives(pattern: str) -> list[str]:
    """Return the parts of a regular expression of which one has to fit."""
    parts, depth, escaped = [""], 0, False
    for letter in pattern:
        if letter == "|" and not depth and not escaped:
            parts.append("")
            continue
        parts[-1] += letter
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(letter, 0) if not escaped else 0
        escaped = letter == "\\" and not escaped
    return parts


def test_a_pattern_is_taken_apart() -> None:
    assert alternatives(r"a|b(c|d)|[e|f]\|g") == ["a", "b(c|d)", r"[e|f]\|g"]


# -- what clouds answer

ANSWERS: dict[str, list[tuple[int, str]]] = {
    "no_valid_host": [
        (400, "No valid host was found."),
        (400, "NoValidHost_Remote"),
        (400, "There are not enough hosts available."),
        (400, "Exceeded maximum number of retries."),
        (400, "exhausted all hosts available for retrying"),
    ],
    "quota": [
        (403, "Quota exceeded for cores"),
        (409, "OverQuota"),
        (413, "VolumeLimitExceeded"),
        (403, "Maximum number of ports exceeded"),
        (413, "SnapshotLimitExceeded: the limit was exceeded"),
        (400, "17 exceeds the allowed number of devices"),
        (413, "VolumeSizeExceedsAvailableQuota"),
        (403, "too many servers"),
    ],
    "zero_disk": [(400, "Only volume-backed servers are allowed for flavors with zero disk.")],
    "ambiguous_network": [(409, "Multiple possible networks found, use a Network ID to be more specific.")],
    "locked": [(409, "Instance 5c1f is locked")],
    "port_owner": [(409, "Port 5c1f cannot be deleted directly via the port API")],
    "snapshots": [(400, "Volume has 2 dependent snapshots")],
    "port_in_use": [(409, "Port 5c1f is still in use."), (409, "PortInUse"), (409, "PortBound")],
    "address_in_use": [
        (409, "IP address 10.0.0.5 already allocated in subnet"),
        (409, "IpAddressInUse"),
        (409, "IpAddressAlreadyAllocated"),
        (400, "Fixed IP address 10.0.0.5 is already in use on instance 5c1f."),
    ],
    "no_address_left": [
        (409, "IpAddressGenerationFailure"),
        (409, "No more IP addresses available on network 5c1f."),
        (409, "ExternalIpAddressExhausted"),
        (400, "unable to find any IP address on external network"),
    ],
    "not_routed": [
        (404, "ExternalGatewayForFloatingIPNotFound"),
        (404, "External network 5c1f is not reachable from subnet 5c20."),
    ],
    "image_too_big": [
        (400, "Flavor's disk is too small for requested image."),
        (400, "FlavorDiskSmallerThanImage"),
        (400, "image is larger than the disk"),
        (400, "ImageTooBig"),
        (400, "Image virtual size 20GB and size 1GB is smaller than the min"),
        (400, "Volume is smaller than the minimum size specified in image metadata."),
    ],
    "image_needs_memory": [
        (400, "Flavor's memory is too small for requested image."),
        (400, "FlavorMemoryTooSmall"),
    ],
    "zone_unavailable": [(400, "The requested availability zone is not available")],
    "zone_unknown": [
        (400, "The availability zone was not found"),
        (400, "Availability zone 'az9' is invalid."),
    ],
    "version": [
        (404, "RouteNotFound"),
        (406, "The microversion is not known"),
        (406, "Version 2.99 is not supported by the API."),
    ],
}
"""What clouds say, by what it means."""


def meant(status: int, text: str) -> object:
    answer = Answered(
        cloud="north", service="compute", method="POST", path="/", status=status, body=text.encode()
    )
    return faults.error(answer).data.get("reason")


def test_each_phrase_of_a_meaning_decides_an_answer() -> None:
    assert {(text, meant(status, text)) for texts in ANSWERS.values() for status, text in texts} == {
        (text, reason) for reason, texts in ANSWERS.items() for _, text in texts
    }
    unreached = [
        (meaning.reason, phrase)
        for meaning in faults._MEANINGS
        for phrase in alternatives(meaning.phrase.pattern)
        if not any(re.search(phrase, text, re.I) for _, text in ANSWERS[meaning.reason])
    ]
    assert unreached == []


def test_each_meaning_is_an_error_with_something_to_do_about_it() -> None:
    for meaning in faults._MEANINGS:
        assert meaning.error in error_tree.tree()
        assert meaning.remedy or meaning.error.remedy, meaning.reason


FAILURES = {
    FailureReason.NO_CAPACITY: ["No valid host was found.", "not enough hosts"],
    FailureReason.QUOTA: ["Quota exceeded"],
    FailureReason.IMAGE: ["Image 5c1f is unacceptable"],
    FailureReason.NETWORK: [
        *("network 5c1f", "port 5c1f", "subnet 5c1f", "vif plugging failed", "fixed ip 10.0.0.5"),
    ],
    FailureReason.VOLUME: ["Volume 5c1f did not finish", "Block device mapping is invalid"],
    FailureReason.UNKNOWN: ["Build of instance 5c1f aborted"],
}


def test_each_reason_of_a_failure_is_found() -> None:
    assert set(FAILURES) == set(FailureReason)
    assert [reason for _, reason in faults._REASONS] == [
        reason for reason in FAILURES if reason is not FailureReason.UNKNOWN
    ]
    for reason, texts in FAILURES.items():
        assert {faults.failure(text).reason for text in texts} == {reason}


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Could not find Application Credential: 5c1f.", "`application_credential_id`"),
        ("Could not find domain: nowhere.", "`user_domain_name`"),
        ("Could not find project: nowhere.", "`project_name`"),
        ("There is no region nowhere.", "`region_name`"),
    ],
)
def test_each_part_of_the_credentials_is_found(text: str, parts: str) -> None:
    assert f"Check {parts}" in faults._refused(text).advice
    assert len(faults._PARTS) == 4


QUOTAS = {
    "servers": ["Quota exceeded for instances: Requested 1", "too many servers"],
    "cores": ["Quota exceeded for cores"],
    "memory_mb": ["Quota exceeded for ram"],
    "keypairs": ["Quota exceeded, too many key pairs."],
    "server_groups": ["Quota exceeded, too many server groups."],
    "server_group_members": ["Quota exceeded, too many servers in group"],
    "properties": ["Maximum number of metadata items exceeds 128"],
    "gigabytes": ["Requested volume exceeds allowed gigabytes quota.", "quota is 20G, and 15G is used"],
    "volumes": ["allowed (10) exceeded for quota 'volumes'", "Maximum number of volumes allowed"],
    "ports": ["Maximum number of ports exceeded", "Quota exceeded for resources: ['port']."],
    "addresses": ["Quota exceeded for resources: ['floatingip']."],
    "security_groups": ["Quota exceeded for resources: ['security_group']."],
    "networks": ["Quota exceeded for resources: ['network']."],
}


def test_each_quota_is_found_in_what_a_cloud_says() -> None:
    assert set(QUOTAS) == cloud._COMPUTE_QUOTAS | cloud._NETWORK_QUOTAS | cloud._VOLUME_QUOTAS
    assert set(faults._QUOTA_WORDS) == set(QUOTAS)
    for kind, texts in QUOTAS.items():
        assert {(text, *faults._quota_kinds(text)) for text in texts} == {(text, kind) for text in texts}


# -- what databases answer


def failed(code: int | str) -> sa.exc.DBAPIError:
    """Return the error of the database whose code it is."""
    if isinstance(code, str):
        original: Exception = type("Refused", (Exception,), {"sqlstate": f"{code:0<5}"})()
    elif code < 256:
        original = sqlite3.OperationalError()
        original.sqlite_errorcode = code
    else:
        original = type("Refused", (Exception,), {})(code, "words")
    return sa.exc.OperationalError("select", None, original)


def test_each_trouble_of_a_database_is_found() -> None:
    tables: list[dict[Any, Any]] = [dialects._SQLITE, dialects._POSTGRESQL, dialects._MYSQL]
    # A SQLSTATE, or the class of several.
    assert {len(code) for code in dialects._POSTGRESQL} == {2, 5}
    for table in tables:
        assert {code: dialects.trouble(failed(code)) for code in table} == table


def test_each_symptom_is_of_an_outage_and_found() -> None:
    for code, words in dialects._SYMPTOMS.items():
        assert dialects.symptom(failed(code)) == words
        assert dialects.trouble(failed(code)) is dialects.Trouble.OUTAGE, code


# -- codes of errors and faults, wherever they are used


def code_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def modules() -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted(SOURCE.rglob("*.py")):
        yield path, code_of(path)


def names_in(module: ast.Module) -> Iterator[str]:
    """Yield the names that code uses, but not to catch or recognise an error."""
    passed = set()
    for node in ast.walk(module):
        if isinstance(node, ast.ExceptHandler) and node.type is not None:
            passed |= {id(inner) for inner in ast.walk(node.type)}
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "isinstance":
            passed |= {id(inner) for inner in ast.walk(node.args[1])}
    for node in ast.walk(module):
        if id(node) not in passed and isinstance(node, ast.Name | ast.Attribute):
            yield node.id if isinstance(node, ast.Name) else node.attr


def texts_in(module: ast.Module) -> Iterator[str]:
    for node in ast.walk(module):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_each_error_occurs() -> None:
    used = {name for path, module in modules() if path.name != "errors.py" for name in names_in(module)}
    assert {kind.__name__ for kind in error_tree.tree()} <= used


def test_steps_are_tried_again_after_errors_that_exist() -> None:
    codes = {kind.code for kind in error_tree.tree()}
    retries = [value for kind in KINDS.values() for value in vars(kind).values() if isinstance(value, Retry)]
    assert retries
    assert {code for retry in retries for code in retry.errors} <= codes


def test_faults_after_which_a_plan_is_made_again_occur() -> None:
    own = Path(candidates.__file__)
    texts = {text for path, module in modules() if path != own for text in texts_in(module)}
    assert texts >= candidates.DISPROVED


# -- what the command line says of them


def test_each_spelling_and_remedy_replaces_what_the_api_says() -> None:
    texts = [
        text
        for path, module in modules()
        if "cli" not in path.relative_to(SOURCE).parts
        for text in texts_in(module)
    ]
    for theirs, ours in refusal._SPELLINGS.items():
        assert theirs != ours and any(theirs in text for text in texts), theirs
    remedies = {kind.remedy for kind in error_tree.tree()}
    for theirs, ours in refusal._REMEDIES.items():
        assert theirs in remedies and theirs != ours, theirs


def test_each_action_and_event_of_the_command_line_exists() -> None:
    assert set(refusal.COMMANDS) <= {action.value for action in Action}
    assert set(timeline._SENTENCES) == set(event.TYPES)
