"""The peer of a connection: which user of this machine is at its other end."""

import os
import socket
import struct
from pathlib import Path
from typing import Any

_CREDENTIALS = struct.Struct("iII")


def user(plain: Any) -> int | None:
    """Return the user id of the process at the other end of a connection on this machine; None if it cannot be known.

    Args:
        plain: The connection's socket.
    """
    try:
        if plain.family == socket.AF_UNIX:
            size = _CREDENTIALS.size
            _, uid, _ = _CREDENTIALS.unpack(plain.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
            return int(uid)
        return _owner(plain.family, plain.getpeername()[:2], plain.getsockname()[:2])
    except (OSError, ValueError):
        return None


def is_own(plain: Any) -> bool:
    """Tell whether the process at the other end is of the user of this process."""
    return user(plain) == os.geteuid()


def _owner(family: int, client: tuple[str, int], server: tuple[str, int]) -> int | None:
    """Return who owns the client's end of a TCP connection within this machine, by the kernel's table of connections."""
    ends = f"{_end(family, client)} {_end(family, server)}"
    table = Path("/proc/self/net") / ("tcp6" if family == socket.AF_INET6 else "tcp")
    with table.open() as lines:
        next(lines, None)
        for line in lines:
            fields = line.split()
            if f"{fields[1]} {fields[2]}" == ends:
                return int(fields[7])
    return None


def _end(family: int, address: tuple[str, int]) -> str:
    """Return an address as the kernel's table has it: in words of 32 bits, each in the machine's order of bytes."""
    packed = socket.inet_pton(family, address[0])
    words = struct.unpack(f"={len(packed) // 4}I", packed)
    return "".join(f"{word:08X}" for word in words) + f":{address[1]:04X}"
