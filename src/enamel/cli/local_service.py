"""The service of this user on this machine: its socket, and the token for its TCP port."""

import http.client
import os
import socket
from collections.abc import Mapping
from pathlib import Path

from enamel.cli.failure import Exit, Failure
from enamel.model import data_directory

SCHEME = "unix:"


class Connection(http.client.HTTPConnection):
    """A connection over a socket of this machine."""

    def __init__(self, path: Path, *, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        """Connect to the service. Raises OSError."""
        plain = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        plain.settimeout(self.timeout)
        try:
            handle = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
            try:
                # A path may be longer than a socket's may be; this one is not.
                plain.connect(f"/proc/self/fd/{handle}/{self._path.name}")
            finally:
                os.close(handle)
        except FileNotFoundError as error:
            plain.close()
            raise ConnectionRefusedError(f"There is no socket {self._path}.") from error
        except OSError:
            plain.close()
            raise
        self.sock = plain


def socket_of(url: str, *, default: str) -> Path | None:
    """Return the socket on which a service is reached; None if it is reached over TCP.

    Args:
        url: The URL of the service: unix:/PATH for a socket.
        default: The URL where none is named. Who names none means the service of this user, if it has a socket.
    """
    if url.startswith(SCHEME):
        return Path(url.removeprefix(SCHEME).removeprefix("//"))
    own = data_directory.default(os.environ) / data_directory.SOCKET
    return own if url == default and own.is_socket() and _is_served(own) else None


def _is_served(path: Path) -> bool:
    """Tell whether a process listens on a socket; one that was killed leaves its socket behind."""
    connection = Connection(path, timeout=5.0)
    try:
        connection.connect()
    except OSError:
        return False
    connection.close()
    return True


def token() -> Mapping[str, str]:
    """Return the header that shows the token of a TCP port, where ENAMEL_TOKEN_FILE names its file.

    Raises:
        Failure: The file cannot be read.
    """
    name = os.environ.get("ENAMEL_TOKEN_FILE")
    if not name:
        return {}
    try:
        return {"Authorization": f"Bearer {Path(name).read_text().strip()}"}
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(f"ENAMEL_TOKEN_FILE: {name} cannot be read: {error}.", code=Exit.USAGE) from error
