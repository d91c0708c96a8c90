"""The callers of a fleet: they ask whichever API answers, and ask again where there was no answer."""

import asyncio
import random
from collections.abc import Collection, Sequence
from typing import Any

import aiohttp

from enamel.model import ids, task
from enamel.model.errors import KeyInFlight
from tests.flows.test_launch import KEY

PATIENCE = 10.0
"""Seconds for an answer."""
KEY_IS_FREE_WITHIN = 30.0
"""Seconds for a key that an API process took with it to come free; the database may be away as well."""
_ENDED = {state.value for state in task.ENDED}


def launch(dice: random.Random, number: int) -> dict[str, Any]:
    """Return a random launch of one to three servers."""
    body: dict[str, Any] = {
        "name": f"web{number}",
        "count": dice.randint(1, 3),
        "template": "cirros",
        "type": "m1.tiny",
        "on_failure": dice.choice(["ROLLBACK", "ROLLBACK", "KEEP"]),
    }
    if dice.random() < 0.7:
        body["public_address"] = True
    if dice.random() < 0.4:
        body["volumes"] = [{"size_gb": 1}]
    if dice.random() < 0.3:
        body["keypair"] = {"name": f"key{number}", "public_key": KEY}
    return body


class Callers:
    """Everybody who asks something of a fleet."""

    def __init__(self, urls: Sequence[str], dice: random.Random) -> None:
        self._urls = urls
        self._dice = dice
        self.accepted: dict[str, str] = {}
        """Tasks that were promised with a 202, by the key of the request."""

    async def ask(self, http: aiohttp.ClientSession, body: Any, *, path: str = "/servers") -> str | None:
        """Have a request accepted, however long that takes; return the task's id, or None where it is refused."""
        loop = asyncio.get_running_loop()
        key, in_flight_since = ids.new_id(), 0.0
        while True:
            url = self._dice.choice(self._urls)
            try:
                async with http.post(url + path, json=body, headers={"Idempotency-Key": key}) as answer:
                    told = await answer.json()
                    status = answer.status
            except (aiohttp.ClientError, TimeoutError):
                await asyncio.sleep(0.1)
                continue
            if status == 202:
                self.accepted[key] = told["id"]
                return str(told["id"])
            code = told["errors"][0]["code"]
            if status == 409 and code == KeyInFlight.code:
                # Whoever had it is slow, or dead.
                in_flight_since = in_flight_since or loop.time()
                assert loop.time() - in_flight_since < KEY_IS_FREE_WITHIN, "a process has kept a key for ever"
            elif status < 500 and path == "/servers":
                raise AssertionError(f"{path} was refused: {told}")
            elif status < 500:
                return None
            await asyncio.sleep(0.2)

    async def revert(self, ids: Collection[str]) -> None:
        """Take back what tasks have made: whatever became of earlier reverts, this is allowed."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE)) as http:
            for id in ids:
                assert await self.ask(http, None, path=f"/tasks/{id}/revert"), (
                    f"task {id} cannot be reverted again"
                )

    async def launch(
        self, bodies: Sequence[Any], *, at_once: int, meddling: float = 0.0, pause: float = 0.0
    ) -> None:
        """Launch servers.

        Args:
            bodies: The requests.
            at_once: How many callers there are.
            meddling: The chance that something is taken back after a launch.
            pause: How long a caller rests between two launches, in seconds and by chance.
        """
        waiting = list(reversed(bodies))
        timeout = aiohttp.ClientTimeout(total=PATIENCE)

        async def one(http: aiohttp.ClientSession) -> None:
            while waiting:
                await self.ask(http, waiting.pop())
                await asyncio.sleep(self._dice.uniform(0, 2 * pause))
                if self.accepted and self._dice.random() < meddling:
                    id = self._dice.choice(sorted(self.accepted.values()))
                    what = self._dice.choice(["cancel", "revert"])
                    await self.ask(http, None, path=f"/tasks/{id}/{what}")

        # Each request has a connection of its own, as of many callers.
        connector = aiohttp.TCPConnector(force_close=True)
        async with (
            aiohttp.ClientSession(timeout=timeout, connector=connector) as http,
            asyncio.TaskGroup() as group,
        ):
            for _ in range(at_once):
                group.create_task(one(http))
