"""The mark of a resource of the network service: its description, or the end of its name on clouds without those.

Neutron's resources have descriptions since 2016. Before, ports and networks can only be recognised by their names, and
public addresses, which have none, by the port that they lead to.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping
from typing import Any

from enamel.clouds.openstack import service
from enamel.model import mark as marks
from enamel.model.errors import CloudRefused

SERVICE = "network"
TOGETHER = 0.02
"""Seconds for which the first who searches for a mark waits for others."""
AT_ONCE = 100
"""How many ids fit into one query without being longer than proxies allow."""


def on(resource: Mapping[str, Any], *, described: bool) -> dict[str, Any]:
    """Return the body of a resource, with its mark where the cloud takes it."""
    if described:
        return dict(resource)
    body = {name: value for name, value in resource.items() if name != "description"}
    if "name" in body:
        body["name"] = f"{body['name']} {resource['description']}"
    return body


def read(name: str, description: str | None) -> tuple[str, str]:
    """Return the name and the mark of a resource."""
    if description:
        return name, description
    own, space, mark = name.rpartition(" ")
    return (own, mark) if space and mark.startswith(marks.PREFIX) else (name, "")


class _Batch:
    """The marks that are searched for with one list."""

    def __init__(self) -> None:
        self.marks: list[str] = []
        self.entries: asyncio.Future[list[Any]]


class Marks(service.Service):
    """What carries marks."""

    _described = True
    """Whether resources have descriptions, as far as the cloud has shown."""
    _batches: dict[str, "_Batch"] | None = None
    """What is about to be searched for, by path."""

    async def _post_marked(
        self, path: str, body: Callable[[bool], dict[str, Any]], *, answer: type[service.T]
    ) -> service.T:
        """Make something that carries a mark; `body` is given whether the cloud knows descriptions."""
        try:
            return await self._post(SERVICE, path, body=body(self._described), answer=answer)
        except CloudRefused as refusal:
            if not self._described or "'description'" not in refusal.detail:
                raise
            self._described = False
            return await self._post(SERVICE, path, body=body(False), answer=answer)

    async def _with_mark(self, path: str, mark: str, *, answer: type[service.P]) -> list[Any]:
        """Return what may carry a mark; of many marks that are searched for at once, as many as a query holds share a list.

        A cloud that does not know the filter shows all: whoever asks compares.
        """
        self._batches = {} if self._batches is None else self._batches
        batch = self._batches.get(path)
        if batch is None:
            batch = self._batches[path] = _Batch()
            batch.entries = asyncio.ensure_future(self._read(path, batch, answer=answer))
        batch.marks.append(mark)
        return await asyncio.shield(batch.entries)

    async def _read(self, path: str, batch: "_Batch", *, answer: type[service.P]) -> list[Any]:
        """Wait a moment for others who search, and read the list for all of them."""
        await asyncio.sleep(TOGETHER)
        if self._batches is not None:
            del self._batches[path]
        return await self._chunks(path, "description", batch.marks, answer=answer)

    async def _chunks(
        self, path: str, name: str, values: Collection[str], *, answer: type[service.P]
    ) -> list[Any]:
        """Return lists in which a field has one of some values, as far as the cloud knows the filter."""
        distinct = list(dict.fromkeys(values))
        chunks = [distinct[start : start + AT_ONCE] for start in range(0, len(distinct), AT_ONCE)]
        reads = [
            self._pages(SERVICE, path, answer=answer, params=tuple((name, value) for value in chunk))
            for chunk in chunks
        ]
        return [entry for entries, _ in await asyncio.gather(*reads) for entry in entries]

    async def _by_ids(
        self, path: str, name: str, ids: Collection[str], *, answer: type[service.P]
    ) -> list[Any]:
        """Return what has one of some values in a field, asked for as many of them at once as a query holds."""
        # A cloud that does not know the filter shows all.
        entries = await self._chunks(path, name, ids, answer=answer)
        return [entry for entry in entries if getattr(entry, name) in ids]
