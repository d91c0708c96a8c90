"""The data directory of an Enamel that is one process: its user's alone, and one process's at a time."""

import fcntl
import os
import stat
from pathlib import Path
from types import TracebackType

import structlog

from enamel.model.errors import ServiceError

log = structlog.get_logger(__name__)


class DirectoryLock:
    """A data directory, held by this process as long as the `with` block lasts.

    Whoever holds it knows that no other process works on the store in it, so what earlier ones left can be taken over
    at once. The operating system lets go of it when the process dies.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._handle: int | None = None

    def __enter__(self) -> "DirectoryLock":
        """Create the directory if it is missing, and lock it.

        Raises:
            ServiceError: It cannot be written to, or another process holds it.

        """
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(self._directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise ServiceError(
                f"{self._directory} cannot hold Enamel's data: {error.strerror}.",
                remedy="Name another directory with --data.",
            ) from error
        self._keep_private()
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(handle)
            raise ServiceError(
                f"Another Enamel works in {self._directory}.",
                remedy="Stop it, or name another directory with --data.",
            ) from error
        self._handle = handle
        return self

    def _keep_private(self) -> None:
        """Take what others may do in the directory away from them.

        Raises:
            ServiceError: It is another user's.
        """
        state = self._directory.stat()
        if state.st_uid != os.geteuid():
            raise ServiceError(
                f"{self._directory} is another user's (uid {state.st_uid}), who can read and change what is in it.",
                remedy="Name a directory of your own with --data.",
            )
        for path in (self._directory, *self._directory.iterdir()):
            state = path.lstat()
            mode = stat.S_IMODE(state.st_mode)
            if mode & 0o077 and not stat.S_ISLNK(state.st_mode) and state.st_uid == os.geteuid():
                log.warning("data.made_private", path=str(path), mode=f"{mode:04o}")
                path.chmod(mode & 0o700)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of the directory."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
