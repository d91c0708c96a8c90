"""The draft: a plan while a command writes it.

draft = Draft()
ports = draft.add(port.CreatePorts(wants=wants))
draft.add(server.Boot(networks=[{"port_id": ports["ports", 0, "id"]}]), group="web-1")
"""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from enamel.flow import expressions
from enamel.flow.plan import Node, Plan
from enamel.steps.step import Step


class Handle:
    """A step that was added to a draft: `handle["ports", 0, "id"]` refers to one of its outputs."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __getitem__(self, path: str | tuple[str | int, ...]) -> Any:
        keys = path if isinstance(path, tuple) else (path,)
        return expressions.ref(".".join([self.name, *map(str, keys)]))


class Draft:
    """A plan that is being written."""

    def __init__(self, *, cloud: str | None = None, group: str | None = None) -> None:
        """Begin a plan.

        Args:
            cloud: Where its steps are done, if not on the task's own cloud; their names say so.
            group: The group that all of them belong to.
        """
        self._cloud = cloud
        self._group = group
        self._nodes: dict[str, Node] = {}
        self._steps: dict[str, Step] = {}
        self._symbols = Counter[str]()
        self._numbers = Counter[str]()
        """How often each name was wanted."""

    def add(
        self,
        step: Step,
        *,
        name: str | None = None,
        group: str | None = None,
        members: Sequence[str] = (),
        after: Sequence[Handle] = (),
        action: str | None = None,
        cloud: str | None = None,
        project: str | None = None,
        timeout: timedelta | None = None,
    ) -> Handle:
        """Add a step and return its handle.

        Steps whose outputs it refers to, and those in `after`, are done before it. The `action` is the word that
        people read if the step's own does not say enough.
        """
        group = group or self._group
        unique = self._unique(name or step.kind.replace(".", "-"), group)
        inputs = expressions.encode(step)
        needed = {path.split(".")[0] for path in expressions.paths(inputs, "ref")}
        self._nodes[unique] = Node(
            name=unique,
            kind=step.kind,
            action=action or step.action,
            inputs=inputs,
            after=tuple(sorted(needed | {handle.name for handle in after})),
            group=group,
            cloud=cloud or self._cloud,
            project=project,
            members=tuple(members),
            needs=step.needs(),
            retry=step.retry,
            timeout=timeout or step.time_limit(),
        )
        self._steps[unique] = step
        return Handle(unique)

    def _unique(self, base: str, group: str | None) -> str:
        """Return a name that no other step has."""
        label = (f"{base}-{group}" if group else base) + (f"@{self._cloud}" if self._cloud else "")
        while True:
            self._numbers[label] += 1
            number = self._numbers[label]
            name = label if number == 1 else f"{label}-{number}"
            if name not in self._nodes:
                return name

    def symbol(self, base: str) -> str:
        """Return a symbol for a secret that the draft has not used before: `user-data-1`, `user-data-2` …"""
        self._symbols[base] += 1
        return f"{base}-{self._symbols[base]}"

    def needs(self, cloud: str | None = None) -> dict[str, int]:
        """Return how much of each quota of a cloud the steps use up; by default that of the draft's own cloud."""
        total: Counter[str] = Counter()
        for node in self._nodes.values():
            if node.cloud == (cloud or self._cloud):
                total.update(node.needs)
        return {kind: number for kind, number in total.items() if number}

    def plan(self, **rest: Any) -> Plan:
        """Return the plan; the keyword arguments are its other fields."""
        calls = sum(step.calls for step in self._steps.values())
        return Plan(nodes=tuple(self._nodes.values()), needs=self.needs(), calls=calls, **rest)
