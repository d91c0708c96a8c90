"""A port for a process that is started again on the same one."""

import random
import socket

_PORTS = range(20_000, 32_000)
"""Below those that the system hands out by itself: nobody else is given one while the process is away."""


def on_loopback() -> int:
    """Return a port of 127.0.0.1 on which nobody listens."""
    while True:
        port = random.choice(_PORTS)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
