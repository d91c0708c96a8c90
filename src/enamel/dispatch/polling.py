"""Dispatch without a transport: every process polls the store, more often when it is busy.

For MariaDB and MySQL without a broker. Within the process, hints travel as always.
"""

from enamel.dispatch import local

_SHORTEST = 0.05
_LONGEST = 0.25


class Bell(local.Bell):
    """Wakes one listener soon, whether it was rung or not.

    It has the listener look again at once where there was something to do, then ever less often.
    """

    def __init__(self) -> None:
        super().__init__()
        self._pause = _SHORTEST

    def ring(self) -> None:
        """Wake the listener."""
        self._pause = _SHORTEST
        super().ring()

    async def wait(self, *, timeout: float) -> bool:
        """Wait a short time for a ring, at most until the timeout, and return whether one came."""
        rung = await super().wait(timeout=min(timeout, self._pause))
        self._pause = _SHORTEST if rung else min(self._pause * 2, _LONGEST)
        return rung


class Polling(local.Local):
    """Delivers hints within the process; for those of others, every listener polls."""

    def __init__(self) -> None:
        super().__init__(Bell)
