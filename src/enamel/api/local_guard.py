"""The guard of a service in local mode: it is there for one user of a machine, and for no page in a browser."""

import hmac
from pathlib import Path

from starlette.datastructures import Headers
from starlette.types import Scope

from enamel.api import connection
from enamel.api.connection import Connection
from enamel.model import data_directory, loopback
from enamel.model.errors import Forbidden, NotAuthenticated


class LocalGuard:
    """Lets the requests of one user pass."""

    def __init__(self, *, directory: Path | None = None, token: str | None = None) -> None:
        """Take what to ask for.

        Args:
            directory: The data directory, for what refusals say.
            token: What a program of another user shows on the TCP port; None lets everybody on this machine pass.
        """
        self._directory = directory
        self._token = token

    def check(self, scope: Scope) -> None:
        """Let a request pass.

        Raises:
            Forbidden: It was addressed to another host than this machine, as a web page does after a rebinding of its name.
            NotAuthenticated: It is another user's, and shows no token.
        """
        headers = Headers(scope=scope)
        peer: Connection | None = scope.get(connection.CONNECTION)
        host = headers.get("host", "")
        # A browser always names the host; the health checks of proxies may not.
        if host and not (peer is not None and peer.over_socket) and not loopback.names_this_machine(host):
            raise Forbidden(
                f"This service accepts requests for loopback names only, got '{host[:80]}'.",
                remedy="Address it as 127.0.0.1, [::1] or localhost.",
            )
        if (
            self._token is not None
            and not self._shows_token(headers)
            and not (peer is not None and peer.is_own)
        ):
            raise NotAuthenticated(
                "This service is another user's, or it cannot be seen whose process sent this request.",
                remedy=f"As its user, send `Authorization: Bearer` with the text in {self._file(data_directory.TOKEN)}, or "
                f"use the socket: curl --unix-socket {self._file(data_directory.SOCKET)}.",
            )

    def _file(self, name: str) -> str:
        return str(self._directory / name) if self._directory is not None else name

    def _shows_token(self, headers: Headers) -> bool:
        scheme, _, shown = headers.get("authorization", "").partition(" ")
        expected = (self._token or "").encode()
        return scheme.lower() == "bearer" and hmac.compare_digest(
            shown.strip().encode("utf-8", "replace"), expected
        )
