"""States of servers over time: the action log, task states, and what is scheduled for later.

Every change is scheduled with `after`, which drops it when the server's epoch has changed (it was deleted, or its
state was reset meanwhile).
"""

from __future__ import annotations

from collections.abc import Callable

from enamel.sandbox import http, state
from enamel.sandbox.compute import server as compute_server


def log(
    server: compute_server.Server, request: http.Request, *, name: str, event: str = ""
) -> compute_server.Action:
    """Begin a line in a server's action log."""
    now = request.cloud.now()
    action = compute_server.Action(
        name=name,
        request_id=request.request_id,
        user_id=request.caller.user_id,
        project_id=request.caller.project_id,
        started=now,
        updated=now,
        event=event or f"compute_{name.replace('-', '_').lower()}_instance",
    )
    server.actions.append(action)
    return action


def done(cloud: state.Cloud, server: compute_server.Server, *, failed: bool = False) -> None:
    """End the last line of a server's action log."""
    if server.actions:
        action = server.actions[-1]
        action.finished = action.updated = cloud.now()
        action.message = "Error" if failed else action.message


def mark(
    cloud: state.Cloud,
    server: compute_server.Server,
    *,
    vm_state: str | None = None,
    task_state: str | None,
    power: int | None = None,
) -> None:
    """Set a server's states, and inform the network and the guests when its power state changed."""
    before = server.running
    server.vm_state = vm_state or server.vm_state
    server.task_state = task_state
    server.power_state = server.power_state if power is None else power
    server.updated = cloud.now()
    if server.running is not before:
        cloud.network.power(server_id=server.id, running=server.running)
        cloud.guests.touch(server.id)


def after(
    cloud: state.Cloud, server: compute_server.Server, seconds: tuple[float, float], act: Callable[[], None]
) -> None:
    """Call a function later, unless the server's epoch changes first."""
    epoch = server.epoch

    def fire() -> None:
        if server.epoch == epoch:
            act()

    cloud.later(cloud.between(*seconds), fire)


def work(
    cloud: state.Cloud,
    server: compute_server.Server,
    *,
    task: str,
    seconds: tuple[float, float] = (0.1, 0.4),
    vm_state: str | None = None,
    power: int | None = None,
    finish: Callable[[], None] | None = None,
) -> None:
    """Set a server's task_state for a while, then its new vm_state."""
    mark(cloud, server, task_state=task)

    def settle() -> None:
        if finish is not None:
            finish()
        mark(cloud, server, vm_state=vm_state, task_state=None, power=power)
        done(cloud, server)

    after(cloud, server, seconds, settle)
