"""The caller: who sends a request, and whether they may be believed."""

import ipaddress
from collections.abc import Mapping
from typing import Protocol
from urllib.parse import urlsplit

from enamel.clouds import driver
from enamel.model.caller import Caller
from enamel.model.errors import Forbidden


class Callers(Protocol):
    """Tells who sent a request."""

    async def authenticate(self, headers: Mapping[str, str]) -> Caller:
        """Return the caller whom a request's headers (names in lower case) prove.

        Raises:
            NotAuthenticated: They prove nobody.
            Forbidden: The request comes by a way that is not allowed.

        """


class LocalCaller:
    """The one user of a service on loopback: whoever reaches it is the user of the default cloud.

    A web page in that user's browser reaches it, too. It cannot do so unnoticed: after a rebinding of its name the
    Host header is not a loopback one, and any other request names the page's origin.
    """

    def __init__(self, clouds: driver.Clouds) -> None:
        self._clouds = clouds
        self._known: Caller | None = None

    async def authenticate(self, headers: Mapping[str, str]) -> Caller:
        """Return the identity of the default cloud.

        Raises:
            Forbidden: The request was addressed to another host, or a web page of another site sent it.

        """
        host = headers.get("host", "")
        if not _is_loopback(host):
            raise Forbidden(
                f"This service answers to loopback names only, not to '{host[:80]}'.",
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
        identity = await self._clouds.get(self._clouds.names()[0]).identity()
        return Caller(
            user_id=identity.user_id,
            project_id=identity.project_id,
            user_name=identity.user_name,
            roles=identity.roles,
        )


def _authority(origin: str) -> str | None:
    """Return the host and port of an origin; None where it is none."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None


def _is_loopback(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
