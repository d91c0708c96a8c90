"""The outcome: what is said when a command was accepted, previewed, or has ended."""

from collections.abc import Iterator, Mapping
from typing import Any

import click

from enamel.cli import progress, show
from enamel.cli.client import Client
from enamel.cli.failure import Exit


def accepted(client: Client, task: Mapping[str, Any], *, wait: bool, as_json: bool) -> Exit:
    """Tell of a task that was accepted; after its end, where that is waited for."""
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


def result(task: Mapping[str, Any]) -> None:
    """Tell what a task has made, or why it has not."""
    if task["servers"]:
        servers(task)
    for line in _beside(task):
        click.echo(line)
    took = show.lasted(task["created_at"], task["ended_at"])
    summary = f"{task['action']} {task['state']}" + (f" in {took}" if took else "")
    click.echo(f"{summary}, {task['calls']} plumbing calls. Task {task['id']}")
    if task["error"]:
        for line in show.problem(task["error"]):
            click.echo(line, err=True)


def servers(task: Mapping[str, Any]) -> None:
    """Print the servers of a task."""
    rows = [
        (
            show.plain(server["hostname"]),
            show.state(server["state"]),
            server["id"] or "",
            server["public_address"] or "",
            ", ".join(server["fixed_addresses"]),
            show.plain(server["error"]["detail"] if server["error"] else server["placement"]),
        )
        for server in task["servers"]
    ]
    show.table(["server", "state", "id", "public address", "fixed addresses", "where / why"], rows, empty="")


def _beside(task: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each thing that a task has made and that no server of the table stands for."""
    launched = task["action"] == "CREATE"
    for kind, things in task["result"]["made"].items():
        for one in things:
            if kind not in {"server", "port"} and not (launched and one["server"]):
                named = f" {show.plain(one['name'])}" if one["name"] not in {"", one["id"]} else ""
                yield f"Made: {kind.replace('_', ' ')}{named}, {show.plain(one['id'])}"


def preview(found: Mapping[str, Any], *, as_json: bool) -> Exit:
    """Tell what a request would do; the exit code says whether it could."""
    if as_json:
        show.as_json(found)
        return Exit.FAILED if found["faults"] else Exit.DONE
    rows = [
        (
            show.plain(node["name"]),
            node["action"],
            show.plain(node["group"] or "all"),
            show.plain(", ".join(node["after"])),
        )
        for node in found["plan"]["nodes"]
    ]
    show.table(["step", "does", "for", "after"], rows, empty="There is nothing to do.")
    quota = [
        (kind, str(one["wanted"]), _free(one), "none" if one["limit"] < 0 else str(one["limit"]))
        for kind, one in found["quota"].items()
        if one["wanted"]
    ]
    if quota:
        show.table(["quota", "wanted", "free", "limit"], quota, empty="")
    click.echo(f"{found['calls']} plumbing calls foreseen, without those of waiting. Nothing was done.")
    for note in found["plan"]["notes"]:
        click.echo(note)
    for fault in found["faults"]:
        click.echo(f"{fault['pointer']}: {fault['detail']}", err=True)
    return Exit.FAILED if found["faults"] else Exit.DONE


def _free(one: Mapping[str, Any]) -> str:
    if one["limit"] < 0:
        return "any"
    return str(max(0, one["limit"] - one["used"] - one["promised"]))
