"""Versions of stored plans: each is read by every later Enamel, and none by an earlier one.

1   no `version`; a node's retry policy has `attempts`, `first`, `factor` and `most`, its time is `give_up_after`;
    another project of a cloud is part of the entry's name, `entry@project`
2   expressions within larger values; `maximum_attempts`, `initial_interval`, `backoff`, `maximum_interval`; `timeout`;
    another project is the node's `project`
"""

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import msgspec

from enamel.flow import expressions
from enamel.model.errors import PlanUnreadable

_ENTRY_AND_PROJECT = re.compile(r"(.+)@([0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")

VERSION = 2
"""The version that this Enamel writes."""

_NEW_OPERATORS = expressions.OPERATORS - expressions.REFERENCES
"""What version 1 had no operators for: an object with one of these as its only key was a literal."""


def upgraded(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return a stored plan as this version would have written it.

    Raises:
        PlanUnreadable: A later version wrote it, which `newer` says.
    """
    plan = dict(data)
    version = plan.get("version", 1)
    if not isinstance(version, int) or version > VERSION:
        raise PlanUnreadable(
            f"The plan has version {version}; this worker reads up to {VERSION}.", newer=True
        )
    for number in range(version, VERSION):
        plan = _UPGRADES[number](plan)
    return plan | {"version": VERSION}


def _from_1(plan: dict[str, Any]) -> dict[str, Any]:
    return plan | {"nodes": [_node_from_1(node) for node in plan.get("nodes", ())]}


def _node_from_1(node: Mapping[str, Any]) -> dict[str, Any]:
    new = {name: value for name, value in node.items() if name not in {"retry", "give_up_after"}}
    new["inputs"] = expressions.quoted(node.get("inputs", {}), _NEW_OPERATORS)
    new |= _project_from_1(new, "cloud")
    if node.get("kind") == "transfer.volume":
        new["inputs"] |= _project_from_1(new["inputs"], "entry")
    if "give_up_after" in node:
        new["timeout"] = _duration(node["give_up_after"])
    old = node.get("retry", {})
    convert: dict[str, tuple[str, Callable[[Any], Any]]] = {
        "attempts": ("maximum_attempts", int),
        "first": ("initial_interval", _duration),
        "factor": ("backoff", float),
        "most": ("maximum_interval", _duration),
    }
    retry = {new_name: change(old[name]) for name, (new_name, change) in convert.items() if name in old}
    return new | ({"retry": retry} if retry else {})


def _project_from_1(fields: Mapping[str, Any], name: str) -> dict[str, str]:
    """Return an entry and its project in fields of their own, if the entry's name had both in it."""
    match = _ENTRY_AND_PROJECT.fullmatch(fields.get(name) or "")
    return {name: match[1], "project": match[2]} if match else {}


def _duration(seconds: float) -> str:
    text: str = msgspec.to_builtins(timedelta(seconds=seconds))
    return text


_UPGRADES: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {1: _from_1}
"""What makes each version the next one."""
