"""What every part of an OpenStack cloud stands on: the way to the cloud, and the cache of what it offers."""

import asyncio
import functools
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar, cast
from urllib.parse import parse_qs, urlsplit

import msgspec
from msgspec import Struct, field

from enamel.clouds.calls import cache, decoder
from enamel.clouds.openstack import transport
from enamel.clouds.openstack.identity import session
from enamel.model import ids as model_ids
from enamel.model.errors import CloudForbidden, CloudRefused, CloudUnusable, Gone

T = TypeVar("T")

_NOT_THERE = (Gone, CloudForbidden, CloudRefused, CloudUnusable)
"""What a service says of an id that is none of its, or none of the project's."""

Params = Iterable[tuple[str, str]]

Id = decoder.Id

CATALOGUE = timedelta(minutes=5)
"""How long flavors, zones and volume types are believed."""
OFTEN_CHANGED = timedelta(minutes=1)
"""How long images and networks are believed."""

BEGIN_AT_MOST = 3
"""How often a list is begun whose pages do not follow each other."""
MOST_PAGES = 10_000
"""After how many pages a list is taken for endless."""
PAGE = 1000
"""As many entries as are asked for where the page before does not tell."""


class _Named(Protocol):
    """What has an id and a name."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...


N = TypeVar("N", bound=_Named)


def checked(id: str) -> str:
    """Return an id that may stand in a path. Raises Gone: what is no UUID is nothing's id here, and not asked for."""
    if not model_ids.is_id(id):
        raise Gone(f"Nothing has the id '{id[:64]}'.")
    return id


class Link(Struct):
    """A link to another page of a list."""

    rel: str = ""
    href: str = ""


class Next(Struct):
    """The link to the next page where it is not one of a list of links."""

    next: str | None = None


class Page(Struct):
    """A page of a list: what is on it is the first field, the second is the links to the others, or the next one's path."""

    def entries(self) -> list[Any]:
        """Return what is on the page."""
        return list(getattr(self, self.__struct_fields__[0]))

    def onward(self) -> tuple[tuple[str, str], ...]:
        """Return the parameters that lead to the next page; none where this is the last."""
        match getattr(self, self.__struct_fields__[1]):
            case None | "" | Next(next=None):
                return ()
            case str(path) | Next(next=path):
                url = str(path)
            case links:
                link = next((link for link in links if link.rel == "next"), None)
                if link is None:
                    return ()
                url = link.href
        query, entries = _query(url), self.entries()
        last = [key_of(entries[-1])] if entries else []
        # A record that was left out may be the one that the next page begins after: the link knows.
        marker = query.get("marker", last)
        limit = query.get("limit", [str(len(entries) or PAGE)])
        return (("limit", limit[0]), ("marker", marker[0])) if marker else ()


P = TypeVar("P", bound=Page)


def _query(url: str) -> dict[str, list[str]]:
    try:
        return parse_qs(urlsplit(url).query)
    except ValueError:
        return {}


def key_of(entry: Any) -> str:
    """Return the id by which a record is known, or what stands for it."""
    return str(getattr(entry, entry.__struct_fields__[0]))


@functools.cache
def page_of(collection: str, entry: type[Struct]) -> type[Page]:
    """Return the type of a page of a collection whose name is not known beforehand."""
    page: Any = msgspec.defstruct(
        f"{collection}_page",
        [
            (collection, list[entry]),  # type: ignore[valid-type]  # it is known when this runs
            (f"{collection}_links", list[Link], field(default_factory=list)),
        ],
        bases=(Page,),
    )
    return cast(type[Page], page)


class Listed(Struct, frozen=True, kw_only=True):
    """A list with all its pages."""

    entries: list[Any]
    at: datetime | None
    """When its first page was answered, by the cloud's clock."""
    version: str | None
    """The microversion in which the service has answered."""


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
        listed = await self._listed(service, path, answer=answer, params=params, version=version)
        return listed.entries, listed.at

    async def _listed(
        self, service: str, path: str, *, answer: type[P], params: Params = (), version: str | None = None
    ) -> Listed:
        """Return a list with all its pages. Raises CloudUnusable where there is no end to them."""
        params = tuple(params)
        for begun in range(1, BEGIN_AT_MOST + 1):
            entries: list[Any] = []
            first: transport.Reply[P] | None = None
            onward: tuple[tuple[str, str], ...] = ()
            asked: set[tuple[tuple[str, str], ...]] = set()
            try:
                while onward not in asked and len(asked) < MOST_PAGES:
                    asked.add(onward)
                    page = await self._look(
                        service, path, answer=answer, params=(*params, *onward), version=version
                    )
                    first = first or page
                    entries += page.value.entries()
                    onward = page.value.onward()
                    # Some show a way onward on a last page that has no entries.
                    if not onward or (onward in asked and not page.value.entries()):
                        return Listed(entries=entries, at=first.at, version=first.version)
            except (CloudRefused, Gone):
                # What a page goes on after may be deleted in between: the first page goes on after nothing.
                if not onward or begun == BEGIN_AT_MOST:
                    raise
                continue
            break
        raise self._endless(service, path)

    async def _with(
        self, listed: Sequence[N], names: Collection[str], one: Callable[[str], Awaitable[N]]
    ) -> list[N]:
        """Return a list with what it does not show of some ids: what is hidden, another project's or too new for it.

        Args:
            listed: The list.
            names: Names and ids.
            one: Returns what has an id. Raises Gone.
        """
        ids = {entry.id for entry in listed}
        known = ids | {entry.name for entry in listed}
        # An id may be a name, too; and who names something that is listed, means that.
        missing = [
            name for name in dict.fromkeys(names) if name not in (ids if model_ids.is_id(name) else known)
        ]
        answers = await asyncio.gather(*(one(id) for id in missing), return_exceptions=True)
        for answer in answers:
            if isinstance(answer, BaseException) and not isinstance(answer, _NOT_THERE):
                raise answer
        return [*listed, *(answer for answer in answers if not isinstance(answer, BaseException))]

    async def _by_offset(
        self, service: str, path: str, *, answer: type[T], entries: str, params: Params = ()
    ) -> list[Any]:
        """Return a list without links to its pages, to the page that brings nothing new. Raises CloudUnusable.

        Args:
            service: The service.
            path: The list.
            answer: A page of it.
            entries: The field of the page that holds what is on it.
            params: What is asked for.
        """
        listed: dict[str, Any] = {}
        onward: tuple[tuple[str, str], ...] = ()
        for _ in range(MOST_PAGES):
            page = await self._get(service, path, answer=answer, params=(*params, *onward))
            fresh = {key_of(entry): entry for entry in getattr(page, entries)}
            if fresh.keys() <= listed.keys():
                return list(listed.values())
            listed |= fresh
            onward = (("offset", str(len(listed))),)
        raise self._endless(service, path)

    def _endless(self, service: str, path: str) -> CloudUnusable:
        return CloudUnusable(
            f"{self.name}'s {service} service gives {path} in pages that lead back to each other, or have no end.",
            cloud=self.name,
            remedy="Ask the cloud's operators for pages that follow each other: what the list lacks is unknown.",
        )

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
