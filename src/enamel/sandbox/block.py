"""The loopback addresses that one sandbox has to itself, so that no two on a machine answer for each other.

The public network of a sandbox lies in 127.N.0.0/16. Whichever process holds a port of its gateway has the block;
the kernel gives the port back when the process ends, however it ends.
"""

from __future__ import annotations

import socket
from types import TracebackType

FIRST = 77
LAST = 254
GATE = 2222
"""The port of the gateway that is held. Guests greet on the same one: what has it everywhere would be in their way."""


class Block:
    """A block of addresses, held until it is closed."""

    def __init__(self, number: int, gate: socket.socket | None) -> None:
        """Keep what holds the block."""
        self.number = number
        """The N of 127.N.0.0/16."""
        self._gate = gate

    def __enter__(self) -> Block:
        """Hold it until the block of code ends."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let others have it."""
        if self._gate is not None:
            self._gate.close()


def take() -> Block:
    """Return the first block that is free; the first of all, shared, where no gateway can be had."""
    for number in range(FIRST, LAST + 1):
        gate = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            gate.bind((f"127.{number}.0.1", GATE))
        except OSError:
            gate.close()
        else:
            return Block(number, gate)
    return Block(FIRST, None)
