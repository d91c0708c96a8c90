"""Deleting servers: for good, or softly with a time for restoring them."""

from __future__ import annotations

from enamel.sandbox import state
from enamel.sandbox.compute import server as compute_server
from enamel.sandbox.compute import work


def delete(cloud: state.Cloud, server: compute_server.Server) -> None:
    """Delete a server; a soft delete where `reclaim_seconds` is set."""
    server.epoch += 1
    reclaim = cloud.settings.reclaim_seconds
    if not reclaim or server.launched is None:
        destroy(cloud, server)
        return
    work.mark(cloud, server, task_state="soft-deleting")
    work.after(cloud, server, (0.1, 0.3), lambda: _soft_delete(cloud, server))


def _soft_delete(cloud: state.Cloud, server: compute_server.Server) -> None:
    """Keep a soft-deleted server until it is reclaimed."""
    if server.vm_state != "soft-delete":
        cloud.compute.charge(server, sign=-1)
    server.deleted = cloud.now()
    work.mark(cloud, server, vm_state="soft-delete", task_state=None, power=compute_server.SHUTDOWN)
    work.done(cloud, server)
    epoch = server.epoch

    def reclaim() -> None:
        if server.epoch == epoch:
            destroy(cloud, server)

    cloud.later(cloud.settings.reclaim_seconds, reclaim)


def restore(cloud: state.Cloud, server: compute_server.Server) -> None:
    """Restore a soft-deleted server."""
    server.epoch += 1
    cloud.compute.charge(server, sign=+1)
    server.deleted = None
    work.work(cloud, server, task="restoring", vm_state="active", power=compute_server.RUNNING)


def destroy(cloud: state.Cloud, server: compute_server.Server) -> None:
    """Delete a server for good, a moment later."""
    if server.vm_state == "deleted":
        return
    server.epoch += 1
    work.mark(cloud, server, task_state="deleting")
    work.after(cloud, server, (0.1, 0.4), lambda: _remove(cloud, server))


def release(cloud: state.Cloud, server: compute_server.Server, *, deleted: bool) -> None:
    """Release a server's ports and volumes, and delete those that are deleted with it."""
    for disk in server.disks.values():
        cloud.volume.detach(volume_id=disk.volume_id, server_id=server.id)
        if disk.delete_on_termination:
            cloud.volume.delete(disk.volume_id)
    for device in server.block_devices:
        if device.source == "volume" and device.source_id not in server.disks:
            cloud.volume.detach(volume_id=device.source_id, server_id=server.id)
            if deleted and device.delete_on_termination:
                cloud.volume.delete(device.source_id)
    server.disks.clear()
    if deleted:
        server.block_devices.clear()
    cloud.network.unplug(server_id=server.id)


def _remove(cloud: state.Cloud, server: compute_server.Server) -> None:
    """Remove a server and what is deleted with it from the cloud."""
    if server.vm_state != "soft-delete":
        cloud.compute.charge(server, sign=-1)
    now = cloud.now()
    server.terminated = now
    server.deleted = server.deleted or now
    server.epoch += 1
    work.mark(cloud, server, vm_state="deleted", task_state=None, power=compute_server.NOSTATE)
    work.done(cloud, server)
    release(cloud, server, deleted=True)
    # Nova (seen with 2026.2) shows it as DELETED for a few hundredths of a second before it answers 404.
    work.after(cloud, server, (0.01, 0.04), lambda: _forget(cloud, server))


def _forget(cloud: state.Cloud, server: compute_server.Server) -> None:
    """Answer 404 from now on."""
    cloud.compute.retire(server)
    cloud.guests.touch(server.id)
