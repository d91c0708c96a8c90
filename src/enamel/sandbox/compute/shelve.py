"""Shelving: a server is stored as an image and its host is freed, until it is unshelved."""

from __future__ import annotations

from typing import Any

from enamel.sandbox import http, kernel
from enamel.sandbox.compute import build, guard, image, work
from enamel.sandbox.compute import server as compute_server


def shelve(request: http.Request, server: compute_server.Server, _: Any) -> kernel.Reply:
    """Store a server as an image and free its host."""
    cloud = request.cloud
    if server.image is not None:
        image.snapshot_of(cloud, request, server, name=f"{server.name}-shelved", image_type="snapshot")
    work.mark(cloud, server, task_state="shelving")
    work.after(cloud, server, (0.2, 0.5), lambda: _free(request, server))
    return guard.ACCEPTED


def offload(request: http.Request, server: compute_server.Server, _: Any) -> kernel.Reply:
    """Free the host of a shelved server."""
    _free(request, server)
    return guard.ACCEPTED


def _free(request: http.Request, server: compute_server.Server) -> None:
    """Offload a shelved server from its host."""

    def finish() -> None:
        server.host, server.zone = None, ""

    work.mark(request.cloud, server, vm_state="shelved", task_state=None, power=compute_server.SHUTDOWN)
    work.work(
        request.cloud,
        server,
        task="shelving_offloading",
        vm_state="shelved_offloaded",
        power=compute_server.SHUTDOWN,
        finish=finish,
    )


def unshelve(request: http.Request, server: compute_server.Server, asked: Any) -> kernel.Reply:
    """Unshelve a server, in another zone if requested."""
    zone = (asked or {}).get("availability_zone")
    if zone is not None:
        if zone not in request.cloud.compute.hosts.values():
            raise kernel.Refusal(400, f"The requested availability zone is not available: {zone}")
        server.pinned_zone = zone

    def finish() -> None:
        server.host = build.choose(request.cloud, server) or server.host
        server.zone = request.cloud.compute.hosts.get(server.host or "", "")

    work.work(
        request.cloud,
        server,
        task="unshelving",
        vm_state="active",
        power=compute_server.RUNNING,
        finish=finish,
    )
    return guard.ACCEPTED
