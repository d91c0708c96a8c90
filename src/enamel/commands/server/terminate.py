"""`server.terminate`: a server goes, and with it what was made for it, in the order that avoids "in use"."""

from datetime import timedelta

from enamel.clouds.capability import Capability
from enamel.commands.command import CommandRequest, Planned
from enamel.commands.facts import Facts, FactsNeeded
from enamel.flow import task_view
from enamel.flow.draft import Draft
from enamel.model import cloud, mark
from enamel.model.errors import Fault
from enamel.steps import address, port, security_group, server, server_group, volume
from enamel.steps.step import Step

KINDS = frozenset({"addresses", "volumes", "ports"})


def ask(want: CommandRequest) -> FactsNeeded:
    """Return what has to be known: the server and everything around it."""
    return FactsNeeded(terminate=want.params["server"])


def plan(want: CommandRequest, facts: Facts) -> Planned:
    """Return the plan that ends a server."""
    if facts.server is None:
        raise AssertionError("the facts of a termination have the server")
    faults = _faults(want.params.get("with"))
    gone = facts.server
    addresses = [one for one in facts.addresses if _goes(want, "addresses", one.mark)]
    volumes = [
        one for one in facts.volumes if gone.id in one.attached_to and _goes(want, "volumes", one.mark)
    ]
    ports = [one for one in facts.ports if _goes(want, "ports", one.mark)]
    groups = _groups(want, gone, facts)
    draft = Draft()
    name = gone.name
    for found in addresses:
        draft.add(address.DeleteAddress(id=found.id), group=name)
    # Where deletion is deferred, a deleted server keeps its ports and volumes: what takes them along has to force it.
    # What outlives it has to be free for the next one at once.
    force = bool(addresses or volumes or ports or groups) or _frees(want, facts)
    ended = draft.add(server.DeleteServer(id=gone.id, force=force), group=name)
    dropped = [draft.add(port.DeletePort(id=one.id), group=name, after=[ended]) for one in ports]
    for disk in volumes:
        draft.add(volume.DeleteVolume(id=disk.id), group=name, after=[ended])
    for group in groups:
        draft.add(_without(group, gone, facts), group=name, after=[ended, *dropped])
    if _made_with(want, facts) and gone.groups != () and Capability.SERVER_GROUPS in facts.capabilities:
        made_for = server_group.name_of(mark.task_of(gone.mark))
        draft.add(server_group.ReleaseServerGroup(name=made_for), group=name, after=[ended])
    there = task_view.there(gone, on=facts.cloud, region=facts.identity.region)
    made = draft.plan(groups=(there,), on_failure="keep")
    return Planned(plan=made, faults=tuple(faults), timeout=timedelta(hours=1))


def _faults(wanted: str | None) -> list[Fault]:
    if wanted is None or wanted in {"everything", "nothing"}:
        return []
    unknown = sorted(set(wanted.split(",")) - KINDS)
    if not unknown:
        return []
    listed = ", ".join(f"'{one}'" for one in unknown)
    detail = f"{listed}: write everything, nothing, or a list of {', '.join(sorted(KINDS))}."
    return [Fault(pointer="?with", detail=detail)]


def _frees(want: CommandRequest, facts: Facts) -> bool:
    """Tell whether something stays that was asked for by itself, and that a deferred deletion would hold on to."""
    marks = [one.mark for one in facts.ports] + [one.mark for one in facts.addresses]
    marks += [one.mark for one in facts.volumes if one.attached_to]
    return want.params.get("with") != "nothing" and any(map(mark.is_lasting, marks))


def _goes(want: CommandRequest, kind: str, text: str) -> bool:
    """Tell whether a thing around the server goes with it."""
    wanted = want.params.get("with")
    by = mark.read(text)
    if kind == "ports" and by is not None and by.lasting:
        # An address of its own, which only looks like a port.
        return wanted is not None and _goes(want, "addresses", text)
    made = by is not None and not by.lasting
    if wanted is None:
        return made
    if wanted == "everything":
        return kind != "ports" or made
    return kind in wanted.split(",") or (kind == "ports" and made and wanted != "nothing")


def _made_with(want: CommandRequest, facts: Facts) -> bool:
    """Tell whether a launch of Enamel's has made the server, and what it has made for all its servers may go as well."""
    owner = mark.task_of(facts.server.mark) if facts.server else ""
    return bool(owner) and want.params.get("with") in (None, "everything")


def _groups(want: CommandRequest, gone: cloud.Server, facts: Facts) -> list[cloud.SecurityGroup]:
    """Return the security groups that were made for the servers of the same launch."""
    if not _made_with(want, facts):
        return []
    owner = mark.task_of(gone.mark)
    return [one for one in facts.security_groups if mark.task_of(one.description) == owner]


def _without(group: cloud.SecurityGroup, gone: cloud.Server, facts: Facts) -> Step:
    """Return the step that deletes a group at once, or, where it serves others, with the last of them."""
    owner = mark.task_of(gone.mark)
    if any(one.id != gone.id and mark.task_of(one.mark) == owner for one in facts.servers):
        return security_group.ReleaseSecurityGroup(id=group.id, task=owner)
    return security_group.DeleteSecurityGroup(id=group.id)
