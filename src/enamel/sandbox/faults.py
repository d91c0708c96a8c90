"""Fault rules: which calls or new resources fail on purpose, how often, and how.

A rule looks like this, over the control route, in a file, or in a test:

    {"match": {"service": "compute", "method": "POST", "path": "/servers", "times": 1},
     "then": {"status": 503, "headers": {"Retry-After": "date:+3"}}}

or, for new resources instead of calls:

    {"match": {"kind": "server", "name": "^web-2$"}, "then": {"error": "No valid host was found."}}
"""

from __future__ import annotations

import asyncio
import copy
import random
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct

NO_HOST = "No valid host was found. There are not enough hosts available."


class Match(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Which calls, or which new resources, a rule is about; everything that is given must fit."""

    service: str = ""
    """identity, compute, network, image, volume or key-manager."""
    method: str = ""
    """GET, POST …"""
    path: str = ""
    """The route's template, or a regular expression that the path below the service's root must match wholly."""
    query: str = ""
    """A regular expression searched for in the query, for example to pick the lists with one of the filters."""
    body: str = ""
    """A regular expression searched for in the request's body, for example to pick one of the actions on a server."""
    kind: str = ""
    """`server` or `volume`: the rule is then about new resources of that kind, which fail with `then.error`."""
    name: str = ""
    """A regular expression searched for in the new resource's name."""
    zone: str = ""
    """The availability zone the new resource is to be in."""
    after: int = 0
    """How many matches pass unharmed first."""
    times: int | None = None
    """How many matches are hit; unlimited when absent."""
    probability: float = 1.0
    """The probability with which a match is hit."""


class Then(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What goes wrong; several of them may be combined."""

    latency: float | tuple[float, float] = 0.0
    """Seconds to wait before anything happens, or the range to draw them from."""
    hold: bool = False
    """Wait until the rule is removed before anything happens."""
    status: int = 0
    """Answer with this status."""
    headers: dict[str, str] = {}
    """Headers to add; a value `date:+30` becomes the HTTP date in 30 seconds."""
    body: Any = None
    """The body to answer with: text as it is, anything else as JSON."""
    echo: Literal["", "raw", "json", "base64", "part", "url", "hex"] = ""
    """Repeat the request's body in the answer's message: as it came, as JSON within JSON, in base64, as a part of that,
    encoded for a URL, or in hexadecimal."""
    html: bool = False
    """Answer with a proxy's HTML page."""
    effect: bool = False
    """Whether the call is carried out although its answer says otherwise."""
    drop: Literal["", "before", "after"] = ""
    """Close the connection without an answer, before or after the call was carried out."""
    truncate: int | None = None
    """Send only this number of bytes of the body, then close the connection."""
    omit: str = ""
    """Leave out of lists the items whose name or id this regular expression matches."""
    unfiltered: bool = False
    """Answer a list as if its query had no filters."""
    add: dict[str, Any] = {}
    """Records to add to the lists of the answer, by the name of the list: one of anything to each."""
    change: dict[str, Any] = {}
    """Parts of the answer to replace, by path: `images.0.min_disk` of the first record, `images.*.name` of each."""
    stale: bool = False
    """Repeat the first reply that this rule saw at the same URL."""
    error: str = ""
    """Set the new resource to status ERROR with this message."""
    late: bool = False
    """Whether a new server fails only while it starts, with its ports and volumes made."""


class Rule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One way in which the cloud misbehaves."""

    match: Match = Match()
    """When."""
    then: Then = Then()
    """How."""
    id: str = ""
    """A name to delete it by; given when absent."""


class _Live:
    """A rule with what happened to it so far."""

    def __init__(self, rule: Rule) -> None:
        """Prepare the expressions of a rule."""
        self.rule = rule
        self.seen = 0
        self.hits = 0
        self.answers: dict[str, Any] = {}
        self.removed = asyncio.Event()
        match = rule.match
        self.path = re.compile(match.path) if match.path else None
        self.query = re.compile(match.query) if match.query else None
        self.body = re.compile(match.body.encode()) if match.body else None
        self.name = re.compile(match.name) if match.name else None


class Hit(Struct, frozen=True):
    """A rule that applies to a call."""

    then: Then
    """What goes wrong."""
    latency: float
    """The seconds drawn for it."""
    answers: dict[str, Any]
    """Replies the rule has seen, by URL, for `stale`."""
    removed: asyncio.Event
    """Set when the rule is removed, for `hold`."""


class Faults:
    """The active fault rules."""

    def __init__(self, rng: random.Random) -> None:
        """Start without any."""
        self._rng = rng
        self._live: list[_Live] = []
        self._numbered = 0

    def add(self, rule: Rule) -> Rule:
        """Add a rule; raise `re.error` for a bad expression."""
        if not rule.id:
            self._numbered += 1
            rule = msgspec.structs.replace(rule, id=f"fault-{self._numbered}")
        live = _Live(rule)
        self.remove(rule.id)
        self._live.append(live)
        return rule

    def remove(self, rule_id: str) -> bool:
        """Remove a rule and return whether it existed."""
        found = [live for live in self._live if live.rule.id == rule_id]
        self._remove(found)
        return bool(found)

    def clear(self) -> None:
        """Remove all rules."""
        self._remove(self._live)

    def _remove(self, rules: Sequence[_Live]) -> None:
        for live in rules:
            live.removed.set()
        self._live = [live for live in self._live if live not in rules]

    def listed(self) -> list[dict[str, Any]]:
        """Return the active rules, with how often each matched and was applied."""
        return [
            msgspec.to_builtins(live.rule) | {"seen": live.seen, "hits": live.hits} for live in self._live
        ]

    def call(
        self, *, service: str, method: str, path: str, template: str, query: str, content: bytes
    ) -> Hit | None:
        """Return what goes wrong with a call, or None."""
        for live in self._live:
            match = live.rule.match
            if (
                not match.kind
                and match.service in ("", service)
                and match.method in ("", method)
                and (live.path is None or match.path == template or live.path.fullmatch(path))
                and (live.query is None or live.query.search(query))
                and (live.body is None or live.body.search(content))
                and self._strikes(live)
            ):
                latency = live.rule.then.latency
                drawn = self._rng.uniform(*latency) if isinstance(latency, tuple) else latency
                return Hit(live.rule.then, drawn, live.answers, live.removed)
        return None

    def creation(self, *, kind: str, name: str, zone: str, late: bool = False) -> str | None:
        """Return the error message of a new resource that is to fail, or None.

        Asked once without a zone, for rules that name none, and then with each zone that is tried.
        """
        for live in self._live:
            match = live.rule.match
            if (
                match.kind == kind
                and live.rule.then.late is late
                and match.zone == zone
                and (live.name is None or live.name.search(name))
                and self._strikes(live)
            ):
                return live.rule.then.error or NO_HOST
        return None

    def _strikes(self, live: _Live) -> bool:
        """Count a match and decide whether it is hit."""
        live.seen += 1
        match = live.rule.match
        if live.seen <= match.after or (match.times is not None and live.hits >= match.times):
            return False
        if match.probability < 1 and self._rng.random() >= match.probability:
            return False
        live.hits += 1
        return True


def decode(content: bytes) -> list[Rule]:
    """Return the rules in a JSON text, one or a list of them; raise `msgspec.ValidationError` or `re.error`."""
    return _checked(msgspec.json.decode(content, type=list[Rule] | Rule))


def load(path: Path) -> list[Rule]:
    """Return the rules in a JSON or YAML file."""
    return _checked(msgspec.yaml.decode(path.read_bytes(), type=list[Rule] | Rule))


def changed(body: Any, then: Then) -> Any:
    """Return an answer's body with records added and parts replaced; what a path does not lead to stays as it is."""
    body = copy.deepcopy(body)
    for name, record in then.add.items():
        if isinstance(body, dict) and isinstance(body.get(name), list):
            body[name].append(record)
    for path, value in then.change.items():
        *keys, last = path.split(".")
        parents = [body]
        for key in keys:
            parents = [inner for parent in parents for inner in _inside(parent, key)]
        for parent in parents:
            if isinstance(parent, dict):
                parent[last] = value
            elif isinstance(parent, list) and last.isdecimal() and int(last) < len(parent):
                parent[int(last)] = value
    return body


def _inside(parent: Any, key: str) -> list[Any]:
    """Return what a part of a path leads to."""
    if isinstance(parent, dict) and key in parent:
        return [parent[key]]
    if isinstance(parent, list):
        return parent if key == "*" else parent[int(key) : int(key) + 1] if key.isdecimal() else []
    return []


def _checked(given: Rule | list[Rule]) -> list[Rule]:
    """Return rules as a list after checking their regular expressions."""
    rules: Sequence[Rule] = [given] if isinstance(given, Rule) else given
    for rule in rules:
        for expression in (
            rule.match.path,
            rule.match.query,
            rule.match.body,
            rule.match.name,
            rule.then.omit,
        ):
            re.compile(expression)
    return list(rules)
