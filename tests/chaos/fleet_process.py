"""The processes of a fleet: forked from one that has everything imported, so that a restart costs little."""

import multiprocessing
import os
import re
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from multiprocessing.context import ForkServerContext
from pathlib import Path

UP_WITHIN = 60.0
_IMPORTED = ("enamel.bootstrap", "enamel.cli", "enamel.maintenance", "uvloop", "pymysql", "psycopg", "kombu")


def _run(words: Sequence[str], log: Path, environ: Mapping[str, str]) -> None:
    """Be `enamel` with these words."""
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    os.environ.clear()
    os.environ.update(environ)
    sys.argv = ["enamel", *words]
    from enamel import cli

    cli.main()


def context() -> ForkServerContext:
    """Return where processes come from."""
    found = multiprocessing.get_context("forkserver")
    found.set_forkserver_preload([__name__, *_IMPORTED])
    return found


class Process:
    """One process, and what it says."""

    def __init__(self, words: Sequence[str], *, log: Path, environ: Mapping[str, str]) -> None:
        self._log = log
        log.touch()
        self._process = context().Process(target=_run, args=(words, log, dict(environ)), daemon=True)
        self._process.start()

    @property
    def alive(self) -> bool:
        return self._process.is_alive()

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process, if it is still there."""
        if self.alive and self._process.pid:
            os.kill(self._process.pid, number)

    def kill(self) -> None:
        """Kill the process as `kill -9` does, and wait until it is gone."""
        self._process.kill()
        self._process.join()

    def end(self) -> None:
        """Have the process end in good order; kill it where it does not."""
        self.send(signal.SIGCONT)
        self.send(signal.SIGTERM)
        self._process.join(UP_WITHIN / 3)
        self.kill()

    def await_word(self, pattern: str) -> None:
        """Wait until the process has said something."""
        until = time.monotonic() + UP_WITHIN
        while re.search(pattern, self._log.read_text()) is None:
            assert self.alive, f"{self._log.stem} ended: {self._log.read_text()[-2000:]}"
            assert time.monotonic() < until, f"{self._log.stem} is silent: {self._log.read_text()[-2000:]}"
            time.sleep(0.05)
