"""Silence: what to tell the user when nothing happens for a while, so that a screen never just stands still."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

from enamel.cli.board import Board
from enamel.cli.client import Client, Contact, segment
from enamel.cli.failure import Failure

QUIET = 10.0
"""Seconds without an event after which that is said."""
_KEPT_ALIVE = 20.0
"""Seconds without any data after which the service does not answer; it sends a line every 15."""
_ASK_AGAIN = 10.0
"""Seconds between questions about the cloud."""
_ANSWER_WITHIN = 3.0
"""Seconds to wait for the answer to such a question."""
_REPEATED = (QUIET, 30.0, 60.0)
"""Seconds after which an output that cannot be redrawn gets the sentence again; later, once in each minute."""


class Silence:
    """Knows since when nothing has happened to a task, and what it waits for."""

    def __init__(self, client: Client, board: Board, contact: Contact) -> None:
        self._client = client
        self._board = board
        self._contact = contact
        self._since = time.monotonic()
        self._told = 0.0
        self._cloud = ""
        self._asked = 0.0

    def broken(self) -> None:
        """Note that something has happened."""
        self._since = time.monotonic()
        self._told = 0.0

    def note(self) -> str:
        """Return why nothing happens; an empty text as long as nothing is unusual."""
        now = time.monotonic()
        if self._contact.trouble:
            away = now - self._contact.heard
            return f"The service has not answered for {away:.0f} s ({self._contact.trouble}). Trying again …"
        if now - self._contact.heard > _KEPT_ALIVE:
            return f"The service has sent nothing for {now - self._contact.heard:.0f} s."
        quiet = now - self._since
        if quiet < QUIET:
            return ""
        parts = (f"Nothing new for {quiet:.0f} s.", self._board.waits_for(), self._trouble_of_cloud(now))
        return " ".join(filter(None, parts))

    def due(self) -> str:
        """Return the note for an output that cannot be redrawn: now and then, and an empty text in between."""
        quiet = time.monotonic() - min(self._since, self._contact.heard)
        if quiet < QUIET and not self._contact.trouble:
            return ""
        step = max((seconds for seconds in _REPEATED if seconds <= quiet), default=1.0)
        step = quiet // 60 * 60 if quiet >= 60 else step
        if step <= self._told:
            return ""
        note = self.note()
        self._told = step if note else self._told
        return note

    def _trouble_of_cloud(self, now: float) -> str:
        """Return what the service knows of trouble with the task's cloud."""
        name = self._board.task.get("cloud")
        if name and now - self._asked > _ASK_AGAIN:
            self._asked = now
            try:
                cloud = self._client.within(_ANSWER_WITHIN).get(f"/clouds/{segment(name)}")
            except Failure:
                self._cloud = ""
            else:
                self._cloud = " ".join(_sentences(cloud))
        return self._cloud


def _sentences(cloud: Mapping[str, Any]) -> Iterator[str]:
    """Yield a sentence for each service of a cloud that is paused or lets calls wait."""
    for service in cloud["services"]:
        name = f"{service['service']} of cloud '{cloud['name']}'"
        latest = service["last_complaint"]
        if service["closed_seconds"] > 0:
            why = f": {latest['trouble']}" if latest else ""
            yield f"Calls to {name} are paused for {service['closed_seconds']:.0f} s{why}."
        elif service["under_way"]:
            yield f"Calls to {name} without an answer yet: {service['under_way']}."
