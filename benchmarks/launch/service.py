"""Enamel as a process of its own, started as `enamel up` starts it."""

import contextlib
import json
import subprocess
import sys
import tempfile
import threading
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen


class Service:
    """A running Enamel."""

    def __init__(self, entry: str, *more: str) -> None:
        """Start it on a cloud, with further options of the command line."""
        self._data = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        words = [
            "up",
            "--cloud",
            entry,
            "--port",
            "0",
            "--data",
            self._data.name,
            "--log-level",
            "ERROR",
            *more,
        ]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "enamel.cli", *words], stdout=subprocess.PIPE, text=True, bufsize=1
        )
        self.pid = self._process.pid
        assert self._process.stdout is not None
        greeting = self._process.stdout.readline()
        if " at http" not in greeting:
            raise RuntimeError("Enamel did not start.")
        self.url = greeting.partition(" at ")[2].split(",")[0]
        # Nobody reads on, and a full pipe would stop it.
        threading.Thread(target=self._process.stdout.read, daemon=True).start()

    def close(self) -> None:
        """Stop it."""
        self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(20)
        self._process.kill()
        self._data.cleanup()

    def end(self, path: str, body: Any) -> Any:
        """Send a request and return its task when that has ended well."""
        task = self.send("POST", path, body)
        while task["state"] in {"WAITING", "RUNNING"}:
            task = self.send("GET", f"/tasks/{task['id']}?wait=60")
        if task["state"] != "COMPLETED":
            raise RuntimeError(f"{path}: {task['error']}")
        return task

    def send(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request and return what is answered; one that ends soon is waited for."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", "Prefer": "wait=60"}
        try:
            with urlopen(Request(self.url + path, data, headers, method=method), timeout=90) as answer:
                return json.load(answer)
        except HTTPError as refused:
            raise RuntimeError(f"{path}: {refused.read().decode()}") from None
