"""Building servers over time: scheduling, networking, block devices, spawning."""

from __future__ import annotations

from enamel.sandbox import faults, kernel, state
from enamel.sandbox.compute import deletion, work
from enamel.sandbox.compute import server as compute_server

BUILD_FAILED = "Build of instance {id} aborted: {why}"
POLL_INTERVAL = 0.05
POLLS = 1200


def boot(cloud: state.Cloud, server: compute_server.Server) -> None:
    """Start building a new server."""
    work.after(cloud, server, (0.02, 0.06), lambda: _place(cloud, server))


def _place(cloud: state.Cloud, server: compute_server.Server) -> None:
    """Choose a host, or fail with NoValidHost."""
    error = cloud.faults.creation(kind="server", name=server.name, zone="")
    host = None if error else choose(cloud, server)
    if host is None:
        fail(cloud, server, message=error or faults.NO_HOST)
        return
    server.host, server.zone = host, cloud.compute.hosts[host]
    work.mark(cloud, server, task_state=None)
    work.after(cloud, server, (0.02, 0.05), lambda: work.mark(cloud, server, task_state="networking"))
    work.after(cloud, server, (0.05, 0.2), lambda: _plug(cloud, server))


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
    work.mark(cloud, server, task_state="block_device_mapping")
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
    _await_disks(cloud, server, caller, polls=POLLS)


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
    cloud: state.Cloud, server: compute_server.Server, caller: kernel.Caller, *, polls: int
) -> None:
    """Attach the volumes once all are available, or fail with the one that failed."""
    for disk in server.disks.values():
        volume = cloud.volume.find(caller, disk.volume_id)
        status = volume.status if volume else "deleted"
        if status in ("available", "reserved", "in-use", "attaching"):
            continue
        if status in ("creating", "downloading") and polls:
            work.after(
                cloud, server, (POLL_INTERVAL, POLL_INTERVAL),
                lambda: _await_disks(cloud, server, caller, polls=polls - 1),
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
    work.mark(cloud, server, task_state="spawning")
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
    work.mark(cloud, server, vm_state="active", task_state=None, power=compute_server.RUNNING)
    work.done(cloud, server)


def fail(cloud: state.Cloud, server: compute_server.Server, *, message: str, code: int = 500) -> None:
    """Set a server to ERROR; one that never ran releases its resources."""
    if server.launched is None:
        deletion.release(cloud, server, deleted=False)
    server.fault = (code, message, cloud.now())
    work.mark(cloud, server, vm_state="error", task_state=None, power=compute_server.NOSTATE)
    work.done(cloud, server, failed=True)


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
