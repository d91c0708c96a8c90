"""The transport of calls to one OpenStack cloud: what of them is OpenStack's.

That is the token, the endpoint, the microversion, and what answers mean. Gate, fence, record and repetition are those of
all clouds: `enamel.clouds.calls.caller`.
"""

import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode, urlsplit

import msgspec
from msgspec import Struct

from enamel.clouds.calls import caller, cleaning, context, decoder, http, misfit_log
from enamel.clouds.calls.timeouts import Timeouts
from enamel.clouds.openstack import faults
from enamel.clouds.openstack.identity import session
from enamel.clouds.pacing import gate as pacing_gate
from enamel.clouds.pacing.budget import Trouble
from enamel.model import redaction
from enamel.model.errors import CloudError, CloudUnreachable, CloudUnusable

T = TypeVar("T")

RENEWALS = 3
"""How many tokens may be refused for one call before the credentials are to blame."""
REQUEST_ID_HEADERS = ("x-openstack-request-id", "x-compute-request-id")
LONGEST_QUERY = 100
"""How much of a query is kept in the record of a call."""
_READS = ("GET", "HEAD")
_KEYSTONE_IS_DOWN = b"Keystone service is temporarily unavailable"


class HttpCall(Struct, frozen=True, kw_only=True):
    """A call to a service."""

    service: str
    method: str
    path: str
    """Below the service's endpoint."""
    params: tuple[tuple[str, str], ...] = ()
    body: Any = None
    media_type: str = "application/json"
    """Of the body."""
    version: str | None = None
    """The microversion."""
    repeatable: bool = False
    """Whether it does no harm when the cloud carries it out twice."""


class Nothing(Struct, frozen=True):
    """Stands for an answer whose body does not matter, and may be anything."""


class Reply(Struct, Generic[T], frozen=True, kw_only=True):
    """A usable answer."""

    value: T
    at: datetime | None
    """When, by the cloud's clock."""
    version: str | None = None
    """The microversion in which the service has answered."""


class Transport:
    """The calls to one cloud with one account."""

    def __init__(
        self,
        keystone: session.Session,
        *,
        cloud: str,
        tls: ssl.SSLContext | bool,
        timeouts: Timeouts | None = None,
        gates: pacing_gate.Pace | None = None,
    ) -> None:
        """Take where tokens and endpoints come from, and what the calls go through."""
        timeouts = timeouts or Timeouts()
        self._session = keystone
        self._cloud = cloud
        self._client = http.HttpClient(
            cloud=cloud, tls=tls, timeouts=timeouts, request_id_headers=REQUEST_ID_HEADERS
        )
        self._caller = caller.Caller(
            cloud=cloud, gates=gates or pacing_gate.Pace(cloud=cloud), timeouts=timeouts
        )
        self._left_out = misfit_log.MisfitLog(cloud=cloud)

    async def call(self, want: HttpCall, *, answer: type[T]) -> Reply[T]:
        """Make a call and return its answer, decoded. Raises CloudError and QuotaExceeded."""
        operation = caller.Operation(
            service=want.service,
            method=want.method,
            path=want.path,
            reads=want.method in _READS,
            repeatable=want.repeatable,
        )
        content = None if want.body is None else msgspec.json.encode(want.body)
        renewals = 0

        async def once(attempt: caller.Attempt) -> Reply[T]:
            nonlocal renewals
            access = await self._session.access()
            # A cloud may repeat in its answer whatever it was sent.
            sent = redaction.Redactor((access.token, *self._session.secrets, *redaction.values(want.body)))
            with redaction.keeping(sent):
                return await send(attempt, access)

        async def send(attempt: caller.Attempt, access: session.Access) -> Reply[T]:
            nonlocal renewals
            endpoint = await self._session.endpoint(want.service)
            url = endpoint.url + want.path + ("?" + urlencode(want.params) if want.params else "")
            attempt.path = _shown(url)
            async with attempt:
                got = await self._client.send(
                    attempt, want.method, url, headers=_headers(want, token=access.token), content=content
                )
            if got.status == 401 and renewals < RENEWALS:
                # A 401 has had no effect: the token has expired, or was revoked; on a busy cloud the next one may be, too.
                renewals += 1
                await self._session.renew(access.token)
                raise caller.Again
            return self._read(want, got, attempt, answer=answer)

        return await self._caller.run(operation, once)

    @property
    def in_use(self) -> bool:
        """Whether a call is under way."""
        return self._caller.in_use

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    def _read(
        self, want: HttpCall, got: http.HttpAnswer, attempt: caller.Attempt, *, answer: type[T]
    ) -> Reply[T]:
        """Return what an answer holds. Raises Failure, and the error that a refusal means."""
        if 200 <= got.status < 300:
            if answer is Nothing:
                return Reply(value=answer(), at=None)
            try:
                value, misfits = decoder.decode(got.body, answer)
            except decoder.Unusable as exc:
                # Whatever answers in JSON is not down, and is asked for other things as before.
                trouble = None if exc.is_json else Trouble.SILENT
                raise caller.Failure(
                    self._unusable(want, attempt, exc), no_effect=False, trouble=trouble
                ) from exc
            self._left_out.add(misfits, service=want.service)
            return Reply(
                value=value,
                at=_date(got.headers.get("Date")),
                version=_version(got.headers, service=want.service),
            )
        pause = faults.retry_after(got.headers.get("Retry-After"), now=faults.sent_at(got.headers))
        error = faults.error(
            faults.Answered(
                cloud=self._cloud,
                service=want.service,
                method=want.method,
                path=want.path,
                status=got.status,
                body=got.body,
                request_id=attempt.request_id,
                retry_after=pause,
            )
        )
        if got.status == 429 or (pause is not None and error.retryable and got.status in (413, 503)):
            trouble = Trouble.BUSY if got.status == 503 else Trouble.TOO_MANY
            raise caller.Failure(error, no_effect=True, trouble=trouble, pause=pause, throttled=True)
        if got.status >= 500 or got.status == 408:
            # Of other faults than 503 and a proxy's, a service answers with some for reasons of its own.
            busy = Trouble.BUSY if got.status in (502, 503, 504) else None
            raise caller.Failure(error, no_effect=_KEYSTONE_IS_DOWN in got.body, trouble=busy)
        raise error

    def _unusable(self, want: HttpCall, attempt: caller.Attempt, exc: decoder.Unusable) -> CloudError:
        kind = CloudUnusable if exc.is_json else CloudUnreachable
        return kind(
            f"{self._cloud}'s {want.service} service answered {attempt.status} to {want.method} {want.path}, "
            f"but not in a form that can be read: {cleaning.clean(str(exc))}",
            cloud=self._cloud,
            request_ids=(attempt.request_id,) if attempt.request_id else (),
            remedy=None
            if exc.is_json
            else "Check that the endpoint in the cloud's catalogue is an OpenStack API and not some other page.",
        )


def _headers(want: HttpCall, *, token: str) -> dict[str, str]:
    headers = {"X-Auth-Token": token}
    if want.body is not None:
        headers["Content-Type"] = want.media_type
    if want.version is not None:
        headers["OpenStack-API-Version"] = f"{want.service} {want.version}"
        headers["X-OpenStack-Nova-API-Version"] = want.version
    request_id = context.current().request_id
    if request_id:
        headers["X-Openstack-Request-Id"] = request_id
    return headers


def _shown(url: str) -> str:
    parts = urlsplit(url)
    query = parts.query if len(parts.query) <= LONGEST_QUERY else parts.query[: LONGEST_QUERY - 1] + "…"
    return f"{parts.path}?{query}" if query else parts.path


def _version(headers: Mapping[str, str], *, service: str) -> str | None:
    named, _, version = headers.get("OpenStack-API-Version", "").partition(" ")
    return version if named == service else headers.get("X-OpenStack-Nova-API-Version")


def _date(header: str | None) -> datetime | None:
    if header is None:
        return None
    try:
        return parsedate_to_datetime(header).astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        return None
