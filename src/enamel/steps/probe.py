"""The probe: tries for real whether a server answers."""

import asyncio

import aiohttp

from enamel.model.readiness import Readiness, parse

PATIENCE = 3.0
"""Seconds for one try."""


class Probe:
    """Tries connections and requests from where Enamel runs."""

    async def answers(self, address: str, *, ready_when: str) -> bool:
        """Tell whether the address answers: takes a connection, or gives a web page that is no error."""
        readiness = parse(ready_when)
        if readiness is None:
            return False
        try:
            async with asyncio.timeout(PATIENCE):
                if readiness.scheme == "tcp":
                    return await _connects(address, readiness.port)
                return await _serves(address, readiness)
        except (OSError, TimeoutError, aiohttp.ClientError):
            return False


async def _connects(address: str, port: int) -> bool:
    _, writer = await asyncio.open_connection(address, port)
    writer.close()
    await writer.wait_closed()
    return True


async def _serves(address: str, readiness: Readiness) -> bool:
    host = f"[{address}]" if ":" in address else address
    url = f"{readiness.scheme}://{host}:{readiness.port}{readiness.path}"
    # A new server's certificate is seldom signed by anyone; the question here is only whether it answers.
    async with (
        aiohttp.ClientSession() as session,
        session.get(url, ssl=False, allow_redirects=False) as answer,
    ):
        return answer.status < 400
