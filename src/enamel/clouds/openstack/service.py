"""What every part of an OpenStack cloud stands on: the way to the cloud, and the cache of what it offers."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, TypeVar

from msgspec import Struct

from enamel.clouds.calls import cache
from enamel.clouds.openstack import transport
from enamel.clouds.openstack.identity import session
from enamel.model import ids
from enamel.model.errors import CloudRefused, Gone

T = TypeVar("T")

Params = Iterable[tuple[str, str]]

CATALOGUE = timedelta(minutes=5)
"""How long flavors, zones and volume types are believed."""
OFTEN_CHANGED = timedelta(minutes=1)
"""How long images and networks are believed."""

BEGIN_AT_MOST = 3
"""How often a list is begun whose pages do not follow each other."""


def checked(id: str) -> str:
    """Return an id that may stand in a path. Raises Gone: what is no UUID is nothing's id here, and not asked for."""
    if not ids.is_id(id):
        raise Gone(f"Nothing has the id '{id[:64]}'.")
    return id


class Link(Struct):
    """A link to another page of a list."""

    rel: str
    href: str = ""


class Page(Struct):
    """A page of a list: what is on it is the first field, the links to the others are the second."""

    def entries(self) -> list[Any]:
        """Return what is on the page."""
        return list(getattr(self, self.__struct_fields__[0]))

    def goes_on(self) -> bool:
        """Tell whether there is another page."""
        return any(link.rel == "next" for link in getattr(self, self.__struct_fields__[1]))


P = TypeVar("P", bound=Page)


class Service:
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
        want = transport.HttpCall(
            service=service, method="GET", path=path, params=tuple(params), version=version, repeatable=True
        )
        return await self.calls.call(want, answer=answer)

    async def _pages(
        self, service: str, path: str, *, answer: type[P], params: Params = (), version: str | None = None
    ) -> tuple[list[Any], datetime | None]:
        """Return a list with all its pages, and when the first one was answered, by the cloud's clock."""
        begun = 0
        entries_so_far: list[Any] = []
        at: datetime | None = None
        onward: tuple[tuple[str, str], ...] = ()
        while True:
            begun += not onward
            try:
                page = await self._look(
                    service, path, answer=answer, params=(*params, *onward), version=version
                )
            except (CloudRefused, Gone):
                # What a page goes on after may be deleted in between: the first page goes on after nothing.
                if not onward or begun >= BEGIN_AT_MOST:
                    raise
                entries_so_far, at, onward = [], None, ()
                continue
            entries = page.value.entries()
            entries_so_far += entries
            at = at or page.at
            if not entries or not page.value.goes_on():
                return entries_so_far, at
            onward = (("limit", str(len(entries))), ("marker", entries[-1].id))

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
        want = transport.HttpCall(
            service=service, method="POST", path=path, body=body, version=version, repeatable=repeatable
        )
        return (await self.calls.call(want, answer=answer)).value

    async def _put(
        self, service: str, path: str, *, body: Any, answer: type[T], version: str | None = None
    ) -> T:
        # What is put twice is the same as what is put once.
        want = transport.HttpCall(
            service=service, method="PUT", path=path, body=body, version=version, repeatable=True
        )
        return (await self.calls.call(want, answer=answer)).value

    async def _delete(self, service: str, path: str, id: str | None = None) -> None:
        """Delete what is at a path, or what has an id in a collection; what is gone already is not a fault."""
        try:
            path = path if id is None else f"{path}/{checked(id)}"
            want = transport.HttpCall(service=service, method="DELETE", path=path, repeatable=True)
            await self.calls.call(want, answer=transport.Nothing)
        except Gone:
            pass
