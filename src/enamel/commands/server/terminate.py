"""`server.terminate`: delete a server and what was made for it.

The server goes first: its deletion may be refused, and what went before it would be lost for nothing.
"""

from collections.abc import Sequence
from datetime import timedelta

from enamel.clouds.capability import Capability
from enamel.commands.command import CommandRequest, Planned
from enamel.commands.facts import Facts, FactsNeeded
from enamel.flow import task_view
from enamel.flow.draft import Draft
from enamel.model import cloud, mark, role
from enamel.model.errors import Fault, WrongState
from enamel.steps import address, port, security_group, server, server_group, volume
from enamel.steps.step import Step

KINDS = frozenset({"addresses", "volumes", "ports"})


def ask(request: CommandRequest) -> FactsNeeded:
    """Return what has to be known: the server and everything around it."""
    return FactsNeeded(terminate=request.params["server"])


def plan(request: CommandRequest, facts: Facts) -> Planned:
    """Return the plan that ends a server.

    Raises:
        WrongState: It is locked, or a volume that is to go with it has snapshots.
    """
    if facts.server is None:
        raise AssertionError("the facts of a termination have the server")
    _refuse_locked(facts.server, facts)
    faults = _faults(request.params.get("with"))
    gone = facts.server
    addresses = [thing for thing in facts.addresses if _goes(request, "addresses", thing.mark)]
    volumes = [
        thing
        for thing in facts.volumes
        if gone.id in thing.attached_to and _goes(request, "volumes", thing.mark)
    ]
    _refuse_with_snapshots(volumes, facts)
    ports = [thing for thing in facts.ports if _goes(request, "ports", thing.mark)]
    groups = _groups(request, gone, facts)
    draft = Draft()
    name = gone.name
    # Where deletion is deferred, a deleted server keeps its ports and volumes: whoever deletes them as well has to force it.
    # What outlives it has to be free for the next one at once.
    force = bool(addresses or volumes or ports or groups) or _frees(request, facts)
    ended = draft.add(server.DeleteServer(id=gone.id, force=force), group=name)
    for floating in addresses:
        draft.add(address.DeleteAddress(id=floating.id), group=name, after=[ended])
    dropped = [draft.add(port.DeletePort(id=thing.id), group=name, after=[ended]) for thing in ports]
    for disk in volumes:
        draft.add(volume.DeleteVolume(id=disk.id), group=name, after=[ended])
    for group in groups:
        draft.add(_without(group, gone, facts), group=name, after=[ended, *dropped])
    if _made_with(request, facts) and gone.groups != () and Capability.SERVER_GROUPS in facts.capabilities:
        made_for = server_group.name_of(mark.task_of(gone.mark))
        draft.add(server_group.ReleaseServerGroup(name=made_for), group=name, after=[ended])
    owner = task_view.there(gone, on=facts.cloud, region=facts.identity.region)
    planned = draft.plan(groups=(owner,), on_failure="keep")
    return Planned(plan=planned, faults=tuple(faults), timeout=timedelta(hours=1))


def _refuse_locked(gone: cloud.Server, facts: Facts) -> None:
    """Raise WrongState where the cloud would refuse to delete a locked server."""
    if gone.locked and not role.is_admin(facts.identity.roles):
        raise WrongState(
            f"Server '{gone.name}' is locked and cannot be deleted.",
            state=gone.state.value,
            remedy="Unlock it first (UNLOCK).",
        )


def _refuse_with_snapshots(volumes: Sequence[cloud.Volume], facts: Facts) -> None:
    """Raise WrongState where a volume cannot go with its server."""
    ids = {disk.id for disk in volumes}
    snapshots = [snapshot for snapshot in facts.volume_snapshots if snapshot.volume_id in ids]
    if snapshots:
        disk = next(disk for disk in volumes if disk.id == snapshots[0].volume_id)
        names = ", ".join(
            snapshot.name or snapshot.id for snapshot in snapshots if snapshot.volume_id == disk.id
        )
        raise WrongState(
            f"Volume '{disk.name or disk.id}' would be deleted with the server, but has snapshots: {names}.",
            state=disk.state.value,
            remedy="Delete the snapshots first, or keep the volume: name in `with` what is to be deleted.",
        )


def _faults(along: str | None) -> list[Fault]:
    if along is None or along in {"everything", "nothing"}:
        return []
    unknown = sorted(set(along.split(",")) - KINDS)
    if not unknown:
        return []
    listed = ", ".join(f"'{word}'" for word in unknown)
    detail = f"{listed}: write everything, nothing, or a list of {', '.join(sorted(KINDS))}."
    return [Fault(pointer="?with", detail=detail)]


def _frees(request: CommandRequest, facts: Facts) -> bool:
    """Tell whether something stays that was requested by itself and that a deferred deletion would keep attached."""
    marks = [thing.mark for thing in facts.ports] + [thing.mark for thing in facts.addresses]
    marks += [thing.mark for thing in facts.volumes if thing.attached_to]
    return request.params.get("with") != "nothing" and any(map(mark.is_lasting, marks))


def _goes(request: CommandRequest, kind: str, text: str) -> bool:
    """Tell whether a resource of the server is deleted with it."""
    along = request.params.get("with")
    by = mark.read(text)
    if kind == "ports" and by is not None and by.lasting:
        # An address of its own, which only looks like a port.
        return along is not None and _goes(request, "addresses", text)
    temporary = by is not None and not by.lasting
    if along is None:
        return temporary
    if along == "everything":
        return kind != "ports" or temporary
    return kind in along.split(",") or (kind == "ports" and temporary and along != "nothing")


def _made_with(request: CommandRequest, facts: Facts) -> bool:
    """Tell whether a launch of Enamel's has made the server, and what it has made for all its servers may go as well."""
    owner = mark.task_of(facts.server.mark) if facts.server else ""
    return bool(owner) and request.params.get("with") in (None, "everything")


def _groups(request: CommandRequest, gone: cloud.Server, facts: Facts) -> list[cloud.SecurityGroup]:
    """Return the security groups that were made for the servers of the same launch."""
    if not _made_with(request, facts):
        return []
    owner = mark.task_of(gone.mark)
    return [group for group in facts.security_groups if mark.task_of(group.description) == owner]


def _without(group: cloud.SecurityGroup, gone: cloud.Server, facts: Facts) -> Step:
    """Return the step that deletes a group at once, or, where it serves others, with the last of them."""
    owner = mark.task_of(gone.mark)
    if any(other.id != gone.id and mark.task_of(other.mark) == owner for other in facts.servers):
        return security_group.ReleaseSecurityGroup(id=group.id, task=owner)
    return security_group.DeleteSecurityGroup(id=group.id)
