"""Authentication: who sends a request, and whether to believe it."""

from collections.abc import Mapping
from typing import Protocol
from urllib.parse import urlsplit

from enamel.clouds.accounts import Accounts
from enamel.model import loopback
from enamel.model.caller import Caller
from enamel.model.credential import LOCAL
from enamel.model.errors import Forbidden
from enamel.service.access import clouds


class Callers(Protocol):
    """Authenticates requests."""

    async def authenticate(self, headers: Mapping[str, str]) -> Caller:
        """Return the caller whom a request's headers (names in lower case) authenticate.

        Raises:
            NotAuthenticated: They authenticate nobody.
            Forbidden: The request was sent in a way that is not allowed.
        """


class LocalCaller:
    """The one user of a service on loopback: whoever reaches it is the user of the default cloud.

    A web page in that user's browser reaches it, too, but can be recognised: after a rebinding of its name the Host
    header is not a loopback one, and any other request names the page's origin.
    """

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._known: Caller | None = None

    async def authenticate(self, headers: Mapping[str, str]) -> Caller:
        """Return the identity of the default cloud.

        Raises:
            Forbidden: The request was addressed to another host, or a web page of another site sent it.

        """
        host = headers.get("host", "")
        if not loopback.names_this_machine(host):
            raise Forbidden(
                f"This service accepts requests for loopback names only, got '{host[:80]}'.",
                remedy="Address it as 127.0.0.1, [::1] or localhost.",
            )
        origin = headers.get("origin")
        if headers.get("sec-fetch-site", "none") not in {"none", "same-origin"} or (
            origin is not None and _authority(origin) != host
        ):
            raise Forbidden(
                "A web page of another site sent this request.",
                remedy="Use the command line, or a program that is not a web page.",
            )
        # Kept for good, so that tasks can be read while the cloud is down.
        self._known = self._known or await self._ask()
        return self._known

    async def _ask(self) -> Caller:
        own = self._accounts.of(LOCAL)
        identity = await own.get(clouds.default(own)).identity()
        return Caller(
            user_id=identity.user_id,
            project_id=identity.project_id,
            user_name=identity.user_name,
            roles=identity.roles,
            local=True,
        )


def _authority(origin: str) -> str | None:
    """Return the host and port of an origin; None where it is none."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None
