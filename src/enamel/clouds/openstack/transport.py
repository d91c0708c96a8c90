"""The transport of calls to one OpenStack cloud: connections, tokens, retries, pace and the record of what it cost.

A call is sent again only where that cannot do anything twice: reads and deletions always; anything else where no
connection came about, or where the cloud said that it took nothing. What becomes of other writes that go without a
usable answer is unknown, and told so.
"""

import asyncio
import random
import ssl
import time
from collections.abc import Hashable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import SimpleNamespace
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode, urlsplit

import aiohttp
import msgspec
import yarl
from msgspec import Struct

from enamel.clouds.calls import context, fence, record
from enamel.clouds.openstack import faults
from enamel.clouds.openstack.identity import session
from enamel.clouds.openstack.timeouts import Timeouts
from enamel.clouds.pacing import gate as pacing_gate
from enamel.clouds.pacing import latency
from enamel.clouds.pacing.budget import Trouble
from enamel.model.errors import CloudError, CloudUnreachable, EnamelError, OutcomeUnknown
from enamel.model.item import Call

T = TypeVar("T")

USER_AGENT = "enamel/0.1"
RENEWALS = 3
"""So many tokens may be refused for one call before the credentials are to blame."""
LONGEST_QUERY = 100
"""How much of a query is kept in the record of a call."""
_READS = ("GET", "HEAD")
_KEYSTONE_IS_DOWN = b"Keystone service is temporarily unavailable"


class HttpCall(Struct, frozen=True, kw_only=True):
    """A call that is wanted."""

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
    """What is made of an answer whose body does not matter, and may be anything."""


class Reply(Struct, Generic[T], frozen=True, kw_only=True):
    """A usable answer."""

    value: T
    at: datetime | None
    """When, by the cloud's clock."""
    version: str | None = None
    """The microversion in which the service has answered."""


class _Answer(Struct, frozen=True, kw_only=True):
    status: int
    headers: Any
    body: bytes
    request_id: str
    began: float
    """When its turn came, by the gate's clock."""
    seconds: float
    sent: int
    """Bytes of the call's body."""


class _Failure(Struct, frozen=True, kw_only=True):
    """A try that did not lead to a usable answer, though another may."""

    error: EnamelError
    took_nothing: bool
    """Whether it is certain that nothing has happened."""
    throttled: bool = False
    """Whether the cloud has said that it wants to be left alone: the gate sees to it, for everybody."""


class Transport:
    """The way to one cloud."""

    def __init__(
        self,
        keystone: session.Session,
        *,
        cloud: str,
        tls: ssl.SSLContext | bool,
        patience: Timeouts | None = None,
        gates: pacing_gate.Pace | None = None,
    ) -> None:
        self._session = keystone
        self._cloud = cloud
        self._tls = tls
        self._patience = patience or Timeouts()
        self._pace = gates or pacing_gate.Pace(cloud=cloud)
        self.under_way = 0
        """How many calls have begun and not ended."""
        self._reading: aiohttp.ClientSession | None = None
        self._writing: aiohttp.ClientSession | None = None

    async def call(self, want: HttpCall, *, answer: type[T]) -> Reply[T]:
        """Make a call and return its answer, decoded. Raises CloudError and QuotaExceeded."""
        self.under_way += 1
        try:
            return await self._call(want, answer=answer)
        finally:
            self.under_way -= 1

    async def _call(self, want: HttpCall, *, answer: type[T]) -> Reply[T]:
        renewals = 0
        failures = 0
        begun = time.monotonic()
        while True:
            access = await self._session.access()
            endpoint = await self._session.endpoint(want.service)
            outcome: _Answer | _Failure
            try:
                outcome = await self._try(want, access=access, endpoint=endpoint)
            except pacing_gate.Down as exc:
                outcome = _Failure(error=self._silent(want, exc), took_nothing=True)
            if isinstance(outcome, _Answer) and outcome.status == 401 and renewals < RENEWALS:
                # A 401 has had no effect: the token has expired, or was revoked; on a busy cloud the next one may be, too.
                renewals += 1
                await self._session.renew(access.token)
                continue
            read = self._read(want, outcome, answer=answer) if isinstance(outcome, _Answer) else outcome
            if isinstance(read, Reply):
                return read
            failures += not read.throttled
            await self._again_or_raise(want, read, failures=failures, begun=begun)

    async def close(self) -> None:
        """Close the connections."""
        clients = (self._reading, self._writing)
        self._reading = self._writing = None
        for client in clients:
            if client is not None:
                await client.close()

    async def _try(
        self, want: HttpCall, *, access: session.Access, endpoint: session.Endpoint
    ) -> _Answer | _Failure:
        url = endpoint.url + want.path + ("?" + urlencode(want.params) if want.params else "")
        content = None if want.body is None else msgspec.json.encode(want.body)
        gate = self._pace.gate(want.service)
        async with gate.turn(
            reads=want.method in _READS, account=self._cloud, now_within=self._patience.throttled_now
        ) as began:
            if want.method not in _READS:
                fence.check()
            started, at = time.perf_counter(), datetime.now(UTC)
            status, request_id = 0, ""
            try:
                async with self._client(want).request(
                    want.method,
                    yarl.URL(url, encoded=True),
                    headers=_headers(want, token=access.token),
                    data=content,
                    allow_redirects=False,
                    trace_request_ctx=want,
                ) as response:
                    status = response.status
                    request_id = response.headers.get(
                        "x-openstack-request-id", response.headers.get("x-compute-request-id", "")
                    )
                    body = await response.read()
                    return _Answer(
                        status=status,
                        headers=response.headers,
                        body=body,
                        request_id=request_id,
                        began=began,
                        seconds=time.perf_counter() - started,
                        sent=len(content or b""),
                    )
            except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as exc:
                gate.complained(Trouble.SILENT, began=began)
                return _Failure(error=self._silent(want, exc), took_nothing=True)
            except (aiohttp.ClientError, TimeoutError, OSError) as exc:
                gate.complained(Trouble.SILENT, began=began, status=status)
                return _Failure(error=self._silent(want, exc, request_id=request_id), took_nothing=False)
            finally:
                record.add(
                    Call(
                        method=want.method,
                        service=want.service,
                        path=_shown(url),
                        status=status,
                        request_id=request_id,
                        ms=round((time.perf_counter() - started) * 1000, 1),
                        at=at,
                    ),
                    cloud=self._cloud,
                )

    def _read(self, want: HttpCall, got: _Answer, *, answer: type[T]) -> Reply[T] | _Failure:
        gate = self._pace.gate(want.service)
        if 200 <= got.status < 300:
            if answer is Nothing:
                gate.went_well(_kind(want, got), seconds=got.seconds)
                return Reply(value=answer(), at=None)
            try:
                value = msgspec.json.decode(got.body or b"null", type=answer)
            except (msgspec.DecodeError, UnicodeDecodeError) as exc:
                # ValidationError is a DecodeError: JSON of another shape is as useless as none.
                gate.complained(Trouble.SILENT, began=got.began, status=got.status)
                return _Failure(error=self._unusable(want, got, exc), took_nothing=False)
            gate.went_well(_kind(want, got), seconds=got.seconds)
            return Reply(
                value=value,
                at=_date(got.headers.get("Date")),
                version=_version(got.headers, service=want.service),
            )
        pause = faults.retry_after(got.headers.get("Retry-After"), now=datetime.now(UTC))
        error = faults.error(
            faults.Answered(
                cloud=self._cloud,
                service=want.service,
                method=want.method,
                path=want.path,
                status=got.status,
                body=got.body,
                request_id=got.request_id,
                retry_after=pause,
            )
        )
        if got.status == 429 or (pause is not None and error.retryable and got.status in (413, 503)):
            trouble = Trouble.BUSY if got.status == 503 else Trouble.TOO_MANY
            gate.complained(trouble, began=got.began, status=got.status, pause=pause)
            return _Failure(error=error, took_nothing=True, throttled=True)
        if got.status >= 500 or got.status == 408:
            # Of other faults than 503 and a proxy's, a service answers with some for reasons of its own.
            if got.status in (502, 503, 504):
                gate.complained(Trouble.BUSY, began=got.began, status=got.status)
            return _Failure(error=error, took_nothing=_KEYSTONE_IS_DOWN in got.body)
        # The service has answered in its own good time: whatever it refuses, it is not too much for it.
        gate.went_well(_kind(want, got), seconds=got.seconds)
        raise error

    async def _again_or_raise(
        self, want: HttpCall, failure: _Failure, *, failures: int, begun: float
    ) -> None:
        """Wait before the next try, or raise where there is to be none."""
        error = failure.error
        if not failure.took_nothing and not want.repeatable:
            raise OutcomeUnknown(
                f"It is unknown what became of {want.method} {want.path}: {error.detail}",
                cloud=self._cloud,
                request_ids=error.request_ids,
            ) from error
        if failure.throttled:
            # The gate keeps the pause, for everybody.
            longest = self._patience.with_throttling(patient=context.current().patient)
            waited, closed = time.monotonic() - begun, self._pace.gate(want.service).closed_for
            if waited > longest or closed > min(longest, pacing_gate.LONGEST_PAUSE):
                raise error
            return
        if failures >= self._patience.tries:
            raise error
        longest = min(self._patience.longest_pause, self._patience.first_pause * 2 ** (failures - 1))
        await asyncio.sleep(longest * random.uniform(0.5, 1.0))

    def _client(self, want: HttpCall) -> aiohttp.ClientSession:
        # A server may close an idle connection in the very moment in which it is used again. Reads are then simply
        # repeated; for writes an idle connection is given up long before any server would.
        if want.method in ("POST", "PATCH"):
            if self._writing is None:
                self._writing = self._opened(keep_alive=1.0, total=self._patience.write)
            return self._writing
        if self._reading is None:
            self._reading = self._opened(keep_alive=15.0, total=self._patience.read)
        return self._reading

    def _opened(self, *, keep_alive: float, total: float) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=self._tls, keepalive_timeout=keep_alive),
            timeout=aiohttp.ClientTimeout(total=total, sock_connect=self._patience.connect),
            headers={"User-Agent": USER_AGENT, "Accept": "application/json"},
            # Without a body, aiohttp would call a PUT "application/octet-stream", which Nova refuses with 415.
            skip_auto_headers=["Content-Type"],
            trust_env=True,
            trace_configs=[_fenced()],
        )

    def _silent(self, want: HttpCall, exc: BaseException, *, request_id: str = "") -> CloudError:
        why = faults.clean(str(exc)) or type(exc).__name__
        if isinstance(exc, TimeoutError):
            why = "no answer in time"
        return CloudUnreachable(
            f"{self._cloud}'s {want.service} service gave no answer to {want.method} {want.path}: {why}",
            cloud=self._cloud,
            request_ids=(request_id,) if request_id else (),
        )

    def _unusable(self, want: HttpCall, got: _Answer, exc: Exception) -> CloudError:
        return CloudUnreachable(
            f"{self._cloud}'s {want.service} service answered {got.status} to {want.method} {want.path}, "
            f"but not in a form that can be read: {faults.clean(str(exc))}",
            cloud=self._cloud,
            request_ids=(got.request_id,) if got.request_id else (),
            remedy="Check that the endpoint in the cloud's catalogue is an OpenStack API and not some other page.",
        )


def _fenced() -> aiohttp.TraceConfig:
    """Look at the fence once more when a connection is there: making one may take long, and then nothing waits."""

    async def check(_session: aiohttp.ClientSession, context: SimpleNamespace, _connection: object) -> None:
        if context.trace_request_ctx.method not in _READS:
            fence.check()

    traced = aiohttp.TraceConfig()
    traced.on_connection_create_end.append(check)
    traced.on_connection_reuseconn.append(check)
    return traced


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


def _kind(want: HttpCall, got: _Answer) -> Hashable:
    return latency.kind(want.method, want.path, sent=got.sent, got=len(got.body))


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
    except (ValueError, TypeError):
        return None
