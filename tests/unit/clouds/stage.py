"""A tiny OpenStack on loopback whose every answer a test writes itself."""

import asyncio
import json
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import web

from enamel.clouds.calls.timeouts import Timeouts
from enamel.clouds.openstack import cloud, config

QUICK = Timeouts(tries=4, first_pause=0.001, longest_pause=0.005, connect=5.0, read=10.0, write=10.0)
VERSION = {"OpenStack-API-Version": "compute 2.104"}


@dataclass
class Say:
    """An answer."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Drop:
    """The connection is closed under the call; the effect may have happened."""

    begin_with: bytes = b""


@dataclass
class Dawdle:
    """The answer comes late."""

    seconds: float
    then: Say


Answer = Say | Drop | Dawdle | Callable[[web.Request], Say]


@dataclass
class Asked:
    method: str
    path: str
    query: list[tuple[str, str]]
    headers: Any
    body: Any


class Stage:
    """The cloud."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[Asked] = []
        self.tokens = 0
        self.good: set[str] = set()
        self.open = {"/", "/nova", "/cinder", "/v3/auth/tokens"}
        self.lifetime = timedelta(hours=1)
        self.region = "R"
        self.catalog: list[tuple[str, str]] = [
            ("identity", "/v3"),
            ("compute", "/compute/v2.1"),
            ("network", "/network"),
            ("volumev3", "/volume/v3/project"),
            ("image", "/image"),
        ]
        self._script: dict[tuple[str, str], list[Answer]] = {}
        self.on("GET", "/compute/v2.1/flavors/detail", Say(body={"flavors": []}, headers=VERSION))

    def on(self, method: str, path: str, *answers: Answer) -> None:
        """Set the answers to a call; the last one is given for ever."""
        self._script[method, path] = list(answers)

    def count(self, method: str, path: str) -> int:
        return Counter((one.method, one.path) for one in self.asked)[method, path]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        body = json.loads(raw) if raw and "form" not in request.content_type else None
        self.asked.append(
            Asked(request.method, request.path, list(request.query.items()), request.headers, body)
        )
        script = self._script.get((request.method, request.path))
        if script is None and request.path == "/v3/auth/tokens":
            return self._token()
        if request.path not in self.open and request.headers.get("X-Auth-Token") not in self.good:
            return web.json_response({"error": {"code": 401, "message": "expired"}}, status=401)
        if script is None:
            return web.json_response({"itemNotFound": {"message": "no such thing", "code": 404}}, status=404)
        answer = script.pop(0) if len(script) > 1 else script[0]
        if callable(answer):
            answer = answer(request)
        if isinstance(answer, Dawdle):
            await asyncio.sleep(answer.seconds)
            answer = answer.then
        if isinstance(answer, Drop):
            assert request.transport is not None
            request.transport.write(answer.begin_with)
            request.transport.close()
            return web.Response()
        body = answer.body if isinstance(answer.body, str | bytes) else json.dumps(answer.body)
        data = body.encode() if isinstance(body, str) else body
        headers = {"x-openstack-request-id": f"req-{len(self.asked)}", **answer.headers}
        return web.Response(status=answer.status, body=data, headers=headers)

    def _token(self) -> web.Response:
        self.tokens += 1
        token = f"gAAAAtoken-{self.tokens:032}"
        self.good.add(token)
        endpoints = [
            {
                "type": kind,
                "name": kind,
                "endpoints": [
                    {
                        "interface": "public",
                        "region": self.region,
                        "region_id": self.region,
                        "id": kind,
                        "url": self.url + path,
                    }
                ],
            }
            for kind, path in self.catalog
        ]
        now = datetime.now(UTC)
        body = {
            "token": {
                "methods": ["password"],
                "user": {"id": "u", "name": "demo", "domain": {"id": "default", "name": "Default"}},
                "project": {"id": "project", "name": "demo", "domain": {"id": "default", "name": "Default"}},
                "roles": [{"id": "r", "name": "member"}],
                "issued_at": now.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
                "expires_at": (now + self.lifetime).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
                "catalog": endpoints,
            }
        }
        return web.json_response(body, status=201, headers={"X-Subject-Token": token})


@asynccontextmanager
async def performed(tls: ssl.SSLContext | None = None) -> AsyncIterator[Stage]:
    """Serve a stage until the block ends."""
    stage = Stage()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", stage.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    host, port = runner.addresses[0][:2]
    stage.url = f"{'https' if tls else 'http'}://{host}:{port}"
    try:
        yield stage
    finally:
        await runner.cleanup()


def clouds_yaml(folder: Path, url: str, **entry: Any) -> Path:
    """Write a clouds.yaml with the entry `stage`."""
    auth = {
        "auth_url": url + "/v3",
        "username": "demo",
        "password": "open sesame",
        "project_name": "demo",
        "user_domain_name": "Default",
        "project_domain_name": "Default",
    }
    auth.update(entry.pop("auth", {}))
    auth = {name: value for name, value in auth.items() if value is not None}
    path = folder / "clouds.yaml"
    path.write_text(json.dumps({"clouds": {"stage": {"region_name": "R", "auth": auth, **entry}}}))
    return path


@asynccontextmanager
async def cloud_on(
    stage: Stage, folder: Path, *, timeouts: Timeouts = QUICK, **entry: Any
) -> AsyncIterator[cloud.OpenStackCloud]:
    """Open the cloud that a stage plays."""
    configuration = config.Configuration(file=clouds_yaml(folder, stage.url, **entry))
    opened = cloud.OpenStackCloud("stage", configuration.region("stage"), timeouts=timeouts)
    try:
        yield opened
    finally:
        await opened.close()
