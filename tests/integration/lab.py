"""Enamel on a real OpenStack, as the tests there use it."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from enamel import bootstrap
from enamel.conf import settings
from tests.integration.project import Project

ENTRY = os.environ.get("ENAMEL_TEST_CLOUD", "")
SMALL = {"template": "cirros", "type": "m1.tiny"}


class Enamel:
    """Enamel's API, on a cloud of the test's clouds.yaml."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self._http = http

    async def send(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        async with self._http.request(method, path, json=body) as answer:
            return answer.status, await answer.json()

    async def end(self, method: str, path: str, body: Any = None) -> Any:
        """Send what has to be accepted, and return the task at its end."""
        status, task = await self.send(method, path, body)
        assert status == 202, task
        while task["state"] in {"WAITING", "RUNNING"}:
            _, task = await self.send("GET", f"/tasks/{task['id']}?wait=60")
        return task

    async def launch(self, body: Any) -> Any:
        """Launch servers, and return the task at its successful end."""
        task = await self.end("POST", "/servers", body)
        assert task["state"] == "COMPLETED", task["error"]
        return task

    async def revert(self, task: Any) -> None:
        undone = await self.end("POST", f"/tasks/{task['id']}/revert")
        assert undone["state"] == "COMPLETED", undone["error"]

    async def events(self, task: Any) -> list[str]:
        _, found = await self.send("GET", f"/tasks/{task['id']}/events")
        return [one["type"] for one in found["events"]]


@asynccontextmanager
async def served(project: Project, data: Path, *, cloud: str | None = "mine") -> AsyncIterator[Enamel]:
    """Enamel, as one process for one user."""
    chosen = settings.up({}, data=data, cloud=cloud, port=0, log_level="ERROR")
    async with bootstrap.up(chosen) as up, aiohttp.ClientSession(up.url) as http:
        yield Enamel(http)
