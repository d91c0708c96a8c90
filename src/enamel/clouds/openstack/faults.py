"""What an OpenStack cloud's refusals mean, in Enamel's words: the one place where answers become errors.

The same status means different things: for a full quota Nova answers 403, Cinder 413, and Neutron 409. The shapes of error
bodies are read in `error_body`.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from keystoneauth1 import exceptions as keystone_errors
from msgspec import Struct

from enamel.clouds.calls import cleaning
from enamel.clouds.openstack import error_body
from enamel.model.cloud import Failure
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
    CloudUntrusted,
    EnamelError,
    Gone,
    NoValidHost,
    Obstructed,
    QuotaExceeded,
)
from enamel.model.states import FailureReason

LONGEST_KIND = 80
ABSURD_PAUSE = 3600.0
"""A cloud that asks for a longer pause than this does not know what it says."""


class Answered(Struct, frozen=True, kw_only=True):
    """An answer that is not the one hoped for."""

    cloud: str
    service: str
    method: str
    path: str
    status: int
    body: bytes
    request_id: str = ""
    retry_after: float | None = None
    """Seconds."""


class _Meaning(Struct, frozen=True):
    """What a phrase in an error means."""

    phrase: re.Pattern[str]
    error: type[EnamelError]
    reason: str
    """The word that tells programs, in the error's data."""
    remedy: str | None = None


def _means(phrase: str, error: type[EnamelError], reason: str, remedy: str | None = None) -> _Meaning:
    return _Meaning(re.compile(phrase, re.IGNORECASE), error, reason, remedy)


_MEANINGS = (
    _means(r"No valid host|NoValidHost|not enough hosts available", NoValidHost, "no_valid_host"),
    _means(r"Exceeded maximum number of retries|exhausted all hosts", NoValidHost, "no_valid_host"),
    _means(
        r"quota|OverQuota|VolumeLimitExceeded|maximum number of|limit (was |has been )?exceeded|"
        r"exceeds? (the )?(allowed |maximum )?(limit|number)|VolumeSizeExceedsAvailableQuota|too many (servers|instances)",
        QuotaExceeded,
        "quota",
    ),
    _means(
        r"Only volume-backed servers are allowed for flavors with zero disk",
        CloudRefused,
        "zero_disk",
        "Give the server a `boot_volume`, or choose a server type with a disk.",
    ),
    _means(
        r"multiple possible networks",
        CloudConflict,
        "ambiguous_network",
        "Name the network that the server shall be on.",
    ),
    _means(r"Instance \S+ is locked", Obstructed, "locked", "Unlock the server first."),
    _means(
        r"cannot be deleted directly via the port API",
        Obstructed,
        "port_owner",
        "Delete what the port belongs to, or remove it there: of a router, its interface.",
    ),
    _means(r"dependent snapshots", Obstructed, "snapshots", "Delete the volume's snapshots first."),
    _means(
        r"Port \S+ is (still )?in use|PortInUse|PortBound",
        CloudConflict,
        "port_in_use",
        "Something else uses this port; name another one.",
    ),
    _means(
        r"IP ?address \S+ (is )?already (allocated|in use)|IpAddressInUse|IpAddressAlreadyAllocated|"
        r"Fixed IP address \S+ is already in use",
        CloudConflict,
        "address_in_use",
        "Choose another address, or leave the choice to the cloud.",
    ),
    _means(
        r"IpAddressGenerationFailure|No more IP addresses|ExternalIpAddressExhausted|unable to find any IP address",
        CloudConflict,
        "no_address_left",
        "Use another network, or free addresses on this one.",
    ),
    _means(
        r"ExternalGatewayForFloatingIPNotFound|is not reachable from subnet",
        CloudRefused,
        "not_routed",
        "Connect the server's network to the external network with a router.",
    ),
    _means(
        r"disk is too small for (the )?(requested )?image|FlavorDiskSmallerThan|image is larger than|"
        r"ImageTooBig|size \S+ is smaller than the min|is smaller than the minimum size",
        CloudRefused,
        "image_too_big",
        "Choose a server type or a volume with a larger disk.",
    ),
    _means(
        r"memory is too small for (the )?(requested )?image|FlavorMemoryTooSmall",
        CloudRefused,
        "image_needs_memory",
        "Choose a server type with more memory.",
    ),
    # Nova says so of a zone that it does not know, too; but Enamel sends those only that the cloud has shown, and a
    # zone whose hosts are all off is one to move on from.
    _means(
        r"requested availability zone is not available",
        NoValidHost,
        "zone_unavailable",
        "Choose another zone, or try again later.",
    ),
    _means(
        r"availability zone was not found|Availability zone \S+ is invalid",
        CloudRefused,
        "zone_unknown",
        "Choose one of the cloud's zones.",
    ),
    _means(
        r"RouteNotFound|microversion|Version \S+ is not supported by the API",
        CapabilityMissing,
        "version",
        "The cloud's release does not support this: leave out what requires it, or choose another cloud.",
    ),
)


_ROLE = re.compile(r"polic(y|ies)|role|privilege|permission|authori[sz]ed|admin|credential", re.IGNORECASE)
"""What a refusal speaks of where a role is missing."""


def error(answer: Answered) -> EnamelError:
    """Return the error that a refusal means."""
    says = error_body.read(answer.body)
    status = answer.status
    both = f"{says.kind} {says.text}"
    facts: dict[str, Any] = {"status": status}
    if says.kind:
        facts["kind"] = cleaning.clean(says.kind)[:LONGEST_KIND]
    if answer.retry_after is not None:
        facts["retry_after"] = answer.retry_after
    meaning = next((known for known in _MEANINGS if known.phrase.search(both)), None)
    kind: type[EnamelError]
    remedy = None
    if status == 401:
        kind = CloudUnauthorized
    elif status in (429, 503) or (status == 413 and answer.retry_after is not None and meaning is None):
        kind = CloudBusy if status == 503 else CloudThrottled
    elif status >= 500:
        kind = CloudUnreachable
    elif meaning is not None and _fits(meaning, status=status, service=answer.service):
        kind, remedy = meaning.error, meaning.remedy
        facts["reason"] = meaning.reason
    else:
        kind = {403: CloudForbidden, 404: Gone, 409: CloudConflict, 410: Gone, 412: CloudConflict}.get(
            status, CloudRefused if 400 <= status < 500 else CloudError
        )
        # Cinder says 400 where a volume's state forbids what was asked.
        if status == 400 and re.search(
            r"status must be|must be available|Invalid volume: .*status", both, re.I
        ):
            kind = CloudConflict
    if kind is CloudForbidden and not _ROLE.search(both):
        # What the cloud forbids for a reason of its own, no role may change.
        remedy = "Change the request so that the cloud's reason no longer holds; if it names none, a role may be missing."
    what = says.text or f"status {status} without a word of explanation"
    if kind is QuotaExceeded:
        facts["what"] = _quota_kinds(says.text)
    return kind(
        f"{answer.cloud}'s {answer.service} service answered {status} to {answer.method} {answer.path}: {what}",
        cloud=answer.cloud,
        request_ids=(answer.request_id,) if answer.request_id else (),
        remedy=remedy,
        **facts,
    )


_REASONS = (
    (re.compile(r"no ?valid ?host|not enough hosts", re.IGNORECASE), FailureReason.NO_CAPACITY),
    (re.compile(r"quota", re.IGNORECASE), FailureReason.QUOTA),
    (re.compile(r"\bimage\b", re.IGNORECASE), FailureReason.IMAGE),
    (re.compile(r"\b(network|port|subnet|vif|fixed ip)\b", re.IGNORECASE), FailureReason.NETWORK),
    (re.compile(r"\b(volume|block device)\b", re.IGNORECASE), FailureReason.VOLUME),
)
"""What a server's fault, or a failed action's event, is about; the first that fits decides."""


def failure(text: str, *, kind: str = "") -> Failure:
    """Return the failure that Nova describes by a server's fault, or by a failed action's events.

    Args:
        text: Its sentence.
        kind: What else it says, as the name of an exception.
    """
    said = f"{text} {kind}"
    reason = next((reason for phrase, reason in _REASONS if phrase.search(said)), FailureReason.UNKNOWN)
    return Failure(reason=reason, text=cleaning.clean(text))


def of_keystone(exc: Exception, *, cloud: str) -> EnamelError:
    """Return the error that a failure of keystoneauth means."""
    if isinstance(exc, keystone_errors.DiscoveryFailure):
        return _undiscovered(exc, cloud=cloud)
    text = cleaning.clean(str(exc))
    if isinstance(exc, keystone_errors.HttpError):
        refusal = error(_answered(exc, text, cloud=cloud))
        # Whatever it is that Keystone does not find or understand, it is part of the credentials.
        if isinstance(refusal, Gone | CloudRefused | CloudConflict | CloudForbidden | CloudUnauthorized):
            return _refused(refusal.detail, cloud=cloud, request_ids=refusal.request_ids, **refusal.data)
        return refusal
    if isinstance(exc, keystone_errors.SSLError):
        return CloudUntrusted(f"The certificate of cloud '{cloud}' is not trusted: {text}", cloud=cloud)
    if isinstance(exc, keystone_errors.ConnectionError | OSError):
        return CloudUnreachable(f"Cloud {cloud} does not answer: {_short(text)}", cloud=cloud)
    if isinstance(exc, keystone_errors.AuthPluginException | keystone_errors.AuthorizationFailure):
        return _refused(f"Cloud {cloud} refuses the credentials: {text}", cloud=cloud)
    return CloudUnreachable(f"Cloud {cloud} gave no usable answer to the authentication: {text}", cloud=cloud)


_CONNECTING = re.compile(
    r"(?P<what>[^:]+ to (?P<url>\S+?)): .*?(?P<why>[^:\]\[(\"']+?)(?: \(_ssl\.c:\d+\))?[\"')]*$"
)


def _short(text: str) -> str:
    """Return what keystoneauth says of a connection without the objects of other libraries that it prints."""
    match = _CONNECTING.fullmatch(text)
    return f"{match['what']}: {match['why'].strip()}" if match else text


def _undiscovered(exc: keystone_errors.DiscoveryFailure, *, cloud: str) -> EnamelError:
    """Return the error of an identity service whose versions cannot be read."""
    # keystoneauth tells of everything that can go wrong then with this one error; what it was stands behind it.
    cause = exc.__context__
    if isinstance(cause, keystone_errors.SSLError | keystone_errors.ConnectionError):
        return of_keystone(cause, cloud=cloud)
    if isinstance(cause, keystone_errors.HttpError) and (
        cause.http_status >= 500 or cause.http_status == 429
    ):
        return of_keystone(cause, cloud=cloud)
    return CloudUnauthorized(
        f"The auth_url of cloud '{cloud}' does not lead to an identity service: {cleaning.clean(str(exc))}",
        cloud=cloud,
        remedy="Correct `auth_url` in its entry of clouds.yaml.",
    )


def _answered(exc: keystone_errors.HttpError, text: str, *, cloud: str) -> Answered:
    response = exc.response
    headers: Mapping[str, str] = response.headers if response is not None else {}
    return Answered(
        cloud=cloud,
        service="identity",
        method=exc.method or "POST",
        path="/" + (exc.url or "").split("://")[-1].partition("/")[2],
        status=exc.http_status,
        body=response.content if response is not None else text.encode(),
        request_id=cleaning.request_id(exc.request_id or ""),
        retry_after=retry_after(headers.get("Retry-After"), now=sent_at(headers)),
    )


def _refused(detail: str, **facts: Any) -> CloudUnauthorized:
    """Return the error of credentials that a cloud does not accept, with the part of them that it speaks of."""
    about = next((part for phrase, part in _PARTS if phrase.search(detail)), None)
    remedy = None if about is None else f"Check {about} of its entry in clouds.yaml."
    return CloudUnauthorized(detail, remedy=remedy, **facts)


_PARTS = (
    (
        re.compile(r"application.credential", re.IGNORECASE),
        "`application_credential_id` and `application_credential_secret`",
    ),
    (re.compile(r"\bdomain\b", re.IGNORECASE), "`user_domain_name` and `project_domain_name`"),
    (re.compile(r"\bproject\b", re.IGNORECASE), "`project_name` or `project_id`"),
    (re.compile(r"\bregion\b", re.IGNORECASE), "`region_name`"),
)
"""What a refusal of the credentials is about."""


def sent_at(headers: Mapping[str, str]) -> datetime:
    """Return when an answer was sent, by the clock of whoever sent it: the dates in it go by that one."""
    try:
        return parsedate_to_datetime(headers["Date"]).astimezone(UTC)
    except (KeyError, ValueError, TypeError):
        return datetime.now(UTC)


def retry_after(header: str | None, *, now: datetime) -> float | None:
    """Return the pause that a Retry-After header asks for, in seconds, be it a number or a date.

    None where it names no sensible one: garbage, less than nothing, or hours.
    """
    if header is None:
        return None
    if re.fullmatch(r"\s*-?\d+(\.\d*)?\s*", header):
        seconds = float(header)
    else:
        try:
            # A date that has just passed on its way here means now; clocks are seconds off, too.
            seconds = max(0.0, (parsedate_to_datetime(header).astimezone(UTC) - now).total_seconds())
        except (ValueError, TypeError, OverflowError):
            return None
    return seconds if 0 <= seconds <= ABSURD_PAUSE else None


def _fits(meaning: _Meaning, *, status: int, service: str) -> bool:
    # A 404 with "quota" in a name is still a 404; Neutron's 404 for a missing gateway is not one.
    if meaning.reason == "quota":
        return status in (403, 409, 413, 400)
    if meaning.reason == "version":
        return status in (404, 406)
    return status != 404 or meaning.reason == "not_routed"


_QUOTA_WORDS = {
    "servers": r"instances|servers\b(?! groups| in group)",
    "cores": r"cores",
    "memory_mb": r"\bram\b",
    "keypairs": r"key ?pairs?",
    "server_groups": r"server.?groups?",
    "server_group_members": r"servers in group",
    "properties": r"metadata items",
    "gigabytes": r"gigabytes|\dG,",
    "volumes": r"\bvolumes\b(?! or snapshot)|number of volumes",
    "ports": r"\bports?\b",
    "addresses": r"floating.?ips?",
    "security_groups": r"security.?groups?\b",
    "networks": r"\bnetworks?\b",
}


def _quota_kinds(text: str) -> list[str]:
    return [kind for kind, words in _QUOTA_WORDS.items() if re.search(words, text, re.IGNORECASE)]
