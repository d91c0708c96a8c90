"""The timeline: each event of a task as one line."""

from collections.abc import Mapping
from typing import Any

from enamel.cli import show, step_names

_SENTENCES = {
    "task.accepted": "accepted, {steps}",
    "task.claimed": "started",
    "task.resumed": "taken over by another worker",
    "task.given_back": "given back by a worker: {detail}",
    "task.cancelling": "cancelling",
    "task.reverting": "rolling back",
    "task.completed": "completed, {calls}",
    "task.aborted": "aborted",
    "task.timed_out": "timed out",
    "item.started": "{step} …",
    "item.progress": "{text}",
    "item.retrying": "retrying: {detail}",
    "item.completed": "{step} done",
    "item.failed": "{step} failed",
    "item.reverted": "{step} undone",
    "signal.received": "signal {name} received ({received} of {needed})",
    "server.addressed": "has the address {public_address}",
    "server.active": "is ACTIVE",
    "server.reachable": "answers at {address} ({ready_when})",
    "server.failed": "failed",
    "server.moved_on": "moved on to {placement}",
    "group.failed": "{group} failed: {detail}",
    "group.moved_on": "{group} moved on to {placement}",
}
"""The sentence of each type of event, with the fields of its data.

Why a task, a step or a server failed is not among them: a fault of the cloud would appear in each of these events. It
is said once, in full, at the end.
"""


class Timeline:
    """Turns events into lines: the time since the first event, the server that the event is about, a sentence."""

    def __init__(self, plan: Mapping[str, Any]) -> None:
        """Keep the steps of the task's plan by their names."""
        self._nodes: dict[str, Mapping[str, Any]] = {node["name"]: node for node in plan["steps"]}
        self._width = max([len(node["group"] or "") for node in plan["steps"]], default=0)
        self._start: Any = None

    def line(self, event: Mapping[str, Any]) -> str:
        """Return the line of an event."""
        time = show.moment(event["time"])
        self._start = self._start or time
        seconds = (time - self._start).total_seconds() if time else 0.0
        server = self.server(event)
        # A step that serves no server or all of them is shown with its own name.
        step = f"  ({event['item']})" if event.get("item") and server is None else ""
        return f"{seconds:6.1f} s  {server or '':{self._width}}  {self.sentence(event)}{step}"

    def server(self, event: Mapping[str, Any]) -> str | None:
        """Return the server that an event is about; None for an event about all servers."""
        named: str | None = event.get("data", {}).get("server")
        return named or self._node(event).get("group")

    def step(self, event: Mapping[str, Any]) -> str:
        """Return the name of the step that an event is about."""
        data = event.get("data", {})
        return step_names.of({"action": data.get("action"), **self._node(event)})

    def sentence(self, event: Mapping[str, Any]) -> str:
        """Return the sentence of an event, without its time and server."""
        data = dict(event.get("data", {}))
        fields = data | {
            "step": self.step(event),
            "steps": show.count(data.get("steps", 0), "step"),
            "calls": show.count(data.get("calls", 0), "API call"),
        }
        return _SENTENCES.get(event["type"], str(event["type"])).format_map(_Fields(fields))

    def _node(self, event: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._nodes.get(event.get("item") or "", {})


class _Fields(dict[str, Any]):
    """The fields of an event; a missing one is a dash."""

    def __missing__(self, key: str) -> str:
        return "–"
