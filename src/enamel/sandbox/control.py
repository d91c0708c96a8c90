"""The control routes under `/sandbox/`: calls counted, faults, tokens, settings, and everything that exists.

They belong to no OpenStack service, need no token, are not counted and are not subject to fault rules.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
from msgspec import Struct

from enamel.sandbox import faults, http, kernel


class Changes(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The settings that can be changed while the cloud runs."""

    boot_seconds: tuple[float, float] | None = None
    """As in `kernel.Settings`."""
    pace: float | None = None
    """As in `kernel.Settings`."""
    reclaim_seconds: float | None = None
    """As in `kernel.Settings`."""
    token_ttl: float | None = None
    """As in `kernel.Settings`; for tokens issued from now on."""
    quotas: dict[str, int] | None = None
    """As in `kernel.Settings`; replaces all that differ."""


def word(refusal: kernel.Refusal) -> kernel.Reply:
    """Render a refusal of a control route."""
    return kernel.Reply(status=refusal.status, body={"error": refusal.message})


def _calls(request: http.Request) -> kernel.Reply:
    """Answer with the number of calls by route and the last calls."""
    calls = request.cloud.calls
    log = [msgspec.to_builtins(call) for call in calls.log]
    return kernel.Reply(body={"total": calls.counts.total(), "counts": dict(calls.counts), "log": log})


def _forget_calls(request: http.Request) -> kernel.Reply:
    """Start counting from zero."""
    request.cloud.calls.clear()
    return kernel.Reply(status=204)


def _faults(request: http.Request) -> kernel.Reply:
    """Answer with the active fault rules."""
    return kernel.Reply(body={"faults": request.cloud.faults.listed()})


def _add_faults(request: http.Request) -> kernel.Reply:
    """Add one fault rule or a list of them."""
    try:
        rules = faults.decode(request.content)
    except (msgspec.DecodeError, re.error) as problem:
        raise kernel.Refusal(400, f"This is not a fault rule: {problem}") from None
    added = [request.cloud.faults.add(rule) for rule in rules]
    return kernel.Reply(status=201, body={"faults": [msgspec.to_builtins(rule) for rule in added]})


def _clear_faults(request: http.Request) -> kernel.Reply:
    """Remove all fault rules."""
    request.cloud.faults.clear()
    return kernel.Reply(status=204)


def _remove_fault(request: http.Request) -> kernel.Reply:
    """Remove one fault rule."""
    if not request.cloud.faults.remove(request.params["id"]):
        raise kernel.Refusal(404, f"There is no fault rule {request.params['id']}.")
    return kernel.Reply(status=204)


def _expire_tokens(request: http.Request) -> kernel.Reply:
    """Expire all tokens."""
    return kernel.Reply(body={"expired": request.cloud.identity.expire_tokens()})


def _state(request: http.Request) -> kernel.Reply:
    """Answer with everything that exists, by kind, of all projects or of one."""
    cloud = request.cloud
    project = request.first("project")
    if project is not None:
        try:
            project = cloud.identity.project_named(project).id
        except KeyError:
            raise kernel.Refusal(404, f"There is no project {project}.") from None
    inventory: dict[str, list[dict[str, Any]]] = {}
    for service in (cloud.compute, cloud.network, cloud.volume, cloud.image, cloud.secret):
        for kind, rows in service.inventory().items():
            inventory[kind] = [row for row in rows if project in (None, row.get("project_id"))]
    return kernel.Reply(body=inventory)


def _settings(request: http.Request) -> kernel.Reply:
    """Answer with the cloud's settings."""
    return kernel.Reply(body=msgspec.to_builtins(request.cloud.settings))


def _change_settings(request: http.Request) -> kernel.Reply:
    """Change some settings and answer with all of them."""
    try:
        changes = msgspec.json.decode(request.content, type=Changes)
    except msgspec.DecodeError as problem:
        raise kernel.Refusal(400, f"These settings are not valid: {problem}") from None
    given: dict[str, Any] = {
        name: value for name, value in msgspec.structs.asdict(changes).items() if value is not None
    }
    request.cloud.settings = msgspec.structs.replace(request.cloud.settings, **given)
    return _settings(request)


SERVICE = http.Service(
    name="sandbox",
    prefix="/sandbox",
    word=word,
    routes=(
        http.Route("GET", "/calls", _calls, open=True),
        http.Route("DELETE", "/calls", _forget_calls, open=True),
        http.Route("GET", "/faults", _faults, open=True),
        http.Route("POST", "/faults", _add_faults, open=True),
        http.Route("DELETE", "/faults", _clear_faults, open=True),
        http.Route("DELETE", "/faults/{id}", _remove_fault, open=True),
        http.Route("POST", "/expire-tokens", _expire_tokens, open=True),
        http.Route("GET", "/state", _state, open=True),
        http.Route("GET", "/settings", _settings, open=True),
        http.Route("POST", "/settings", _change_settings, open=True),
    ),
)
