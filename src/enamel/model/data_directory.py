"""The data directory of a service that is one user's: where it is, and the socket and the token in it."""

from collections.abc import Mapping
from pathlib import Path

SOCKET = "enamel.sock"
"""The socket on which the command line reaches the service; mode 0600."""
TOKEN = "token"  # noqa: S105 - the name of the file
"""What other programs show on the TCP port; mode 0600."""


def default(environ: Mapping[str, str]) -> Path:
    """Return the data directory that is used if none is named."""
    if environ.get("ENAMEL_DATA"):
        return Path(environ["ENAMEL_DATA"]).expanduser().absolute()
    home = environ.get("XDG_DATA_HOME")
    return (Path(home) if home else Path.home() / ".local/share") / "enamel"
