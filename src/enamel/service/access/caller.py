"""Authentication: who sends a request, and whether to believe it."""

from collections.abc import Mapping
from typing import Protocol
from urllib.parse import urlsplit

import msgspec

from enamel.clouds.accounts import Accounts
from enamel.model import loopback
from enamel.model.caller import Caller
from enamel.model.credential import LOCAL
from enamel.model.errors import CloudError, Forbidden
from enamel.service.access import clouds
from enamel.store import tasks
from enamel.store.engine import Store


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

    If that cloud is silent when the service starts, they are the user of the first cloud that answers, and the tasks of
    the service are still theirs: one silent cloud makes nothing unavailable but what needs it.

    A web page in that user's browser reaches it, too, but can be recognised: after a rebinding of its name the Host
    header is not a loopback one, and any other request names the page's origin.
    """

    def __init__(self, accounts: Accounts, *, store: Store) -> None:
        """Ask nobody yet.

        Args:
            accounts: Whose clouds are whose.
            store: Tells whom the tasks belong to while the default cloud does not say who the user is.
        """
        self._accounts = accounts
        self._store = store
        self._known: Caller | None = None

    async def authenticate(self, headers: Mapping[str, str]) -> Caller:
        """Return the one user.

        Raises:
            Forbidden: The request was addressed to another host, or a web page of another site sent it.
            CloudUnknown: No cloud is configured.

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
        # Kept for good, so that tasks are the same user's whichever clouds answer later.
        self._known = self._known or await self._ask()
        return self._known or Caller(user_id="", project_id="", local=True)

    async def _ask(self) -> Caller | None:
        """Return who the user is; None if neither a cloud nor a task tells."""
        own = self._accounts.of(LOCAL)
        default = clouds.default(own)
        for name in own.names():
            try:
                identity = await own.get(name).identity()
            except CloudError:
                continue
            user = Caller(
                user_id=identity.user_id,
                project_id=identity.project_id,
                user_name=identity.user_name,
                roles=identity.roles,
                local=True,
            )
            return user if name == default else await self._owner(user)
        return await self._owner(None)

    async def _owner(self, user: Caller | None) -> Caller | None:
        """Return a user as the owner of the tasks that there are: they were accepted for the default cloud's user."""
        newest = await self._store.read(tasks.list, limit=1)
        if not newest:
            return user
        user = user or Caller(user_id="", project_id="", local=True)
        return msgspec.structs.replace(user, user_id=newest[0].created_by, project_id=newest[0].project_id)


def _authority(origin: str) -> str | None:
    """Return the host and port of an origin; None where it is none."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None
