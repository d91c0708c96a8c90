"""The scenario: a few requests in a row, read from YAML, each with what must come back.

- scenario: A task is followed to its end
  as: admin                               # where the caller is to have that role on the cloud
  steps:
  - POST: /servers                        # the method and the path; $name stands for what was kept before
    headers: {Idempotency-Key: one}
    body: {name: web, template: cirros, type: m1.tiny}     # or `raw:` for text that is no JSON
    status: 202
    returns: {Location: ~/tasks/.+}       # headers; ~ begins an expression, ~~ a text that must be missing
    expect: {state: WAITING, servers.*.hostname: [web]}    # places in the body; * stands for every entry
    keep: {task: id}                      # names for places in the body
  - GET: /tasks/$task?wait=30
    status: 200
    text: completed                       # what the body must contain, where it is no JSON
"""

import json
import re
import string
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import yaml

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


def load(folder: Path) -> list[Any]:
    """Return every scenario of a folder, as (file, scenario)."""
    return [
        (path.stem, scenario)
        for path in sorted(folder.glob("*.yaml"))
        for scenario in yaml.safe_load(path.read_text(encoding="utf-8"))
    ]


def play(url: str, scenario: dict[str, Any]) -> None:
    """Carry out a scenario's steps and assert on each answer."""
    kept: dict[str, str] = {}
    for step in scenario["steps"]:
        _step(url, _filled(step, kept), kept)


def _step(url: str, step: dict[str, Any], kept: dict[str, str]) -> None:
    method = next(name for name in METHODS if name in step)
    known = {method, "headers", "body", "raw", "status", "returns", "expect", "keep", "text"}
    assert set(step) <= known, f"unknown words in a step: {set(step) - known}"
    status, headers, text = _send(url, method, step)
    shown = f"{method} {step[method]} answered {status}: {text[:2000]}"
    assert status == step["status"], shown
    for name, wanted in step.get("returns", {}).items():
        assert _fits(headers.get(name), wanted), f"{name}: {headers.get(name)!r} is not {wanted!r}; {shown}"
    if "text" in step:
        assert step["text"] in text, shown
    data = json.loads(text) if text and "json" in headers.get("Content-Type", "") else None
    for place, wanted in step.get("expect", {}).items():
        found = _at(data, place)
        assert _fits(found, wanted), f"{place}: {found!r} is not {wanted!r}; {shown}"
    for name, place in step.get("keep", {}).items():
        kept[name] = str(_at(data, place))


def _send(url: str, method: str, step: dict[str, Any]) -> tuple[int, Any, str]:
    headers = {name: str(value) for name, value in step.get("headers", {}).items()}
    raw = step["raw"].encode() if "raw" in step else None
    if "body" in step:
        raw = json.dumps(step["body"]).encode()
    if raw is not None:
        headers.setdefault("Content-Type", "application/json")
    request = urllib.request.Request(url + step[method], data=raw, headers=headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as answer:
        with answer:
            return answer.code, answer.headers, answer.read().decode()


def _filled(value: Any, kept: dict[str, str]) -> Any:
    """Return a step in which what was kept stands for its names."""
    if isinstance(value, str):
        return string.Template(value).safe_substitute(kept)
    if isinstance(value, dict):
        return {key: part if key == "keep" else _filled(part, kept) for key, part in value.items()}
    return [_filled(part, kept) for part in value] if isinstance(value, list) else value


def _at(data: Any, place: str) -> Any:
    """Return what stands at a place such as `servers.0.id` or `errors.*.pointer`; None where nothing does."""
    name, _, rest = place.partition(".")
    if name == "*":
        return [_at(part, rest) if rest else part for part in data]
    if isinstance(data, list):
        found = data[int(name)] if int(name) < len(data) else None
    else:
        found = data.get(name) if isinstance(data, dict) else None
    return _at(found, rest) if rest else found


def _fits(found: Any, wanted: Any) -> bool:
    if isinstance(wanted, str) and wanted.startswith("~~"):
        return found is None or wanted[2:] not in str(found)
    if isinstance(wanted, str) and wanted.startswith("~"):
        return re.search(wanted[1:], "" if found is None else str(found)) is not None
    if isinstance(wanted, list) and isinstance(found, list):
        return len(found) == len(wanted) and all(map(_fits, found, wanted))
    return bool(found == wanted)
