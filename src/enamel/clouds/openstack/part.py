"""What every part of an OpenStack cloud stands on: the way to the cloud, and the cache of what it offers."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, TypeVar

from enamel.clouds import cache
from enamel.clouds.openstack import session, transport
from enamel.model.errors import Gone

T = TypeVar("T")

Params = Iterable[tuple[str, str]]

CATALOGUE = timedelta(minutes=5)
"""How long flavors, zones and volume types are believed."""
OFTEN_CHANGED = timedelta(minutes=1)
"""How long images and networks are believed."""


class Part:
    """One service's share of a cloud; the cloud is the sum of its parts."""

    name: str
    keystone: session.Session
    calls: transport.Transport
    kept: cache.Cache

    async def _get(
        self, service: str, path: str, *, answer: type[T], params: Params = (), version: str | None = None
    ) -> T:
        reply = await self._look(service, path, answer=answer, params=params, version=version)
        return reply.value

    async def _look(
        self, service: str, path: str, *, answer: type[T], params: Params = (), version: str | None = None
    ) -> transport.Reply[T]:
        want = transport.Want(
            service=service, method="GET", path=path, params=tuple(params), version=version, repeatable=True
        )
        return await self.calls.call(want, answer=answer)

    async def _post(
        self,
        service: str,
        path: str,
        *,
        body: Any,
        answer: type[T],
        version: str | None = None,
        repeatable: bool = False,
    ) -> T:
        want = transport.Want(
            service=service, method="POST", path=path, body=body, version=version, repeatable=repeatable
        )
        return (await self.calls.call(want, answer=answer)).value

    async def _put(
        self, service: str, path: str, *, body: Any, answer: type[T], version: str | None = None
    ) -> T:
        # What is put twice is the same as what is put once.
        want = transport.Want(
            service=service, method="PUT", path=path, body=body, version=version, repeatable=True
        )
        return (await self.calls.call(want, answer=answer)).value

    async def _delete(self, service: str, path: str) -> None:
        """Delete something; that it is gone already is as good."""
        want = transport.Want(service=service, method="DELETE", path=path, repeatable=True)
        try:
            await self.calls.call(want, answer=transport.Nothing)
        except Gone:
            pass
