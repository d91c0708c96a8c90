"""The check before every action on a server: whether a lock or the server's state forbids it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from enamel.sandbox import http, kernel
from enamel.sandbox.compute import server as compute_server

Act = Callable[[http.Request, compute_server.Server, Any], kernel.Reply]
"""An action: it is called with the request, the server, and the value under the action's name in the body."""

ACCEPTED = kernel.Reply(status=202)
"""The usual reply."""


def check(
    request: http.Request,
    server: compute_server.Server,
    *,
    name: str,
    states: frozenset[str] | None,
    busy: bool = False,
    lock: bool = True,
) -> None:
    """Refuse what a lock or the server's state forbids."""
    if lock and server.locked_by is not None and not request.caller.admin:
        raise kernel.Refusal(409, f"Instance {server.id} is locked")
    if states is not None and server.vm_state not in states:
        raise conflict(server, name, f"vm_state {server.vm_state}")
    if not busy and server.task_state is not None:
        raise conflict(server, name, f"task_state {server.task_state}")


def conflict(server: compute_server.Server, name: str, state: str) -> kernel.Refusal:
    """Return the refusal of an action in the wrong state."""
    return kernel.Refusal(409, f"Cannot '{name}' instance {server.id} while it is in {state}")
