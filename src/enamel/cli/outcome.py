"""The outcome of a command: accepted, previewed, or ended."""

from collections import Counter
from collections.abc import Iterator

import click

from enamel.cli import progress, show, step_names
from enamel.cli.client import Client
from enamel.cli.failure import Exit

RESOURCES = {
    "servers": "server",
    "ports": "port",
    "volumes": "volume",
    "snapshots": "snapshot",
    "addresses": "floating IP",
    "security_groups": "security group",
    "server_groups": "server group",
}
"""What a plan makes, by the name of the quota that it needs."""
_DELETES = "delete "
"""How the names of steps begin that delete something."""


def accepted(client: Client, task: show.Record, *, wait: bool, as_json: bool) -> Exit:
    """Print a task that was accepted; with `wait`, follow it and print its end."""
    if not wait:
        if as_json:
            show.as_json(task)
        else:
            click.echo(f"Accepted as task {task['id']}.")
            click.echo(f"Watch it: enamel task watch {task['id']}")
        return Exit.DONE
    ended = progress.follow(client, task, quiet=as_json)
    if as_json:
        show.as_json(ended)
    else:
        result(ended)
    return progress.verdict(ended)


def result(task: show.Record) -> None:
    """Print what a task has made, or why it failed."""
    if task["servers"]:
        servers(task)
    for line in _created(task):
        click.echo(line)
    seconds = show.lasted(task["created_at"], task["ended_at"])
    summary = f"{task['action']} {task['state']}" + (f" in {seconds}" if seconds else "")
    click.echo(f"{summary}, {show.count(task['calls'], 'API call')}. Task {task['id']}")
    if task["error"]:
        for line in show.problem(task["error"]):
            click.echo(line, err=True)


def servers(task: show.Record) -> None:
    """Print the servers of a task."""
    rows = [
        (
            show.plain(server["hostname"]),
            show.server_state(server["state"]),
            server["id"] or "",
            server["public_address"] or "",
            ", ".join(server["fixed_addresses"]),
            show.plain(server["error"]["detail"] if server["error"] else server["placement"]),
        )
        for server in task["servers"]
    ]
    header = ["server", "state", "id", "public address", "fixed addresses", "zone / error"]
    show.table(header, rows, empty="")


def _created(task: show.Record) -> Iterator[str]:
    """Yield a line for each resource that a task has made, except those in the table of servers."""
    launched = task["action"] == "CREATE"
    for kind, resources in task["result"]["made"].items():
        for resource in resources:
            if kind in {"server", "port"} or (launched and resource["server"]):
                continue
            name, id = show.plain(resource["name"]), show.plain(resource["id"])
            yield f"Created {kind.replace('_', ' ')} " + (f"{name} ({id})" if name not in ("", id) else id)


def preview(answer: show.Record, *, as_json: bool) -> Exit:
    """Print what a request would do; the exit code says whether it could."""
    if as_json:
        show.as_json(answer)
        return Exit.FAILED if answer["faults"] else Exit.DONE
    nodes = answer["plan"]["nodes"]
    if nodes:
        _steps(answer)
    if nodes or not answer["faults"]:
        click.echo(f"{_sum(answer)} Dry run: nothing was changed.")
    for note in answer["plan"]["notes"]:
        click.echo(note)
    for fault in answer["faults"]:
        click.echo(show.fault(fault), err=True)
    return Exit.FAILED if answer["faults"] else Exit.DONE


def _steps(answer: show.Record) -> None:
    """Print the steps of a plan, and the quota that it needs."""
    steps = [
        (
            show.plain(node["name"]),
            show.plain(step_names.of(node)),
            show.plain(node["group"] or "all"),
            show.listed(node["after"]),
        )
        for node in answer["plan"]["nodes"]
    ]
    show.table(["step", "does", "for", "after"], steps, empty="")
    quota = [
        (kind, str(entry["wanted"]), _free(entry), "none" if entry["limit"] < 0 else str(entry["limit"]))
        for kind, entry in answer["quota"].items()
        if entry["wanted"]
    ]
    if quota:
        show.table(["quota", "needed", "free", "limit"], quota, empty="")


def _sum(answer: show.Record) -> str:
    """Return what a plan makes and deletes, in one sentence."""
    plan = answer["plan"]
    if not plan["nodes"]:
        return "Nothing to do."
    needs = plan.get("needs") or {}
    makes = [show.count(needs[quota], noun) for quota, noun in RESOURCES.items() if needs.get(quota)]
    deleted = Counter[str]()
    for node in plan["nodes"]:
        name = step_names.of(node)
        if name.startswith(_DELETES):
            deleted[name.removeprefix(_DELETES)] += _size(node)
    deletes = [show.count(number, noun) for noun, number in deleted.items()]
    does = [
        f"{verb} {', '.join(resources)}"
        for verb, resources in (("make", makes), ("delete", deletes))
        if resources
    ]
    what = " and ".join(does) or f"run {show.count(len(plan['nodes']), 'step')}"
    return f"Would {what} (about {show.count(answer['calls'], 'API call')})."


def _size(node: show.Record) -> int:
    """Return how many resources a step deletes: a step that undoes another one may delete several."""
    inputs = node["inputs"]
    kind, _, _ = inputs.get("of", "").partition(".")
    return len(inputs.get("only") or inputs.get("outputs", {}).get(f"{kind}s") or [node])


def _free(quota: show.Record) -> str:
    if quota["limit"] < 0:
        return "unlimited"
    return str(max(0, quota["limit"] - quota["used"] - quota["reserved"]))
