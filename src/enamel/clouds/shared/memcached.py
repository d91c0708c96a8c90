"""A backend of the shared store on memcached.

Over one connection, with the few commands of its text protocol that are needed here. The libraries at hand either block,
or spin for ever on a connection that the server has closed. Answers come in the order of the questions, so one who gives
up waiting leaves nothing behind that another would take for their own.
"""

import asyncio
from collections import deque
from collections.abc import Mapping

PORT = 11211
_LONGEST_LINE = 4096
_Answer = tuple[str, dict[str, bytes]]
"""The first word of what the server says, and the values that came before it."""


class Memcached:
    """One memcached server."""

    def __init__(self, host: str, *, port: int = PORT) -> None:
        self.name = f"memcached at {host}:{port}"
        self._host, self._port = host, port
        self._line: _Line | None = None
        self._connecting = asyncio.Lock()

    async def read(self, keys: tuple[str, ...]) -> Mapping[str, bytes]:
        """Return the values of those keys that exist."""
        _, values = await self._ask(f"get {' '.join(keys)}")
        return values

    async def write(self, key: str, value: bytes, *, seconds: int) -> bool:
        """Store a value; False if it is larger than the server accepts."""
        said, _ = await self._ask(f"set {key} 0 {seconds} {len(value)}", value)
        return said == "STORED"

    async def claim(self, key: str, value: bytes, *, seconds: int) -> bool:
        """Store a value unless the key exists."""
        said, _ = await self._ask(f"add {key} 0 {seconds} {len(value)}", value)
        return said == "STORED"

    async def count(self, key: str, by: int, *, seconds: int) -> int:
        """Add to a number that begins at 0, and return it."""
        while True:
            # Two who begin at once: one begins, the other adds.
            said, _ = await self._ask(f"{'incr' if by >= 0 else 'decr'} {key} {abs(by)}")
            if said != "NOT_FOUND":
                return int(said)
            first = str(max(0, by)).encode()
            said, _ = await self._ask(f"add {key} 0 {seconds} {len(first)}", first)
            if said == "STORED":
                return int(first)

    async def erase(self, keys: tuple[str, ...]) -> None:
        """Delete values."""
        await asyncio.gather(*(self._ask(f"delete {key}") for key in keys))

    async def close(self) -> None:
        """Close the connection; the next request opens another."""
        line, self._line = self._line, None
        if line is not None:
            line.close()

    async def _ask(self, command: str, value: bytes | None = None) -> _Answer:
        async with self._connecting:
            line = self._line
            if line is None or line.broken:
                line = self._line = _Line(
                    *await asyncio.open_connection(self._host, self._port, limit=_LONGEST_LINE)
                )
        return await line.ask(command, value)


class _Line:
    """A connection on which requests are pipelined."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._waiting: deque[asyncio.Future[_Answer]] = deque()
        self._listening = asyncio.get_running_loop().create_task(self._listen(), name="memcached")

    @property
    def broken(self) -> bool:
        """Whether the connection is closed."""
        return self._listening.done()

    async def ask(self, command: str, value: bytes | None) -> _Answer:
        """Send a command and return the answer of the server."""
        answer: asyncio.Future[_Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append(answer)
        self._writer.write(command.encode() + b"\r\n" + (b"" if value is None else value + b"\r\n"))
        return await answer

    def close(self) -> None:
        """Fail all requests that wait for an answer."""
        self._listening.cancel()
        self._writer.close()
        self._give_up(ConnectionAbortedError("the connection was given up"))

    async def _listen(self) -> None:
        try:
            while True:
                answer = await self._answer()
                if not (waiting := self._waiting.popleft()).done():
                    waiting.set_result(answer)
        except (OSError, EOFError, ValueError, IndexError) as error:
            self._writer.close()
            self._give_up(ConnectionResetError(f"the connection broke: {error}"))

    async def _answer(self) -> _Answer:
        values: dict[str, bytes] = {}
        while True:
            words = (await self._reader.readuntil(b"\r\n")).decode().split()
            if words[0] == "VALUE":
                length = int(words[3])
                values[words[1]] = (await self._reader.readexactly(length + 2))[:length]
            elif words[0] in {"ERROR", "CLIENT_ERROR"}:
                raise ValueError(" ".join(words))
            else:
                return words[0], values

    def _give_up(self, why: Exception) -> None:
        while self._waiting:
            if not (waiting := self._waiting.popleft()).done():
                waiting.set_exception(why)
