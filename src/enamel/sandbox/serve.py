"""Serve a sandbox on loopback: inside a running loop, or in a thread of its own."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import ipaddress
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import cast

import msgspec
import uvicorn
import yaml
from uvicorn.protocols.http import httptools_impl

from enamel.sandbox import app, block, era, faults, kernel, state
from enamel.sandbox.identity import state as identity_state


class Protocol(httptools_impl.HttpToolsProtocol):
    """Uvicorn's protocol, extended so that the application can close the connection during a call."""

    def on_message_begin(self) -> None:
        """Hand the transport to the application."""
        super().on_message_begin()
        cast("dict[str, object]", self.scope)["enamel.transport"] = self.transport


class Sandbox:
    """A running sandbox."""

    def __init__(self, cloud: state.Cloud) -> None:
        """Keep the cloud, so that tests can inspect it."""
        self.cloud = cloud

    @property
    def url(self) -> str:
        """The root of all services."""
        return self.cloud.url

    @property
    def faults(self) -> faults.Faults:
        """The fault rules in force."""
        return self.cloud.faults

    def clouds_yaml(self) -> str:
        """Return a clouds.yaml with this cloud's accounts."""
        return clouds_yaml(self.url, of=self.cloud.era)


def clouds_yaml(url: str, *, of: era.Era = era.TODAY) -> str:
    """Return a clouds.yaml with the accounts of a sandbox of some era at that URL."""

    def account(name: str) -> dict[str, object]:
        auth = {"auth_url": _door(url, of), "username": name, "password": identity_state.PASSWORD}
        if not of.names_in_v2:
            auth |= {"user_domain_name": "Default", "project_domain_name": "Default"}
        return {"region_name": identity_state.REGION, "auth": {**auth, "project_name": name}}

    clouds = {
        "sandbox": account("demo"),
        "sandbox-other": account("other"),
        "sandbox-admin": account("admin"),
    }
    if of.has_credentials:
        clouds["sandbox-app"] = {
            "region_name": identity_state.REGION,
            "auth_type": "v3applicationcredential",
            "auth": {
                "auth_url": _door(url, of),
                "username": "demo",
                "user_domain_name": "Default",
                "application_credential_name": "lab",
                "application_credential_secret": identity_state.PASSWORD,
            },
        }
    return yaml.safe_dump({"clouds": clouds}, sort_keys=False)


def _door(url: str, of: era.Era) -> str:
    """Return Keystone's URL, with the version only if there is just one."""
    known = of.versions["identity"]
    return f"{url}/identity/{known[0]}" if len(known) == 1 else f"{url}/identity"


def _listen(host: str, port: int) -> socket.socket:
    """Return a listening socket."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio switches Nagle's algorithm off only on sockets that name their protocol; with it, calls take 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(2048)
    except OSError:
        listener.close()
        raise
    return listener


@contextlib.asynccontextmanager
async def running(
    settings: kernel.Settings | None = None, *, rules: Sequence[faults.Rule] = ()
) -> AsyncIterator[Sandbox]:
    """Serve a new cloud in the running loop until the block ends."""
    settings = settings or kernel.Settings()
    if not ipaddress.ip_address(settings.host).is_loopback:
        raise ValueError(
            f"The sandbox has well-known passwords, so it listens on loopback only, not on {settings.host}."
        )
    if settings.era not in era.ERAS:
        raise ValueError(f"Unknown era {settings.era!r}; expected one of {', '.join(era.ERAS)}.")
    with block.take() if settings.guests else contextlib.nullcontext() as held:
        chosen = msgspec.structs.replace(settings, block=held.number) if held is not None else settings
        async with _serving(chosen, rules) as sandbox:
            yield sandbox


@contextlib.asynccontextmanager
async def _serving(settings: kernel.Settings, rules: Sequence[faults.Rule]) -> AsyncIterator[Sandbox]:
    listener = _listen(settings.host, settings.port)
    settings = msgspec.structs.replace(settings, port=listener.getsockname()[1])
    application = app.build(settings)
    for rule in rules:
        application.cloud.faults.add(rule)
    config = uvicorn.Config(
        cast("Callable[..., object]", application),
        http=Protocol,
        lifespan="off",
        ws="none",
        access_log=False,
        log_config=None,
        date_header=False,
        server_header=False,
        timeout_graceful_shutdown=1,
        # openstacksdk polls every 5 s, which is when uvicorn by default closes an idle connection.
        timeout_keep_alive=75,
        backlog=2048,
    )
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup(sockets=[listener])
    try:
        yield Sandbox(application.cloud)
    finally:
        application.cloud.close()
        await application.cloud.guests.close()
        await server.shutdown(sockets=[listener])


@contextlib.contextmanager
def in_thread(
    settings: kernel.Settings | None = None, *, rules: Sequence[faults.Rule] = ()
) -> Iterator[Sandbox]:
    """Serve a new cloud in a thread of its own, for callers that block, until the block ends."""
    ready: concurrent.futures.Future[Sandbox] = concurrent.futures.Future()
    done: list[Callable[[], object]] = []

    async def main() -> None:
        try:
            async with running(settings, rules=rules) as sandbox:
                end = asyncio.Event()
                loop = asyncio.get_running_loop()
                done.append(lambda: loop.call_soon_threadsafe(end.set))
                ready.set_result(sandbox)
                await end.wait()
        except Exception as problem:
            if ready.done():
                raise
            ready.set_exception(problem)

    thread = threading.Thread(target=lambda: asyncio.run(main()), name="sandbox", daemon=True)
    thread.start()
    try:
        yield ready.result(timeout=30)
    finally:
        for end in done:
            end()
        thread.join(timeout=30)
