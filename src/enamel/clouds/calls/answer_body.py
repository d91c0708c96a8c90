"""The body of an answer: unpacked as it arrives, and never more of it in memory than an answer of a cloud has.

A megabyte of gzip may unpack to three gigabytes. What counts is what comes out, so that is what is bounded: for each
answer, and for all of a process that are under way.
"""

import asyncio
import contextlib
import zlib
from collections.abc import AsyncIterable, Iterable, Iterator, Sequence

LARGEST = 16 * 1024 * 1024
"""Bytes of an answer, as unpacked: more than ten times a list of a thousand servers."""
LARGEST_REFUSAL = 64 * 1024
"""Bytes of a refusal that are read; the rest of it explains nothing."""
SMALL = 256 * 1024
"""Bytes of an answer that are read at any time; beyond, `_LARGE_AT_ONCE` answers of a process are read at once."""
ACCEPTED = "gzip, deflate"
"""The encodings that are asked for, and understood."""
_PORTION = 64 * 1024
_LARGE_AT_ONCE = 4


class TooLarge(Exception):
    """An answer has more bytes than are read."""


class Unreadable(Exception):
    """An answer is not in the encoding that it names."""


class Unpacker:
    """Takes an encoding away, portion by portion."""

    def __init__(self, encoding: str) -> None:
        """Prepare for an encoding. Raises Unreadable."""
        word = encoding.strip().lower()
        if word not in ("", "identity", "gzip", "x-gzip", "deflate"):
            raise Unreadable(f"Its encoding is '{word[:40]}', which was not asked for")
        self._plain = word in ("", "identity")
        self._begin: bytes | None = b"" if word == "deflate" else None
        """The first bytes of what is called deflate, until they tell whether it has zlib's header or none."""
        self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 32)

    def unpack(self, packed: bytes) -> Iterator[bytes]:
        """Yield what a part of the body stands for, in portions. Raises Unreadable."""
        if self._plain:
            yield packed
            return
        if self._begin is not None:
            packed = self._begin = self._begin + packed
            if len(packed) < 2:
                return
            self._begin = None
            if packed[0] & 0x0F != 8 or int.from_bytes(packed[:2], "big") % 31:
                self._inflate = zlib.decompressobj(-zlib.MAX_WBITS)
        portion = b""
        # Of a portion that is full, there may be more without any further input.
        while (packed or len(portion) == _PORTION) and not self._inflate.eof:
            try:
                portion = self._inflate.decompress(packed, _PORTION)
            except zlib.error as exc:
                raise Unreadable(f"It cannot be unpacked: {exc}") from exc
            yield portion
            packed = self._inflate.unconsumed_tail


class LargeAnswers:
    """The memory of a process for large answers: few are read at once, and the others wait for their turn."""

    def __init__(self, number: int = _LARGE_AT_ONCE) -> None:
        self._number = number
        self._turns: asyncio.Semaphore | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def turns(self) -> asyncio.Semaphore:
        """Return the semaphore of the loop that runs."""
        loop = asyncio.get_running_loop()
        if self._turns is None or self._loop is not loop:
            self._turns, self._loop = asyncio.Semaphore(self._number), loop
        return self._turns


LARGE_ANSWERS = LargeAnswers()
"""Of this process: an answer of any cloud counts."""


async def read(
    portions: AsyncIterable[bytes],
    *,
    encoding: str,
    most: int,
    cut: bool = False,
    large: Sequence[LargeAnswers] = (LARGE_ANSWERS,),
) -> bytes:
    """Return the body of an answer, unpacked.

    Args:
        portions: The body as it arrives.
        encoding: Its Content-Encoding.
        most: How many bytes it may have.
        cut: Whether to return the beginning of one that has more.
        large: What large answers wait for, one after the other.

    Raises:
        TooLarge: It has more.
        Unreadable: It is not in the encoding that it names.
    """
    unpacker, body = Unpacker(encoding), bytearray()
    async with contextlib.AsyncExitStack() as turns:
        waited = False
        async for packed in portions:
            for portion in unpacker.unpack(packed):
                if len(body) + len(portion) > most:
                    if cut:
                        return bytes(body + portion)[:most]
                    raise TooLarge
                if not waited and len(body) + len(portion) > SMALL:
                    waited = True
                    for answers in large:
                        await turns.enter_async_context(answers.turns)
                body += portion
                if len(body) > SMALL:
                    # Unpacking sixteen megabytes without a pause would keep the loop.
                    await asyncio.sleep(0)
        return bytes(body)


def read_now(portions: Iterable[bytes], *, encoding: str, most: int) -> bytes:
    """Return the body of an answer, unpacked, in a thread. Raises TooLarge and Unreadable."""
    unpacker, body = Unpacker(encoding), bytearray()
    for packed in portions:
        for portion in unpacker.unpack(packed):
            body += portion
            if len(body) > most:
                raise TooLarge
    return bytes(body)
