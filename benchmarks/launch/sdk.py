"""openstacksdk's own composition, `create_server(auto_ip=True, wait=True)`, in the three ways in which it is used."""

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import openstack

from benchmarks.launch import contender, ground
from benchmarks.launch.lap import Want

AT_ONCE = 100
"""Threads at most; more of them only wait for Python's lock."""


class Sdk:
    """Launches with openstacksdk."""

    service = None

    def __init__(self, entry: str, *, threads: bool, shared: bool = True) -> None:
        """Choose the way.

        Args:
            entry: The cloud.
            threads: Whether servers are launched at once, or one after the other.
            shared: Whether all of them use one connection, as one program's do, or each its own, as workers' do.
        """
        self._entry = entry
        self._threads = threads
        self._open = openstack.connect(cloud=entry) if shared else None
        self.remembers = shared

    def launch(self, want: Want, *, prefix: str) -> None:
        """Launch each server with a call of its own."""
        names = [f"{prefix}-{number}" for number in range(want.count)]
        with ThreadPoolExecutor(min(want.count, AT_ONCE) if self._threads else 1) as pool:
            list(pool.map(lambda name: self._one(name, volume=want.volume), names))

    def remove(self, prefix: str) -> None:
        """Remove servers, addresses and volumes."""
        contender.sweep(self._entry, prefix=prefix)

    def close(self) -> None:
        """Give back the connection."""
        if self._open is not None:
            self._open.close()

    def _one(self, name: str, *, volume: bool) -> None:
        with self._connection() as cloud:
            server = cloud.create_server(
                name,
                image=ground.IMAGE,
                flavor=ground.TYPE,
                network=ground.NETWORK,
                auto_ip=True,
                wait=True,
                timeout=900,
            )
            if volume:
                disk = cloud.create_volume(1, name=name, wait=True, timeout=900)
                cloud.attach_volume(server, disk, wait=True, timeout=900)

    @contextlib.contextmanager
    def _connection(self) -> Iterator[openstack.connection.Connection]:
        if self._open is not None:
            yield self._open
        else:
            with contextlib.closing(openstack.connect(cloud=self._entry)) as own:
                yield own
