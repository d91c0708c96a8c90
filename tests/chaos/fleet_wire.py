"""The wires of a fleet: TCP proxies before whatever a process talks to, to be cut, to go quiet, and to listen in on."""

import asyncio
import contextlib
import re
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any, Self, TypeVar

T = TypeVar("T")

HOST = "127.0.0.1"
_METHODS = re.compile(rb"(GET|HEAD|POST|PUT|PATCH|DELETE) (/\S*)")
_TOKENS = b"/auth/tokens"
_MARK = re.compile(rb"enamel:[0-9a-f-]{36}/[\w.~-]+")


class Wire:
    """One proxy before one port. It lives in the loop of its `Wires`, and is used from elsewhere."""

    def __init__(self, wires: "Wires", *, to: int, listen_in: bool) -> None:
        self.port = 0
        self.marks: list[tuple[float, str]] = []
        """The marks of what the process told the cloud to make, and when."""
        self.changes: list[tuple[float, str]] = []
        """Whatever else but reading the process asked of the cloud, and when."""
        self._wires = wires
        self._to = to
        self._listen_in = listen_in
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()

    async def lay(self) -> Self:
        """Listen on a port of its own."""
        self._server = await asyncio.start_server(self._carry, HOST, 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def cut(self) -> None:
        """Break every connection; new ones are taken."""
        self._wires.call(self._cut)

    def stall(self) -> None:
        """Let nothing through any more, without a word to either side."""
        self._wires.call(self._flowing.clear)

    def flow(self) -> None:
        """Let through what has waited, and everything from now on."""
        self._wires.call(self._flowing.set)

    def take_down(self) -> None:
        """Listen no longer, and break every connection; in the loop of the wires."""
        if self._server is not None:
            self._server.close()
        self._cut()

    def _cut(self) -> None:
        for writer in self._open:
            writer.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection(HOST, self._to)
        except OSError:
            writer.transport.abort()
            return
        self._open |= {writer, back}
        try:
            await asyncio.gather(self._pump(reader, back, out=True), self._pump(there, writer, out=False))
        finally:
            self._open -= {writer, back}
            for one in (writer, back):
                one.transport.abort()

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, out: bool) -> None:
        posting = False
        with contextlib.suppress(OSError):
            while data := await source.read(65536):
                await self._flowing.wait()
                if out and self._listen_in:
                    begun = _METHODS.match(data)
                    posting = begun[1] == b"POST" if begun else posting
                    if begun and begun[1] not in (b"GET", b"HEAD") and _TOKENS not in begun[2]:
                        self.changes.append((time.time(), begun[0].decode()))
                    if posting:
                        self.marks += [(time.time(), mark.decode()) for mark in _MARK.findall(data)]
                sink.write(data)
                await sink.drain()
        # One side has gone: the other one is to notice at once.
        sink.transport.close()


class Wires:
    """The thread that all wires of a fleet live in."""

    def __init__(self) -> None:
        self._laid: list[Wire] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="wires", daemon=True)
        self._thread.start()

    def lay(self, *, to: int, listen_in: bool = False) -> Wire:
        """Put a wire before a port."""

        async def laid() -> Wire:
            return await Wire(self, to=to, listen_in=listen_in).lay()

        wire = self._run(laid())
        self._laid.append(wire)
        return wire

    def call(self, function: Callable[[], object]) -> None:
        """Call a function in the loop of the wires."""
        self._loop.call_soon_threadsafe(function)

    def close(self) -> None:
        """Take all wires down."""

        async def end() -> None:
            for wire in self._laid:
                wire.take_down()
            rest = asyncio.all_tasks() - {asyncio.current_task()}
            for one in rest:
                one.cancel()
            await asyncio.gather(*rest, return_exceptions=True)

        self._run(end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=30)
