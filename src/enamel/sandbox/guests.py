"""The insides of running servers: what their consoles say, and the ports they answer on.

A server that runs and has a public address really listens there, on the TCP ports its security groups let in,
so that reachability can be tested with real connections. Port 2222 sends an SSH banner; the others accept and wait.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import resource

from enamel.sandbox import core, seams
from enamel.sandbox.compute import server as compute_server
from enamel.sandbox.compute import state as compute_state

SSH_PORT = 2222
BANNER = b"SSH-2.0-OpenSSH_9.6 sandbox\r\n"
FIRST_OPEN_PORT = 1024
MOST_PORTS = 20

SHARE_OF_FILES = 0.5
"""The largest share of the process's file descriptors that guests use, so that the API can still accept calls."""

Place = tuple[str, int]


class Guests:
    """Opens and closes the listening sockets of all servers, in one background task."""

    def __init__(self, cloud: core.Core, *, compute: compute_state.Compute, network: seams.Network) -> None:
        """Start with no server listening."""
        self._cloud = cloud
        self._compute = compute
        self._network = network
        self._open: dict[str, dict[Place, asyncio.Server]] = {}
        self._waiting: dict[str, None] = {}
        self._task: asyncio.Task[None] | None = None
        self._room = int(resource.getrlimit(resource.RLIMIT_NOFILE)[0] * SHARE_OF_FILES)

    def touch(self, server_id: str) -> None:
        """Schedule an update of the sockets on which a server listens."""
        if not self._cloud.settings.guests:
            return
        self._waiting[server_id] = None
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._work())

    def listening(self, server_id: str) -> list[Place]:
        """Return where a server listens now."""
        return sorted(self._open.get(server_id, {}))

    async def close(self) -> None:
        """Close everything."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        for places in self._open.values():
            for listener in places.values():
                listener.close()
        self._open.clear()

    async def _work(self) -> None:
        """Update the sockets of one server after the other."""
        while self._waiting:
            server_id = next(iter(self._waiting))
            del self._waiting[server_id]
            await self._align(server_id)

    def _targets(self, server_id: str) -> set[Place]:
        """Return where a server should listen."""
        server = self._compute.servers.get(server_id)
        if server is None or not server.running:
            return set()
        places = [
            (address, port)
            for address, ports in self._network.open_ports(server_id).items()
            for port in ports[:MOST_PORTS]
            if port >= FIRST_OPEN_PORT
        ]
        return set(places)

    async def _align(self, server_id: str) -> None:
        """Open and close what differs from what a server should listen on."""
        targets = self._targets(server_id)
        places = self._open.setdefault(server_id, {})
        for place in [place for place in places if place not in targets]:
            places.pop(place).close()
            self._room += 1
        for address, port in sorted(targets - places.keys())[: max(self._room, 0)]:
            # The port may be in use; then the server is not reachable there, as behind a firewall.
            with contextlib.suppress(OSError):
                greet = _ssh if port == SSH_PORT else _silent
                places[address, port] = await asyncio.start_server(greet, address, port)
                self._room -= 1
        if not places:
            del self._open[server_id]


async def _ssh(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send an SSH banner and close the connection after the client's line."""
    with contextlib.suppress(OSError):
        writer.write(BANNER)
        await writer.drain()
        await reader.read(256)
    writer.close()


async def _silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Accept, and close the connection after the client's first data."""
    with contextlib.suppress(OSError):
        await reader.read(256)
    writer.close()


def host_key(server: compute_server.Server, *, kind: str) -> str:
    """Return a server's public host key of a kind, always the same for the same server."""
    seed = hashlib.sha256(f"{server.id} {kind}".encode()).digest()
    body = len(kind).to_bytes(4, "big") + kind.encode() + len(seed).to_bytes(4, "big") + seed
    return f"{kind} {base64.b64encode(body).decode()} root@{server.hostname}"


def console(server: compute_server.Server) -> str:
    """Return a server's console log; its host keys are there once it runs."""
    lines = [
        "[    0.000000] Linux version 6.1.0 (sandbox)",
        f"[    0.500000] {server.name} booting",
        f"[    1.000000] cloud-init[401]: Cloud-init v. 24.1 running 'init' at {server.created:%a, %d %b %Y %H:%M:%S}",
    ]
    if server.launched is not None:
        lines.append("-----BEGIN SSH HOST KEY KEYS-----")
        lines.append(host_key(server, kind="ssh-ed25519"))
        lines.append(host_key(server, kind="ecdsa-sha2-nistp256"))
        lines.append("-----END SSH HOST KEY KEYS-----")
        lines.append("[    2.000000] cloud-init[812]: Cloud-init v. 24.1 finished. Datasource DataSourceNone")
        lines.append(f"{server.hostname} login: ")
    return "\n".join(lines) + "\n"
