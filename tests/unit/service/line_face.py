"""Another face: the service over lines of JSON on a socket.

It shows that a face needs nothing but the service layer and the model. One line is one request:

    {"do": "launch", "body": {"name": "web", "template": "cirros", "type": "m1.tiny"}, "key": "once"}
    {"do": "wait", "id": "<task>", "seconds": 30}
    {"do": "follow", "id": "<task>"}
    {"do": "list", "noun": "servers", "cloud": "north"}
    {"do": "get", "noun": "volumes", "id": "<volume>"}
    {"do": "act", "id": "<server>", "body": {"action": "REBOOT"}}
    {"do": "submit", "command": "volume.create", "body": {"name": "disk", "size_gb": 1}, "dry_run": true}

and one line its answer: `{"ok": …}` or `{"error": {"code": …, "detail": …, "faults": […]}}`. `follow` answers with a line
for each event, and then as the others do.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import msgspec
from msgspec import Struct

from enamel.model import errors, ids, problem
from enamel.model.call_context import CallContext
from enamel.service.resources.paging import LIMIT
from enamel.service.resources.server_list import ServerPage
from enamel.service.services import Services
from enamel.service.tasks.idempotency import Accepted
from enamel.service.tasks.submit import Outcome
from enamel.service.validation import body

HEADERS = {"host": "localhost"}
"""Where the requests of this face come from: the socket is on loopback."""


class Line(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request."""

    do: str
    """launch, submit, act, wait, follow, list or get."""
    id: str = ""
    noun: str = ""
    command: str = ""
    body: Any = None
    params: dict[str, str] = {}
    cloud: str | None = None
    dry_run: bool = False
    key: str | None = None
    """The idempotency key."""
    seconds: int = 0
    limit: int = LIMIT
    marker: str | None = None
    fresh: bool = False
    """Whether cached answers are refused."""


class Face:
    """Answers lines."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._verbs: Mapping[str, Callable[[CallContext, Line], Awaitable[Any]]] = {
            "launch": self._launch,
            "submit": self._submit,
            "act": self._act,
            "wait": self._wait,
            "list": self._list,
            "get": self._get,
        }

    async def answer(self, raw: bytes) -> AsyncIterator[bytes]:
        """Yield the answer to a line."""
        try:
            line = body.read(body.loads(raw), Line)
            ctx = CallContext(
                caller=await self._services.callers.authenticate(HEADERS),
                request_id=ids.new_request_id(),
                fresh=line.fresh,
            )
            if line.do == "follow":
                async for event in self._services.follow.events(ctx, line.id, cloud=line.cloud):
                    yield _line(event)
                yield _line({"ok": None})
                return
            yield _line({"ok": await self._verb(line.do)(ctx, line)})
        except errors.EnamelError as error:
            yield _line({"error": problem.of(error)})

    def _verb(self, do: str) -> Callable[[CallContext, Line], Awaitable[Any]]:
        if do not in self._verbs:
            detail = f"There is nothing called '{do[:40]}' to do; known are {', '.join(self._verbs)}, follow."
            raise errors.Invalid(detail, faults=(errors.Fault(pointer="/do", detail=detail, code="unknown"),))
        return self._verbs[do]

    async def _launch(self, ctx: CallContext, line: Line) -> Any:
        return await self._submit(ctx, msgspec.structs.replace(line, command="server.create"))

    async def _submit(self, ctx: CallContext, line: Line) -> Any:
        return _outcome(
            await self._services.submit.command(
                ctx,
                line.command,
                line.body,
                cloud=line.cloud,
                params=line.params,
                dry_run=line.dry_run,
                idempotency_key=line.key,
            )
        )

    async def _act(self, ctx: CallContext, line: Line) -> Any:
        return _outcome(
            await self._services.server_actions.act(
                ctx, line.id, line.body, cloud=line.cloud, dry_run=line.dry_run, idempotency_key=line.key
            )
        )

    async def _wait(self, ctx: CallContext, line: Line) -> Any:
        timeout = timedelta(seconds=line.seconds)
        return await self._services.follow.wait(ctx, line.id, timeout=timeout, cloud=line.cloud)

    async def _list(self, ctx: CallContext, line: Line) -> Any:
        page = await self._noun(line).list(ctx, cloud=line.cloud, limit=line.limit, marker=line.marker)
        return page.page if isinstance(page, ServerPage) else page

    async def _get(self, ctx: CallContext, line: Line) -> Any:
        return await self._noun(line).get(ctx, line.id, cloud=line.cloud)

    def _noun(self, line: Line) -> Any:
        nouns = (
            "addresses",
            "keypairs",
            "networks",
            "servers",
            "server_types",
            "tasks",
            "templates",
            "volumes",
        )
        if line.noun not in nouns:
            detail = f"There are no '{line.noun[:40]}'; known are {', '.join(nouns)}."
            raise errors.NotFound(detail)
        return getattr(self._services, line.noun)


def _outcome(outcome: Outcome) -> Any:
    return outcome.task if isinstance(outcome, Accepted) else outcome


def _line(value: Any) -> bytes:
    return msgspec.json.encode(value) + b"\n"


@asynccontextmanager
async def served(services: Services) -> AsyncIterator[int]:
    """Serve the face on a port of loopback until the block ends."""
    face = Face(services)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while raw := await reader.readline():
                async for answer in face.answer(raw):
                    writer.write(answer)
                    await writer.drain()
        finally:
            writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]
