"""Resize, cold migration and live migration of servers."""

from __future__ import annotations

from typing import Any

from enamel.sandbox import http, kernel
from enamel.sandbox.compute import disk, guard, work
from enamel.sandbox.compute import server as compute_server


def resize(request: http.Request, server: compute_server.Server, asked: Any) -> kernel.Reply:
    """Resize a server; it ends in VERIFY_RESIZE until it is confirmed or reverted."""
    nova = request.cloud.compute
    flavor = nova.find_flavor(request.caller, str(asked["flavorRef"]))
    if flavor is None:
        raise kernel.Refusal(400, f"Flavor {asked['flavorRef']} could not be found.")
    if flavor.id == server.flavor.id:
        raise kernel.Refusal(400, "When resizing, instances must change flavor!")
    if server.image is not None:
        if flavor.disk == 0 < server.flavor.disk:
            raise kernel.Refusal(400, "Resize to zero disk flavor is not allowed.")
        disk.fits(server.image, flavor)
    nova.afford(
        server.project_id,
        instances=0,
        cores=max(flavor.vcpus - server.flavor.vcpus, 0),
        ram=max(flavor.ram - server.flavor.ram, 0),
    )
    return _move(request, server, flavor)


def migrate(request: http.Request, server: compute_server.Server, _: Any) -> kernel.Reply:
    """Migrate a server to another host; it ends in VERIFY_RESIZE until it is confirmed or reverted."""
    return _move(request, server, server.flavor)


def _move(
    request: http.Request, server: compute_server.Server, flavor: compute_server.Flavor
) -> kernel.Reply:
    """Stop a server, move it and start it with a flavor."""
    cloud = request.cloud
    server.former = (server.flavor, server.vm_state)
    cloud.compute.charge(server, sign=-1)
    old, server.flavor = server.flavor, flavor
    cloud.compute.charge(server, sign=+1)
    server.flavor = old

    def finish() -> None:
        server.flavor = flavor

    work.mark(cloud, server, task_state="resize_prep")
    work.after(cloud, server, (0.1, 0.3), lambda: work.mark(cloud, server, task_state="resize_migrating"))
    work.after(
        cloud, server, (0.4, 0.6),
        lambda: work.work(
            cloud, server, task="resize_finish", vm_state="resized", power=compute_server.RUNNING, finish=finish
        ),
    )  # fmt: skip
    return guard.ACCEPTED


def confirm(request: http.Request, server: compute_server.Server, _: Any) -> kernel.Reply:
    """Confirm a resize; nothing shows of it until it is done."""
    work.after(request.cloud, server, (0.05, 0.2), lambda: _settle_resize(request, server))
    return kernel.Reply(status=204)


def _settle_resize(request: http.Request, server: compute_server.Server) -> None:
    """Return a server to the state that it had before the resize."""
    vm_state = server.former[1] if server.former else "active"
    server.former = None
    power = compute_server.RUNNING if vm_state == "active" else compute_server.SHUTDOWN
    work.mark(request.cloud, server, vm_state=vm_state, task_state=None, power=power)
    work.done(request.cloud, server)


def revert(request: http.Request, server: compute_server.Server, _: Any) -> kernel.Reply:
    """Revert a resize: return to the old flavor."""
    cloud = request.cloud

    def finish() -> None:
        if server.former is not None:
            cloud.compute.charge(server, sign=-1)
            server.flavor = server.former[0]
            cloud.compute.charge(server, sign=+1)

    work.mark(cloud, server, task_state="resize_reverting")

    def settle() -> None:
        finish()
        _settle_resize(request, server)

    work.after(cloud, server, (0.2, 0.5), settle)
    return guard.ACCEPTED


def live_migrate(request: http.Request, server: compute_server.Server, _: Any) -> kernel.Reply:
    """Live-migrate a server to another host of its zone."""
    nova = request.cloud.compute

    def finish() -> None:
        others = [host for host, zone in nova.hosts.items() if zone == server.zone and host != server.host]
        server.host = request.cloud.rng.choice(others) if others else server.host

    work.work(request.cloud, server, task="migrating", finish=finish)
    return guard.ACCEPTED
