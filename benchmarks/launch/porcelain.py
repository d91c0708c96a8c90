"""Enamel: one call to a service of its own."""

from typing import Any

from benchmarks.launch import ground
from benchmarks.launch.lap import Want
from benchmarks.launch.service import Service


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
        self._enamel = Service(entry)
        self.service: int | None = self._enamel.pid
        self._tasks: dict[str, str] = {}

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
        self._tasks[prefix] = self._enamel.end("/servers", body)["id"]

    def remove(self, prefix: str) -> None:
        """Undo the task."""
        if prefix in self._tasks:
            self._enamel.end(f"/tasks/{self._tasks.pop(prefix)}/revert", None)

    def close(self) -> None:
        """Stop the service."""
        self._enamel.close()
