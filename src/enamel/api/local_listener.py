"""How the one user of a service in local mode reaches it: a socket of their own, and a token for the TCP port."""

import contextlib
import os
import secrets
import socket
from pathlib import Path

from enamel.model import data_directory

_BACKLOG = 128


def listen(directory: Path) -> socket.socket:
    """Return the listening socket in the data directory, which only its owner can open.

    Args:
        directory: The data directory; whoever calls holds its lock, so nobody listens on an existing socket.

    Raises:
        OSError: It cannot be made there.
    """
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    # The path of a socket has at most 107 bytes; this one is short wherever the directory is.
    path = Path(f"/proc/self/fd/{handle}") / data_directory.SOCKET
    before = os.umask(0o177)
    try:
        path.unlink(missing_ok=True)
        listener.bind(str(path))
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    finally:
        os.umask(before)
        os.close(handle)
    return listener


def token(directory: Path) -> str:
    """Return the token of the TCP port, from a file that only its owner can read; it is made once. Raises OSError."""
    path = directory / data_directory.TOKEN
    with contextlib.suppress(FileExistsError):
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(32) + "\n")
    return path.read_text().strip()
