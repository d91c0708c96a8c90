"""A fleet: a cloud, API processes and workers on one database, as an operator runs them."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

UP_WITHIN = 120.0
"""Seconds for a process to start; on a busy machine that may take a while."""
_QUOTAS = ("instances", "cores", "ram", "port", "floatingip", "security_group", "volumes", "gigabytes")
CLOUD = {"boot_seconds": [0.4, 1.2], "pace": 0.3, "quotas": dict.fromkeys(_QUOTAS, 10_000_000)}
# What systemd does for a service with a socket.
HAND_OVER = (
    "import os, sys; os.dup2(int(sys.argv[1]), 3); "
    "os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1'); os.execv(sys.executable, sys.argv[2:])"
)


class Process:
    """One process, and what it says."""

    def __init__(
        self, name: str, words: list[str], *, log: Path, environ: dict[str, str], **more: Any
    ) -> None:
        self.name = name
        self.log = log
        with log.open("ab") as output:
            self.popen = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environ, **more
            )

    def said(self, pattern: str) -> re.Match[str]:
        """Wait until the process has said something, and return it."""
        until = time.monotonic() + UP_WITHIN
        while (found := re.search(pattern, self.log.read_text())) is None:
            assert self.popen.poll() is None, f"{self.name} ended: {self.log.read_text()[-2000:]}"
            assert time.monotonic() < until, f"{self.name} is silent: {self.log.read_text()[-2000:]}"
            time.sleep(0.05)
        return found

    def end(self) -> int:
        """Have the process end as systemd does, and return its exit code."""
        self.popen.send_signal(signal.SIGTERM)
        return self.popen.wait(timeout=UP_WITHIN)


class Fleet:
    """Everything that belongs together."""

    def __init__(self, place: Path, database: str, *, settings: str = "") -> None:
        self.place = place
        self.store = database
        self._processes: list[Process] = []
        self._sockets: dict[str, socket.socket] = {}
        self.conf = place / "enamel.conf"
        url = database.replace("$", "$$")
        self.conf.write_text(
            f"[DEFAULT]\ndata = {place}\n[store]\nurl = {url}\n[clouds]\ndefault = sandbox\n"
            f"[health]\nport = 0\n{settings}"
        )

    @property
    def environ(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("OS_", "ENAMEL_"))}
        return {**kept, "OS_CLIENT_CONFIG_FILE": str(self.place / "clouds.yaml"), "PYTHONUNBUFFERED": "1"}

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        command = [sys.executable, "-m", "enamel.cli", *words, "--config-file", str(self.conf)]
        return subprocess.run(command, env=self.environ, capture_output=True, text=True, timeout=UP_WITHIN)

    def cloud(self) -> str:
        """Start the cloud and return its URL."""
        started = self._start("cloud", "sandbox")
        url = started.said(r"is up at (http://[\d.:]+);").group(1)
        text = started.log.read_text()
        (self.place / "clouds.yaml").write_text(text[text.index("clouds:") : text.index("The cloud is up")])
        body = json.dumps(CLOUD).encode()
        request = urllib.request.Request(
            f"{url}/sandbox/settings", body, {"Content-Type": "application/json"}
        )
        urllib.request.urlopen(request).close()
        return url

    def api(self, name: str) -> Process:
        """Start an API process on the socket of its name, which outlives it."""
        listener = self._listener(name)
        started = self._start(name, "api", "--config-file", str(self.conf), handed_over=listener)
        started.said(r'"event": "api.up"')
        return started

    def worker(self, name: str, *words: str) -> Process:
        """Start a worker."""
        started = self._start(name, "worker", "--config-file", str(self.conf), *words)
        started.said(r'"event": "worker.started"')
        return started

    def port(self, name: str) -> int:
        """Return the port of an API process."""
        port: int = self._listener(name).getsockname()[1]
        return port

    def url(self, name: str) -> str:
        """Return where an API process answers."""
        return f"http://127.0.0.1:{self.port(name)}"

    def get(self, url: str, path: str) -> Any:
        """Return what a process answers, as JSON where it is."""
        with urllib.request.urlopen(url + path, timeout=UP_WITHIN) as answer:
            text = answer.read().decode()
            return json.loads(text) if "json" in answer.headers["Content-Type"] else text

    def close(self) -> None:
        """End every process, the cloud last."""
        for process in reversed(self._processes):
            if process.popen.poll() is None:
                process.popen.terminate()
                try:
                    process.popen.wait(timeout=20)
                except subprocess.TimeoutExpired:
                    process.popen.kill()
                    process.popen.wait()
        for listener in self._sockets.values():
            listener.close()

    def logs(self) -> str:
        """Return what all of them have said."""
        return "\n".join(path.read_text() for path in sorted(self.place.glob("*.log")))

    def _listener(self, name: str) -> socket.socket:
        if name not in self._sockets:
            self._sockets[name] = socket.create_server(("127.0.0.1", 0), backlog=2048)
        return self._sockets[name]

    def _start(self, name: str, *words: str, handed_over: socket.socket | None = None) -> Process:
        command = [sys.executable, "-m", "enamel.cli", *words]
        more: dict[str, Any] = {}
        if handed_over is not None:
            command = [sys.executable, "-c", HAND_OVER, str(handed_over.fileno()), *command]
            more["pass_fds"] = [handed_over.fileno()]
        log = self.place / f"{name}-{len(self._processes)}.log"
        started = Process(name, command, log=log, environ=self.environ, **more)
        self._processes.append(started)
        return started


@contextmanager
def database(url: str) -> Iterator[str]:
    """Have an empty database beside the one that a URL names, until the block ends."""
    server = sa.make_url(url)
    name = f"enamel_{uuid.uuid4().hex[:12]}"
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
        yield server.set(database=name).render_as_string(hide_password=False)
        with engine.connect() as connection:
            force = " WITH (FORCE)" if server.get_backend_name() == "postgresql" else ""
            connection.exec_driver_sql(f"DROP DATABASE {name}{force}")
    finally:
        engine.dispose()


@contextmanager
def running(place: Path, url: str, *, settings: str = "") -> Iterator[Fleet]:
    """Have a fleet with a cloud and an upgraded database, until the block ends."""
    with database(url) as own:
        fleet = Fleet(place, own, settings=settings)
        try:
            fleet.cloud()
            done = fleet.run("db", "upgrade")
            assert done.returncode == 0, done.stderr
            yield fleet
        finally:
            fleet.close()
