"""The life of a server over time: scheduling, networking, block devices, spawning, task states, deletion.

Every step is scheduled with `after`, which drops it when the server's epoch has moved on (it was deleted, or its
state was reset meanwhile).
"""

from __future__ import annotations

from collections.abc import Callable

from enamel.sandbox import faults, http, kernel, seams, state
from enamel.sandbox.compute import server as compute_server

BUILD_FAILED = "Build of instance {id} aborted: {why}"
LOOK_AGAIN = 0.05
LOOKS = 1200


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


def fail(cloud: state.Cloud, server: compute_server.Server, *, message: str, code: int = 500) -> None:
    """Set a server to ERROR; one that never ran releases its resources."""
    if server.launched is None:
        _release(cloud, server, deleted=False)
    server.fault = (code, message, cloud.now())
    mark(cloud, server, vm_state="error", task_state=None, power=compute_server.NOSTATE)
    done(cloud, server, failed=True)


def boot(cloud: state.Cloud, server: compute_server.Server) -> None:
    """Start building a new server."""
    after(cloud, server, (0.02, 0.06), lambda: _place(cloud, server))


def _place(cloud: state.Cloud, server: compute_server.Server) -> None:
    """Choose a host, or fail with NoValidHost."""
    error = cloud.faults.creation(kind="server", name=server.name, zone="")
    host = None if error else choose(cloud, server)
    if host is None:
        fail(cloud, server, message=error or faults.NO_HOST)
        return
    server.host, server.zone = host, cloud.compute.hosts[host]
    mark(cloud, server, task_state=None)
    after(cloud, server, (0.02, 0.05), lambda: mark(cloud, server, task_state="networking"))
    after(cloud, server, (0.05, 0.2), lambda: _plug(cloud, server))


def choose(cloud: state.Cloud, server: compute_server.Server) -> str | None:
    """Return a host in the requested zone that the group's policy and the faults allow, or None."""
    nova = cloud.compute
    zones = [server.pinned_zone] if server.pinned_zone else sorted(set(nova.hosts.values()))
    cloud.rng.shuffle(zones)
    group = nova.groups.get(server.group_id or "")
    taken = {nova.servers[member].host for member in group.members} - {None} if group else set()
    taken -= {server.host}
    for zone in zones:
        hosts = [host for host, place in nova.hosts.items() if place == zone]
        if group and group.policy == "anti-affinity":
            hosts = [host for host in hosts if host not in taken]
        elif group and group.policy == "affinity" and taken:
            hosts = [host for host in hosts if host in taken]
        if cloud.settings.hints:
            hosts = [host for host in hosts if _hinted(cloud, server, host)]
        if hosts and cloud.faults.creation(kind="server", name=server.name, zone=zone) is None:
            return cloud.rng.choice(hosts)
    return None


def _hinted(cloud: state.Cloud, server: compute_server.Server, host: str) -> bool:
    """Return whether the scheduler hints about other servers allow a host."""

    def hosts(name: str) -> set[str | None]:
        servers = server.hints.get(name) or []
        ids = [servers] if isinstance(servers, str) else servers
        return {cloud.compute.servers[id].host for id in ids if id in cloud.compute.servers}

    same = hosts("same_host")
    return host not in hosts("different_host") and (not same or host in same)


def _plug(cloud: state.Cloud, server: compute_server.Server) -> None:
    """Create and bind the ports."""
    try:
        cloud.network.plug(
            server_id=server.id,
            project_id=server.project_id,
            nics=server.nics,
            groups=server.groups,
            zone=server.zone,
        )
    except kernel.Refusal as refusal:
        fail(cloud, server, message=BUILD_FAILED.format(id=server.id, why=refusal.message))
        return
    mark(cloud, server, task_state="block_device_mapping")
    _disks(cloud, server)


def _disks(cloud: state.Cloud, server: compute_server.Server) -> None:
    """Create the volumes that a server boots with, wait for them, attach them."""
    caller = owner(server)
    volumes: list[tuple[compute_server.BlockDevice, str]] = []
    try:
        for device in server.block_devices:
            volumes.append(
                (
                    device,
                    device.source_id if device.source == "volume" else _make(cloud, caller, server, device),
                )
            )
    except kernel.Refusal as refusal:
        fail(cloud, server, message=BUILD_FAILED.format(id=server.id, why=refusal.message))
        return
    for device, volume_id in volumes:
        server.disks[volume_id] = compute_server.Disk(
            volume_id=volume_id,
            device=device.device or next_device(server, root=device.boot_index == 0),
            delete_on_termination=device.delete_on_termination,
            attachment_id="",
            mapping_id=cloud.new_id(),
            tag=device.tag,
        )
    _await_disks(cloud, server, caller, looks=LOOKS)


def _make(
    cloud: state.Cloud,
    caller: kernel.Caller,
    server: compute_server.Server,
    device: compute_server.BlockDevice,
) -> str:
    """Ask Cinder for a volume."""
    return cloud.volume.create(
        caller,
        size=device.size,
        image_id=device.source_id if device.source == "image" else "",
        snapshot_id=device.source_id if device.source == "snapshot" else "",
        volume_type=device.volume_type,
    )


def _await_disks(
    cloud: state.Cloud, server: compute_server.Server, caller: kernel.Caller, *, looks: int
) -> None:
    """Attach the volumes once all are available, or fail with the one that failed."""
    for disk in server.disks.values():
        volume = cloud.volume.find(caller, disk.volume_id)
        status = volume.status if volume else "deleted"
        if status in ("available", "reserved", "in-use", "attaching"):
            continue
        if status in ("creating", "downloading") and looks:
            after(
                cloud, server, (LOOK_AGAIN, LOOK_AGAIN),
                lambda: _await_disks(cloud, server, caller, looks=looks - 1),
            )  # fmt: skip
            return
        why = f"Volume {disk.volume_id} did not finish being created even after we waited 0 seconds or 1 attempts."
        why += f" And its status is {status}."
        fail(cloud, server, message=BUILD_FAILED.format(id=server.id, why=why))
        return
    for disk in server.disks.values():
        disk.attachment_id = cloud.volume.attach(
            volume_id=disk.volume_id, server_id=server.id, device=disk.device, host=server.host or ""
        )
    mark(cloud, server, task_state="spawning")
    _start(cloud, server)


def _start(cloud: state.Cloud, server: compute_server.Server) -> None:
    """Start a server on the hypervisor, which takes its boot time."""
    epoch = server.epoch

    def spawned() -> None:
        if server.epoch == epoch:
            _run(cloud, server)

    cloud.later(cloud.rng.uniform(*cloud.settings.boot_seconds), spawned)


def _run(cloud: state.Cloud, server: compute_server.Server) -> None:
    """Set a spawned server to ACTIVE, unless a fault rule lets it fail now."""
    error = cloud.faults.creation(kind="server", name=server.name, zone="", late=True)
    if error is not None:
        fail(cloud, server, message=BUILD_FAILED.format(id=server.id, why=error))
        return
    server.launched = server.launched or cloud.now()
    mark(cloud, server, vm_state="active", task_state=None, power=compute_server.RUNNING)
    done(cloud, server)


def owner(server: compute_server.Server) -> kernel.Caller:
    """Return a caller with the identity of a server's owner, for Nova's later calls."""
    return kernel.Caller(
        token="",
        user_id=server.user_id,
        user_name="",
        project_id=server.project_id,
        project_name="",
        roles=frozenset({"member"}),
    )


def next_device(server: compute_server.Server, *, root: bool = False) -> str:
    """Return the first free device name of a server."""
    taken = {disk.device for disk in server.disks.values()}
    if not root:
        taken.add("/dev/vda")
    return next(
        name for name in (f"/dev/vd{letter}" for letter in "abcdefghijklmnopqrstuvwxyz") if name not in taken
    )


def delete(cloud: state.Cloud, server: compute_server.Server) -> None:
    """Delete a server; a soft delete where `reclaim_seconds` is set."""
    server.epoch += 1
    reclaim = cloud.settings.reclaim_seconds
    if not reclaim or server.launched is None:
        destroy(cloud, server)
        return
    mark(cloud, server, task_state="soft-deleting")
    after(cloud, server, (0.1, 0.3), lambda: _soft_delete(cloud, server))


def _soft_delete(cloud: state.Cloud, server: compute_server.Server) -> None:
    """Keep a soft-deleted server until it is reclaimed."""
    if server.vm_state != "soft-delete":
        cloud.compute.charge(server, sign=-1)
    server.deleted = cloud.now()
    mark(cloud, server, vm_state="soft-delete", task_state=None, power=compute_server.SHUTDOWN)
    done(cloud, server)
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
    work(cloud, server, task="restoring", vm_state="active", power=compute_server.RUNNING)


def destroy(cloud: state.Cloud, server: compute_server.Server) -> None:
    """Delete a server for good, a moment later."""
    server.epoch += 1
    mark(cloud, server, task_state="deleting")
    after(cloud, server, (0.1, 0.4), lambda: _remove(cloud, server))


def _release(cloud: state.Cloud, server: compute_server.Server, *, deleted: bool) -> None:
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
    mark(cloud, server, vm_state="deleted", task_state=None, power=compute_server.NOSTATE)
    done(cloud, server)
    _release(cloud, server, deleted=True)
    cloud.compute.retire(server)
    cloud.guests.touch(server.id)


def snapshot_of(
    cloud: state.Cloud, request: http.Request, server: compute_server.Server, **asked: str
) -> str:
    """Begin an image of a server and return its id."""
    base: seams.Image | None = server.image
    properties = {key: value for key, value in asked.items() if key != "name"}
    return cloud.image.snapshot(
        request.caller, name=asked["name"], properties=properties, base=base, size=server.flavor.disk << 20
    )
