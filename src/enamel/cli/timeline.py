"""The timeline: what each event of a task says in one line."""

from collections.abc import Mapping
from typing import Any

from enamel.cli import show

_SAYS = {
    "task.accepted": "accepted with {steps} steps",
    "task.claimed": "a worker has it",
    "task.resumed": "taken over by another worker",
    "task.cancelling": "told to stop",
    "task.reverting": "undoing what was made: {detail}",
    "task.completed": "completed with {calls} plumbing calls",
    "task.aborted": "aborted: {detail}",
    "task.timed_out": "timed out: {detail}",
    "item.started": "{action} …",
    "item.progress": "{text}",
    "item.retrying": "trying again: {detail}",
    "item.completed": "{action} done",
    "item.failed": "{action} failed: {detail}",
    "item.reverted": "{action} undone",
    "server.addressed": "has the address {public_address}",
    "server.active": "is ACTIVE",
    "server.reachable": "answers at {address} ({ready_when})",
    "server.failed": "failed: {detail}",
    "server.moved_on": "is tried in {placement}",
}
"""What each type of event says, with the facts of its data."""


class Timeline:
    """Says events in lines, with the time since the first one and the server they are about."""

    def __init__(self, groups: Mapping[str, str]) -> None:
        """Keep which step belongs to which server.

        Args:
            groups: Steps of the plan by name, each with its server; those that serve all are left out.

        """
        self._groups = groups
        self._width = max([len(name) for name in groups.values()], default=0)
        self._start: Any = None

    def line(self, event: Mapping[str, Any]) -> str:
        """Return the line of an event."""
        time = show.moment(event["time"])
        self._start = self._start or time
        since = (time - self._start).total_seconds() if time else 0.0
        about = self.server(event)
        # What belongs to no server is known by the step's own name.
        step = f"  ({event['item']})" if event.get("item") and about is None else ""
        return f"{since:6.1f} s  {about or '':{self._width}}  {self.says(event)}{step}"

    def server(self, event: Mapping[str, Any]) -> str | None:
        """Return the server that an event is about; None where it is about all."""
        named: str | None = event.get("data", {}).get("server")
        return named or self._groups.get(event.get("item") or "")

    def says(self, event: Mapping[str, Any]) -> str:
        """Return what an event says, without its time and server."""
        words = _SAYS.get(event["type"], str(event["type"]))
        facts = dict(event.get("data", {}))
        return words.format_map(_Facts(facts | {"action": human(facts.get("action", "step"))}))


class _Facts(dict[str, Any]):
    """The data of an event; a fact that is missing is a dash."""

    def __missing__(self, key: str) -> str:
        return "–"


def human(action: str) -> str:
    """Return an action as people say it: `CREATING_VOLUME` is creating a volume."""
    return action.replace("_", " ").lower()


def groups(plan: Mapping[str, Any]) -> dict[str, str]:
    """Return which step of a plan belongs to which server."""
    return {node["name"]: node["group"] for node in plan["nodes"] if node["group"]}
