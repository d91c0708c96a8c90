"""The block of loopback addresses that one sandbox owns, so that two sandboxes on a machine never share an address.

The public network of a sandbox lies in 127.N.0.0/16. The process that listens on a port of the block's gateway owns
the block; the operating system frees the port when the process ends, however it ends.
"""

from __future__ import annotations

import socket
from types import TracebackType

FIRST = 77
LAST = 254
GATE = 2222
"""The port of the gateway that is held. Guests listen on the same port number: a program that binds it on all addresses would be in conflict with them."""


class Block:
    """A block of addresses, held until it is closed."""

    def __init__(self, number: int, gate: socket.socket | None) -> None:
        """Keep the sockets that own the block."""
        self.number = number
        """The N of 127.N.0.0/16."""
        self._gate = gate

    def __enter__(self) -> Block:
        """Own it until the `with` block ends."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Release it."""
        if self._gate is not None:
            self._gate.close()


def take() -> Block:
    """Return the first free block; where no gateway address can be bound, the first block, shared."""
    for number in range(FIRST, LAST + 1):
        gate = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            gate.bind((f"127.{number}.0.1", GATE))
        except OSError:
            gate.close()
        else:
            return Block(number, gate)
    return Block(FIRST, None)
