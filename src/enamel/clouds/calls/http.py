"""HTTP to clouds: connections that are kept, and what it means when they break."""

import ssl
from collections.abc import Mapping
from types import SimpleNamespace

import aiohttp
import yarl
from msgspec import Struct

from enamel.clouds.calls import cleaning, fence
from enamel.clouds.calls.caller import Attempt, Failure
from enamel.clouds.calls.timeouts import Timeouts
from enamel.clouds.pacing.budget import Trouble
from enamel.model import text
from enamel.model.errors import CloudUnreachable, CloudUntrusted

USER_AGENT = "enamel/0.1"


class HttpAnswer(Struct, frozen=True, kw_only=True):
    """What a service has answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class HttpClient:
    """The connections to one cloud."""

    def __init__(
        self,
        *,
        cloud: str,
        tls: ssl.SSLContext | bool,
        timeouts: Timeouts,
        request_id_headers: tuple[str, ...] = (),
    ) -> None:
        """Open nothing yet.

        Args:
            cloud: What it is called in errors.
            tls: How far its certificate is checked, and which one is shown.
            timeouts: How long connections and answers may take.
            request_id_headers: Where answers carry the cloud's id of the request; the first one present counts.
        """
        self._cloud = cloud
        self._tls = tls
        self._timeouts = timeouts
        self._request_id_headers = request_id_headers
        self._reading: aiohttp.ClientSession | None = None
        self._writing: aiohttp.ClientSession | None = None

    async def send(
        self, attempt: Attempt, method: str, url: str, *, headers: Mapping[str, str], content: bytes | None
    ) -> HttpAnswer:
        """Send a request within an attempt and return the answer, whatever its status. Raises Failure."""
        attempt.sent = len(content or b"")
        try:
            async with self._session(method).request(
                method,
                yarl.URL(url, encoded=True),
                headers=headers,
                data=content,
                allow_redirects=False,
                trace_request_ctx=attempt,
            ) as response:
                attempt.status = response.status
                attempt.request_id = cleaning.request_id(
                    next(filter(None, map(response.headers.get, self._request_id_headers)), "")
                )
                body = await response.read()
        except aiohttp.ClientSSLError as exc:
            raise CloudUntrusted(
                f"The certificate of {self._cloud}'s {attempt.operation.service} service is not trusted: "
                f"{cleaning.clean(str(exc))}",
                cloud=self._cloud,
            ) from exc
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as exc:
            raise self._silent(attempt, exc, no_effect=True) from exc
        except (aiohttp.ClientError, TimeoutError, OSError) as exc:
            raise self._silent(attempt, exc, no_effect=False) from exc
        attempt.received = len(body)
        return HttpAnswer(status=response.status, headers=response.headers, body=text.clean_json(body))

    async def close(self) -> None:
        """Close the connections."""
        # Whoever calls meanwhile gets connections of their own.
        sessions = (self._reading, self._writing)
        self._reading = self._writing = None
        for session in sessions:
            if session is not None:
                await session.close()

    def _silent(self, attempt: Attempt, exc: BaseException, *, no_effect: bool) -> Failure:
        operation = attempt.operation
        why = (
            "no answer in time"
            if isinstance(exc, TimeoutError)
            else cleaning.clean(str(exc)) or type(exc).__name__
        )
        error = CloudUnreachable(
            f"{self._cloud}'s {operation.service} service gave no answer to "
            f"{operation.method} {operation.path}: {why}",
            cloud=self._cloud,
            request_ids=(attempt.request_id,) if attempt.request_id else (),
        )
        return Failure(error, no_effect=no_effect, trouble=Trouble.SILENT)

    def _session(self, method: str) -> aiohttp.ClientSession:
        # A server may close an idle connection in the very moment in which it is used again. Reads are then simply
        # repeated; for writes an idle connection is given up long before any server would.
        if method in ("POST", "PATCH"):
            if self._writing is None:
                self._writing = self._opened(keep_alive=1.0, total=self._timeouts.write)
            return self._writing
        if self._reading is None:
            self._reading = self._opened(keep_alive=15.0, total=self._timeouts.read)
        return self._reading

    def _opened(self, *, keep_alive: float, total: float) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=self._tls, keepalive_timeout=keep_alive),
            timeout=aiohttp.ClientTimeout(total=total, sock_connect=self._timeouts.connect),
            headers={"User-Agent": USER_AGENT, "Accept": "application/json"},
            # Without a body, aiohttp would call a PUT "application/octet-stream", which Nova refuses with 415.
            skip_auto_headers=["Content-Type"],
            trust_env=True,
            trace_configs=[_fenced()],
        )


def _fenced() -> aiohttp.TraceConfig:
    """Check the fence once more when there is a connection: making one may take longer than a lease lasts."""

    async def check(_session: aiohttp.ClientSession, context: SimpleNamespace, _connection: object) -> None:
        if not context.trace_request_ctx.operation.reads:
            fence.check()

    traced = aiohttp.TraceConfig()
    traced.on_connection_create_end.append(check)
    traced.on_connection_reuseconn.append(check)
    return traced
