"""Enamel: one call to a service of its own, started for the race as `enamel up` starts it."""

import contextlib
import json
import subprocess
import sys
import tempfile
import threading
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from benchmarks.launch import ground
from benchmarks.launch.lap import Want


class Porcelain:
    """Launches with Enamel."""

    remembers = True

    def __init__(self, entry: str, *, alike: bool) -> None:
        """Start the service.

        Args:
            entry: The cloud.
            alike: Whether the servers are said to be equal, or each has a field of its own, so that ports are made first.
        """
        self._alike = alike
        self._data = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        words = ["up", "--cloud", entry, "--port", "0", "--data", self._data.name, "--log-level", "ERROR"]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "enamel.cli", *words], stdout=subprocess.PIPE, text=True, bufsize=1
        )
        assert self._process.stdout is not None
        greeting = self._process.stdout.readline()
        if " at http" not in greeting:
            raise RuntimeError("Enamel did not start.")
        self._url = greeting.partition(" at ")[2].split(",")[0]
        self.service: int | None = self._process.pid
        self._tasks: dict[str, str] = {}
        threading.Thread(target=self._process.stdout.read, daemon=True).start()

    def launch(self, want: Want, *, prefix: str) -> None:
        """Send one request and wait for its task."""
        wish: dict[str, Any] = {
            "template": ground.IMAGE,
            "type": ground.TYPE,
            "networks": [ground.NETWORK],
            "public_address": True,
        }
        if want.volume:
            wish["volumes"] = [{"size_gb": 1}]
        if self._alike:
            body = {"name": prefix, "count": want.count, **wish}
        else:
            servers = [{"hostname": f"{prefix}-{number}"} for number in range(want.count)]
            body = {"defaults": wish, "servers": servers}
        self._tasks[prefix] = self._end("/servers", body)

    def remove(self, prefix: str) -> None:
        """Undo the task."""
        if prefix in self._tasks:
            self._end(f"/tasks/{self._tasks.pop(prefix)}/revert", None)

    def close(self) -> None:
        """Stop the service."""
        self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(20)
        self._process.kill()
        self._data.cleanup()

    def _end(self, path: str, body: Any) -> str:
        """Send a request and return the id of its task when that has ended well."""
        task = self._send("POST", path, body)
        while task["state"] in {"WAITING", "RUNNING"}:
            task = self._send("GET", f"/tasks/{task['id']}?wait=60", None)
        if task["state"] != "COMPLETED":
            raise RuntimeError(f"{path}: {task['error']}")
        return str(task["id"])

    def _send(self, method: str, path: str, body: Any) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", "Prefer": "wait=60"}
        try:
            with urlopen(Request(self._url + path, data, headers, method=method), timeout=90) as answer:
                return json.load(answer)
        except HTTPError as refused:
            raise RuntimeError(f"{path}: {refused.read().decode()}") from None
