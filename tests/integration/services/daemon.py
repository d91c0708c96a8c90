"""The daemon: a server process with a directory, a port, and a file that says which process it is."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Self

from tests import free_port
from tests.integration.services import debian

HOST = "127.0.0.1"
_UP_WITHIN = 90.0
_DOWN_WITHIN = 30.0


class Daemon(ABC):
    """A server that can be started, stopped, killed and frozen, and finds its data again."""

    name: str
    programs: Sequence[str]
    """What must be installed."""
    places: Sequence[str] = ()
    """Where programs may lie beside the PATH."""
    packages: Sequence[str]
    """Debian's packages with these programs."""

    def __init__(self, directory: Path) -> None:
        """Take a directory for the server's data; one that holds some already is taken up again."""
        self.directory = directory / self.name
        self.directory.mkdir(parents=True, exist_ok=True)
        self.port = self._kept_port("port")

    @property
    @abstractmethod
    def url(self) -> str:
        """Where clients find it."""

    @abstractmethod
    def prepare(self) -> None:
        """Make the data directory, once."""

    @abstractmethod
    def command(self) -> list[str]:
        """Return what runs the server in the foreground."""

    @abstractmethod
    def ready(self) -> bool:
        """Tell whether the server answers; finish its set-up where that takes a running server."""

    def environment(self) -> Mapping[str, str]:
        """Return what the server's environment has beyond this one."""
        return {}

    def user(self) -> str | None:
        """Return the user that the server runs as, if not this one."""
        return None

    # -- what all have in common

    def start(self) -> Self:
        """Install what is missing, start the server and wait until it answers.

        Raises:
            Unavailable: It cannot be had here.

        """
        if self.pid() is not None:
            return self
        if any(self._program(program) is None for program in self.programs):
            debian.install(*self.packages)
        self.prepare()
        self._spawn(self.name, self.command())
        until = time.monotonic() + _UP_WITHIN
        while not self.ready():
            if self.pid() is None or time.monotonic() > until:
                self.stop()
                raise debian.Unavailable(f"{self.name} did not start; its last words: {self.last_words()}")
            time.sleep(0.1)
        return self

    def stop(self) -> None:
        """Have the server end in good order."""
        self._end(self.name, signal.SIGTERM)

    def kill(self) -> None:
        """End the server as a power failure would."""
        self._end(self.name, signal.SIGKILL)

    def freeze(self) -> None:
        """Stop the server's main process where it is."""
        self.send(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen server go on."""
        self.send(signal.SIGCONT)

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the server's main process."""
        pid = self.pid()
        if pid is not None:
            os.kill(pid, number)

    @contextlib.contextmanager
    def running(self) -> Iterator[Self]:
        """Have the server run for as long as the `with` block lasts."""
        try:
            yield self.start()
        finally:
            self.stop()

    def pid(self, name: str | None = None) -> int | None:
        """Return the id of the server's process while it runs."""
        try:
            pid = int(self._pid_file(name or self.name).read_text())
            # One that ended as our child stays until somebody asks for it.
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
            os.kill(pid, 0)
        except (FileNotFoundError, ValueError, ProcessLookupError):
            return None
        return pid

    def last_words(self) -> str:
        """Return the end of the server's log."""
        try:
            return " | ".join((self.directory / "log").read_text(errors="replace").splitlines()[-5:])
        except FileNotFoundError:
            return "none"

    def answers(self, port: int | None = None) -> bool:
        """Tell whether something listens on the server's port."""
        try:
            with socket.create_connection((HOST, port or self.port), timeout=1):
                return True
        except OSError:
            return False

    def _program(self, name: str) -> str | None:
        return debian.find(name, *self.places)

    def need(self, name: str) -> str:
        """Return the path of a program.

        Raises:
            Unavailable: There is none.

        """
        found = self._program(name)
        if found is None:
            raise debian.Unavailable(
                f"{name} is missing, although {' and '.join(self.packages)} are installed"
            )
        return found

    def run(self, *words: str, **environment: str) -> str:
        """Run a program as the server's user and return what it says.

        Raises:
            Unavailable: It failed.

        """
        done = subprocess.run(
            words,
            cwd=self.directory,
            env={**os.environ, **self.environment(), **environment},
            user=self.user(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise debian.Unavailable(f"{words[0]} failed: {(done.stderr or done.stdout).strip()[-400:]}")
        return done.stdout

    def _spawn(self, name: str, words: Sequence[str]) -> None:
        with (self.directory / "log").open("ab") as log:
            process = subprocess.Popen(
                words,
                cwd=self.directory,
                env={**os.environ, **self.environment()},
                user=self.user(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._pid_file(name).write_text(str(process.pid))
        # It is known by its file from here on: it may outlive this program, and be ended by another.
        process.returncode = 0

    def _end(self, name: str, how: signal.Signals) -> None:
        pid = self.pid(name)
        if pid is None:
            return
        # It leads a group of its own. A shell that runs it would be killed alone, and leave it behind.
        (os.killpg if how is signal.SIGKILL else os.kill)(pid, how)
        # A frozen process cannot hear that it should end.
        os.kill(pid, signal.SIGCONT)
        until = time.monotonic() + _DOWN_WITHIN
        while self.pid(name) is not None:
            if time.monotonic() > until:
                os.killpg(pid, signal.SIGKILL)
            time.sleep(0.05)
        self._pid_file(name).unlink()

    def _pid_file(self, name: str) -> Path:
        return self.directory / f"{name}.pid"

    def _kept_port(self, name: str) -> int:
        file = self.directory / name
        if not file.exists():
            file.write_text(str(free_port.on_loopback()))
        return int(file.read_text())
