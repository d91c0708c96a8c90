"""A sandbox in the test's own loop, and a client that is logged in."""

from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import aiohttp
import pytest

from enamel.sandbox import kernel, serve


class Answer(NamedTuple):
    status: int
    headers: Any
    body: Any


class Client:
    """Raw HTTP to a sandbox, as `demo`."""

    def __init__(self, sandbox: serve.Sandbox, http: aiohttp.ClientSession) -> None:
        self.sandbox = sandbox
        self.http = http
        self.token = ""

    async def login(self, name: str = "demo") -> None:
        user = {"name": name, "domain": {"id": "default"}, "password": "secret"}
        body = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}}}
        async with self.http.post(f"{self.sandbox.url}/identity/v3/auth/tokens", json=body) as answer:
            self.token = answer.headers["X-Subject-Token"]

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        sent = {"X-Auth-Token": self.token, "OpenStack-API-Version": "compute 2.90"} | headers
        async with self.http.request(method, self.sandbox.url + path, json=body, headers=sent) as answer:
            decoded = (
                await answer.json()
                if "json" in answer.headers.get("Content-Type", "")
                else await answer.text()
            )
            return Answer(answer.status, answer.headers, decoded)

    async def boot(self, name: str = "web", **wish: Any) -> str:
        """Boot a small server and return its id."""
        flavor = (await self.call("GET", "/compute/v2.1/flavors")).body["flavors"][0]["id"]
        image = (await self.call("GET", "/image/v2/images?name=cirros")).body["images"][0]["id"]
        server = {"name": name, "flavorRef": flavor, "imageRef": image, "networks": "none"} | wish
        answer = await self.call("POST", "/compute/v2.1/servers", {"server": server})
        assert answer.status == 202, answer.body
        return str(answer.body["server"]["id"])


@pytest.fixture
def settings() -> kernel.Settings:
    return kernel.Settings(boot_seconds=(0.01, 0.02), pace=0.02)


@pytest.fixture
async def sandbox(settings: kernel.Settings) -> AsyncIterator[serve.Sandbox]:
    async with serve.running(settings) as running:
        yield running


@pytest.fixture
async def client(sandbox: serve.Sandbox) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession() as http:
        connected = Client(sandbox, http)
        await connected.login()
        yield connected
