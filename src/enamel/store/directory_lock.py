"""What an Enamel that is one process has to itself: its data directory and its database file, one process at a time."""

import fcntl
import os
from pathlib import Path
from types import TracebackType

import sqlalchemy as sa

from enamel.model.errors import ServiceError


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
        try:
            _lock(handle)
        except BlockingIOError as error:
            raise ServiceError(
                f"Another Enamel works in {self._directory}.",
                remedy="Stop it, or name another directory with --data.",
            ) from error
        self._handle = handle
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of the directory."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


class DatabaseLock:
    """A database that is a file, held by this process as long as the `with` block lasts.

    The lock is on the file itself, so it does not matter by which path, link or data directory a process comes to it.
    SQLite's own locks are of another kind, and not touched.
    """

    def __init__(self, url: str) -> None:
        """Take the URL of a database; where that is no file, nothing is locked."""
        parsed = sa.make_url(url)
        name = parsed.database or ""
        is_file = parsed.get_backend_name() == "sqlite" and name not in {"", ":memory:"}
        self._file = Path(name.removeprefix("file:").partition("?")[0]) if is_file else None
        self._handle: int | None = None

    def __enter__(self) -> "DatabaseLock":
        """Create the file if it is missing, and lock it.

        Raises:
            ServiceError: It cannot be opened, or another process holds it.

        """
        if self._file is None:
            return self
        try:
            handle = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise ServiceError(
                f"The database {self._file} cannot be opened: {error.strerror}.",
                remedy="Check [store] url, and that this user may write to the file and its directory.",
            ) from error
        try:
            _lock(handle)
        except BlockingIOError as error:
            raise ServiceError(
                f"Another Enamel works on the database {self._file}.",
                remedy="Stop it, or name another database in [store] url. Several processes need PostgreSQL or MariaDB.",
            ) from error
        self._handle = handle
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of the file, which is to be closed by everybody else in this process by now."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


def _lock(handle: int) -> None:
    """Lock an open file, or close it. Raises BlockingIOError where another process has locked it."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise
