"""The part of a request's body that nobody has read when the answer is there: it is taken off the connection first.

A connection that is closed while bytes are still arriving is reset, and a client that is busy sending them never sees the answer
that refuses them: it reports a broken pipe in place of the 413.
"""

import asyncio

from starlette.datastructures import Headers
from starlette.types import Message, Receive, Send

from enamel.service.validation import body

MOST_DRAINED = 16 * 1024 * 1024
"""Bytes that are read for nobody; then the connection ends."""
DRAINED_WITHIN = 10.0
"""Seconds for that."""
QUIET = 2.0
"""Seconds without a byte after which the client is taken to have stopped sending."""


class UnreadBody:
    """Follows how much of a request's body was read, and drains a bounded part of the rest behind the answer."""

    def __init__(self, headers: Headers, *, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        length = headers.get("content-length", "0")
        self._left = "transfer-encoding" in headers or length != "0"
        self._is_long = not length.isdigit() or int(length) > body.LARGEST or "transfer-encoding" in headers
        # Such a client sends nothing before it is asked to, and a refusal does not ask.
        self._holds_back = headers.get("expect", "").lower() == "100-continue"

    async def receive(self) -> Message:
        """Receive what the client sends, in place of the server's own function."""
        message = await self._receive()
        self._holds_back = False
        self._left = message["type"] == "http.request" and message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        """Send a part of the answer; the last one waits until the rest of the body was drained."""
        if message["type"] == "http.response.start" and self._left and (self._is_long or self._holds_back):
            message = {**message, "headers": [*message["headers"], (b"connection", b"close")]}
        if message["type"] == "http.response.body" and not message.get("more_body", False) and self._left:
            await self._send({**message, "more_body": True})
            await self._drain()
            message = {"type": "http.response.body", "body": b""}
        await self._send(message)

    async def _drain(self) -> None:
        drained = 0
        try:
            async with asyncio.timeout(DRAINED_WITHIN):
                while self._left and not self._holds_back and drained < MOST_DRAINED:
                    async with asyncio.timeout(QUIET):
                        drained += len((await self.receive()).get("body", b""))
        except TimeoutError:
            # The answer is sent: whoever reads has it.
            pass
