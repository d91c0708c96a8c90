"""Images made from servers, and servers rebuilt from images."""

from __future__ import annotations

from typing import Any

from enamel.sandbox import http, kernel, seams, state
from enamel.sandbox.compute import disk, view, work
from enamel.sandbox.compute import server as compute_server


def rebuild(request: http.Request, server: compute_server.Server, asked: Any) -> kernel.Reply:
    """Rebuild a server from an image."""
    image_id = asked["imageRef"]
    image = request.cloud.image.find(request.caller, image_id)
    if image is None:
        raise kernel.Refusal(400, "Cannot find image for rebuild")
    if image.status != "active":
        raise kernel.Refusal(400, f"Image {image_id} is not active.")
    if server.image is not None:
        disk.fits(image, server.flavor)
        server.image = image
    server.name = str(asked.get("name", server.name))
    server.metadata = dict(asked.get("metadata", server.metadata))
    server.description = asked.get("description", server.description)
    server.user_data = asked.get("user_data", server.user_data)
    if "key_name" in asked:
        server.key_name = asked["key_name"]
    work.log(server, request, name="rebuild")
    stopped = server.vm_state == "stopped"
    work.mark(request.cloud, server, task_state="rebuilding")
    work.after(
        request.cloud, server, (0.1, 0.2),
        lambda: work.work(
            request.cloud,
            server,
            task="rebuild_spawning",
            seconds=(0.3, 0.8),
            vm_state="stopped" if stopped else "active",
            power=compute_server.SHUTDOWN if stopped else compute_server.RUNNING,
        ),
    )  # fmt: skip
    body = view.detailed(request, server, single=True)
    body["adminPass"] = asked.get("adminPass") or request.cloud.new_hex()[:12]
    return kernel.Reply(
        status=202, body={"server": body}, headers={"Location": f"{request.root}/v2.1/servers/{server.id}"}
    )


def create_image(request: http.Request, server: compute_server.Server, asked: Any) -> kernel.Reply:
    """Create an image of a server."""
    return _snapshot(request, server, name=asked["name"], extra=asked.get("metadata", {}), kind="snapshot")


def create_backup(request: http.Request, server: compute_server.Server, asked: Any) -> kernel.Reply:
    """Create an image of a server that counts as one of its backups."""
    extra = {**asked.get("metadata", {}), "backup_type": asked["backup_type"]}
    return _snapshot(request, server, name=asked["name"], extra=extra, kind="backup")


def _snapshot(
    request: http.Request, server: compute_server.Server, *, name: str, extra: dict[str, str], kind: str
) -> kernel.Reply:
    """Create an image and keep the server busy meanwhile."""
    properties = {
        **extra,
        "image_type": kind,
        "instance_uuid": server.id,
        "user_id": request.caller.user_id,
        "base_image_ref": server.image.id if server.image else "",
    }
    image_id = snapshot_of(request.cloud, request, server, **{**properties, "name": name})
    work.log(server, request, name="createImage", event="compute_snapshot_instance")
    task = "image_snapshot_pending" if kind == "snapshot" else "image_backup"
    work.work(request.cloud, server, task=task)
    if request.version >= (2, 45):
        return kernel.Reply(status=202, body={"image_id": image_id})
    return kernel.Reply(status=202, headers={"Location": f"{request.cloud.url}/image/v2/images/{image_id}"})


def snapshot_of(
    cloud: state.Cloud, request: http.Request, server: compute_server.Server, **asked: str
) -> str:
    """Begin an image of a server and return its id."""
    base: seams.Image | None = server.image
    properties = {key: value for key, value in asked.items() if key != "name"}
    return cloud.image.snapshot(
        request.caller, name=asked["name"], properties=properties, base=base, size=server.flavor.disk << 20
    )
