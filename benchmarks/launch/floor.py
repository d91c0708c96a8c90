"""The floor: the fewest calls that do it, by a script that knows every id. What it takes, the cloud itself takes."""

import asyncio
import contextlib
from typing import Any

import aiohttp
import openstack

from benchmarks.launch import contender, ground
from benchmarks.launch.lap import Want

LOOK_EVERY = 0.25


class Floor:
    """Launches with bare requests, having looked up everything before; it takes no failure into account."""

    service = None
    remembers = True

    def __init__(self, entry: str) -> None:
        self._entry = entry
        with contextlib.closing(openstack.connect(cloud=entry)) as cloud:
            self._headers = {"X-Auth-Token": cloud.auth_token}
            self._urls = {
                name: cloud.endpoint_for(name).rstrip("/") for name in ("compute", "network", "block-storage")
            }
            self._urls["network"] = self._urls["network"].removesuffix("/v2.0") + "/v2.0"
            self._image = cloud.image.find_image(ground.IMAGE).id
            self._type = cloud.compute.find_flavor(ground.TYPE).id
            self._network = cloud.network.find_network(ground.NETWORK).id
            self._outside = cloud.network.find_network(ground.OUTSIDE).id

    def launch(self, want: Want, *, prefix: str) -> None:
        """Boot all with one request, and do everything else while they boot."""
        asyncio.run(self._launch(want, prefix=prefix))

    def remove(self, prefix: str) -> None:
        """Remove servers, addresses and volumes."""
        contender.sweep(self._entry, prefix=prefix)

    def close(self) -> None:
        """Nothing stays open."""

    async def _launch(self, want: Want, *, prefix: str) -> None:
        async with aiohttp.ClientSession(
            headers=self._headers, connector=aiohttp.TCPConnector(limit=32)
        ) as self._http:
            server = {
                "name": prefix,
                "imageRef": self._image,
                "flavorRef": self._type,
                "networks": [{"uuid": self._network}],
                "min_count": want.count,
                "max_count": want.count,
                "return_reservation_id": True,
            }
            disks = asyncio.gather(
                *(self._disk(f"{prefix}-{number}") for number in range(want.count * want.volume))
            )
            made = await self._send("POST", "compute", "/servers", {"server": server})
            ids = await self._active(made["reservation_id"], want.count)
            volumes = await disks
            links = [
                self._send(
                    "POST",
                    "compute",
                    f"/servers/{id}/os-volume_attachments",
                    {"volumeAttachment": {"volumeId": disk}},
                )
                for id, disk in zip(ids, volumes, strict=False)
            ]
            await asyncio.gather(*links)

    async def _active(self, reservation: str, count: int) -> list[str]:
        """Give every server its address as soon as there is a port, and return the ids when all are ACTIVE."""
        addressed: set[str] = set()
        giving: list[asyncio.Task[Any]] = []
        while True:
            told = await self._send("GET", "compute", f"/servers/detail?reservation_id={reservation}")
            ids = [server["id"] for server in told["servers"]]
            if len(addressed) < count:
                asked = "".join(f"&device_id={id}" for id in ids if id not in addressed)
                ports = (
                    await self._send("GET", "network", f"/ports?fields=id&fields=device_id{asked}")
                    if asked
                    else {}
                )
                for port in ports.get("ports", ()):
                    addressed.add(port["device_id"])
                    wish = {"floating_network_id": self._outside, "port_id": port["id"]}
                    giving.append(
                        asyncio.create_task(
                            self._send("POST", "network", "/floatingips", {"floatingip": wish})
                        )
                    )
            states = {server["status"] for server in told["servers"]}
            if "ERROR" in states:
                raise RuntimeError("A server went into ERROR.")
            if len(ids) == count and states == {"ACTIVE"} and len(addressed) == count:
                await asyncio.gather(*giving)
                return ids
            await asyncio.sleep(LOOK_EVERY)

    async def _disk(self, name: str) -> str:
        made = await self._send("POST", "block-storage", "/volumes", {"volume": {"size": 1, "name": name}})
        id = str(made["volume"]["id"])
        while made["volume"]["status"] != "available":
            await asyncio.sleep(LOOK_EVERY)
            made = await self._send("GET", "block-storage", f"/volumes/{id}")
        return id

    async def _send(self, method: str, service: str, path: str, body: Any = None) -> Any:
        version = {"OpenStack-API-Version": "compute 2.79"} if service == "compute" else {}
        async with self._http.request(
            method, self._urls[service] + path, json=body, headers=version
        ) as answer:
            if answer.status >= 300:
                raise RuntimeError(f"{method} {path}: {answer.status} {await answer.text()}")
            return await answer.json()
