"""The link: a thread that keeps one connection open, and connects again whenever it is lost."""

import random
import threading
from collections.abc import Callable

import structlog

log = structlog.get_logger(__name__)

_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 10.0
_END_WITHIN = 2.0


class Link:
    """Has a function connect and work until the link is closed; calls it again, after a pause, when it fails."""

    def __init__(self, name: str, work: "Callable[[Link], None]") -> None:
        """Start the thread.

        Args:
            name: What people know the connection by.
            work: Connects, calls `up`, and works until `closing` is set. Whatever it raises breaks the connection.

        """
        self.name = name
        self.closing = threading.Event()
        self.trouble: str | None = "not connected yet"
        """Why there is no connection; None if there is one."""
        self._work = work
        self._pause = _FIRST_PAUSE
        self._thread = threading.Thread(target=self._keep_up, name=name, daemon=True)
        self._thread.start()

    def up(self) -> None:
        """Say that the connection stands."""
        if self._pause > _FIRST_PAUSE:
            log.info("dispatch.back", link=self.name)
        self.trouble = None
        self._pause = _FIRST_PAUSE

    def close(self) -> None:
        """Have the work end, and wait for that; one that hangs in the network is left behind."""
        self.closing.set()
        self._thread.join(_END_WITHIN)

    def _keep_up(self) -> None:
        while not self.closing.is_set():
            try:
                self._work(self)
            except Exception as error:
                self.trouble = f"{type(error).__name__}: {error}".strip()
                if self._pause == _FIRST_PAUSE:
                    log.warning("dispatch.away", link=self.name, error=self.trouble)
                # Half of it random: processes that lose one broker together do not all come back at once.
                self.closing.wait(self._pause * random.uniform(0.5, 1))
                self._pause = min(self._pause * 2, _LONGEST_PAUSE)
