"""The demonstration: launch three servers on the built-in cloud with everything around them, and undo it all.

It starts a cloud and Enamel in this process and then runs the commands that a user would type.
"""

import asyncio
import json
import logging
import shlex
import socket
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console

from enamel.cli import program
from enamel.cli.client import Client

KINDS = ("servers", "ports", "floatingips", "volumes", "keypairs", "security_groups", "networks")
"""What the cloud must have in the same number before and after."""

_console = Console(highlight=False)


def main() -> int:
    """Show what Enamel does, and return an exit code: 0 if everything went well."""
    began = time.monotonic()
    _say("Starting a small OpenStack cloud and Enamel in this process …")
    with (
        tempfile.TemporaryDirectory(prefix="enamel-demo-") as directory,
        _service(Path(directory)) as (url, cloud),
    ):
        _say(f"Enamel is up at {url}, its cloud at {cloud}.")
        before = _exists(cloud)
        done = _tour(Client(url), cloud=cloud, key=_public_key(Path(directory)), before=before)
    if done:
        _say(
            f"Done in {time.monotonic() - began:.0f} seconds. `enamel up --sandbox` starts the same for you."
        )
    return 0 if done else 1


def _tour(client: Client, *, cloud: str, key: Path, before: Mapping[str, int]) -> bool:
    """Launch, connect, inspect, undo; return whether everything went well."""
    _say(
        "Create three servers, each with a public address, a volume, a key and port 2222 open, and wait until they answer:"
    )
    launch = (
        "server create web --count 3 --image cirros --flavor m1.tiny --public-address --volume 1 "
        f"--key-name me={key} --allow tcp/2222 --ready-when tcp/2222 --wait"
    )
    if _type(client, launch) != 0:
        return False
    (task,) = client.get("/tasks", all=True)["tasks"]
    _say("Connect to each server on port 2222:")
    addresses = {server["hostname"]: server["public_address"] for server in task["servers"]}
    greetings = {name: _greeting(address) for name, address in addresses.items()}
    for name, address in addresses.items():
        _console.print(f"  {name}  {address}:2222  [green]{greetings[name]}[/green]")
    _say("Show the task, with its steps and API calls:")
    inspected = _type(client, f"task show {task['id']}")
    _say("Undo it: revert the task, which removes what it made and nothing else:")
    reverted = _type(client, f"task revert {task['id']} --yes --wait")
    after = _exists(cloud)
    left = {
        kind: number - before.get(kind, 0) for kind, number in after.items() if number != before.get(kind, 0)
    }
    silent = not any(_greeting(address, tries=1) for address in addresses.values())
    if left or not silent:
        _console.print(f"[red]Left over on the cloud: {left}[/red]")
        return False
    _say("The cloud is as before: no server, port, address, volume, keypair or security group is left over.")
    return all(greetings.values()) and inspected == reverted == 0


@contextmanager
def _service(directory: Path) -> Iterator[tuple[str, str]]:
    """Run a cloud and Enamel in a thread, and yield their URLs."""
    # Loading these takes a while: people see a line before.
    from enamel import bootstrap, telemetry
    from enamel.conf import settings
    from enamel.sandbox import kernel

    telemetry.set_up(level="ERROR")
    logging.getLogger("uvicorn").setLevel(logging.CRITICAL)
    ready: Future[tuple[str, str, asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def serve() -> None:
        end = asyncio.Event()
        loaded = settings.up({}, data=directory / "data", sandbox=True, port=0)
        quick = kernel.Settings(boot_seconds=(1.0, 2.5))
        async with bootstrap.up(loaded, sandbox=quick) as running:
            sandbox = running.sandbox.url if running.sandbox else ""
            ready.set_result((running.url, sandbox, asyncio.get_running_loop(), end))
            await end.wait()

    def run() -> None:
        try:
            asyncio.run(serve())
        except BaseException as error:
            if ready.done():
                raise
            ready.set_exception(error)

    thread = threading.Thread(target=run, name="enamel")
    thread.start()
    url, cloud, loop, end = ready.result()
    try:
        yield url, cloud
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join()


def _type(client: Client, line: str) -> int:
    """Print and run a command line, and return its exit code."""
    arguments = shlex.split(line)
    _console.print(f"\n[bold]$ enamel {line}[/bold]", soft_wrap=True)
    return program.run(["--url", client.url, *arguments])


def _greeting(address: str, *, tries: int = 5) -> str:
    """Return the greeting of a server on port 2222, or an empty text if it does not answer."""
    for _ in range(tries):
        try:
            with socket.create_connection((address, 2222), timeout=2) as connection:
                return connection.recv(200).decode().strip()
        except OSError:
            time.sleep(0.2)
    return ""


def _exists(cloud: str) -> dict[str, int]:
    """Return how many resources of each kind the cloud has, by its own account."""
    with urllib.request.urlopen(f"{cloud}/sandbox/state") as answer:  # noqa: S310 - our own loopback address
        state: dict[str, Any] = json.load(answer)
    # Every project has a security group `default`, which the cloud makes when it is first listed.
    groups = [group for group in state["security_groups"] if group["name"] != "default"]
    return {kind: len(state[kind]) for kind in KINDS} | {"security_groups": len(groups)}


def _public_key(directory: Path) -> Path:
    """Write a new public key and return its file."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ed25519

    public = ed25519.Ed25519PrivateKey.generate().public_key()
    text = public.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    file = directory / "me.pub"
    file.write_bytes(text + b" me@demo\n")
    return file


def _say(text: str) -> None:
    _console.print(f"\n[cyan]{text}[/cyan]", soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
