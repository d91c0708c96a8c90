"""Actions that leave a server on its host: start, stop, pause, lock, rescue."""

from __future__ import annotations

from typing import Any

from enamel.sandbox import http, kernel
from enamel.sandbox.compute import guard, work
from enamel.sandbox.compute import server as compute_server


def simple(
    task: str,
    *,
    vm_state: str | None = None,
    power: int | None = None,
) -> guard.Act:
    """Return an action that sets a task_state for a while and then a vm_state."""

    def act(request: http.Request, server: compute_server.Server, _: Any) -> kernel.Reply:
        work.work(request.cloud, server, task=task, vm_state=vm_state, power=power)
        return guard.ACCEPTED

    return act


def reboot(request: http.Request, server: compute_server.Server, asked: Any) -> kernel.Reply:
    """Reboot a server; a soft reboot needs a running one."""
    if asked["type"].upper() == "SOFT":
        guard.check(request, server, name="reboot", states=frozenset({"active"}))
        task = "rebooting"
    else:
        hard = frozenset({"rebooting", None})
        if server.task_state not in hard:
            raise guard.conflict(server, "reboot", f"task_state {server.task_state}")
        task = "rebooting_hard"
        server.epoch += 1
    work.log(server, request, name="reboot")
    work.work(request.cloud, server, task=task, vm_state="active", power=compute_server.RUNNING)
    return guard.ACCEPTED


def lock(request: http.Request, server: compute_server.Server, asked: Any) -> kernel.Reply:
    """Lock a server."""
    server.locked_by = "admin" if request.caller.admin else "owner"
    server.locked_reason = (asked or {}).get("locked_reason")
    server.updated = request.cloud.now()
    return guard.ACCEPTED


def unlock(request: http.Request, server: compute_server.Server, _: Any) -> kernel.Reply:
    """Unlock a server; only an admin unlocks what an admin has locked."""
    if server.locked_by == "admin" and not request.caller.admin:
        raise kernel.Refusal(
            403, "Policy doesn't allow os_compute_api:os-lock-server:unlock:unlock_override to be performed."
        )
    server.locked_by = server.locked_reason = None
    server.updated = request.cloud.now()
    return guard.ACCEPTED


def rescue(request: http.Request, server: compute_server.Server, asked: Any) -> kernel.Reply:
    """Rescue a server: start it from another image."""
    password = (asked or {}).get("adminPass") or request.cloud.new_hex()[:12]
    work.work(request.cloud, server, task="rescuing", vm_state="rescued", power=compute_server.RUNNING)
    return kernel.Reply(body={"adminPass": password})


def password(request: http.Request, server: compute_server.Server, asked: Any) -> kernel.Reply:
    """Change the password of the guest."""
    work.work(request.cloud, server, task="updating_password")
    return guard.ACCEPTED
