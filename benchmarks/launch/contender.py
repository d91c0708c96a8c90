"""A contender: one way to launch servers, and the way to remove them again."""

import contextlib
import re
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import openstack

from benchmarks.launch.lap import Want


class Contender(Protocol):
    """One way to launch servers. What it is given and has to do: names that begin with a prefix, all of them ACTIVE."""

    service: int | None
    """The process of the service in between, if there is one."""
    remembers: bool
    """Whether a second launch finds anything kept from the first."""

    def launch(self, want: Want, *, prefix: str) -> None:
        """Launch, and return when every server has all that it should have."""

    def remove(self, prefix: str) -> None:
        """Remove what was launched."""

    def close(self) -> None:
        """End what was started."""


def sweep(entry: str, *, prefix: str) -> None:
    """Remove the servers of a prefix with their addresses and volumes, whoever has made them."""
    with contextlib.closing(openstack.connect(cloud=entry)) as cloud, ThreadPoolExecutor(8) as pool:
        servers = [one.id for one in cloud.compute.servers(name=f"^{re.escape(prefix)}", details=False)]
        mine = set(servers)
        ports = {
            port.id
            for port in cloud.network.ports()
            if port.device_id in mine or port.name.startswith(prefix)
        }
        addresses = [one.id for one in cloud.network.ips() if one.port_id in ports]
        list(pool.map(cloud.network.delete_ip, addresses))
        list(pool.map(lambda id: cloud.compute.delete_server(id, force=True), servers))
        while any(one.id in mine for one in cloud.compute.servers(details=False)):
            time.sleep(0.5)

        def volumes() -> list[str]:
            listed = cloud.block_storage.volumes(details=False)
            return [one.id for one in listed if one.name.startswith(prefix)]

        list(pool.map(cloud.block_storage.delete_volume, volumes()))
        # The next one is not to race while the cloud is still at this.
        while volumes():
            time.sleep(0.5)
