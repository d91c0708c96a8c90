"""The outcome of a command that starts tasks: accepted, refused, or ended."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import click

from enamel.cli import progress, show
from enamel.cli.client import Client
from enamel.cli.failure import Exit, Failure

_NOWHERE = {"REVERTED": "removed again", "GONE": "deleted"}
"""What became of servers that are not anywhere, by their states."""


def accepted(client: Client, task: show.Record, *, wait: bool, as_json: bool) -> Exit:
    """Print a task that was accepted; with `wait`, follow it and print its end."""
    return submit(client, [lambda: task], wait=wait, as_json=as_json)


def submit(client: Client, requests: Sequence[Callable[[], Any]], *, wait: bool, as_json: bool) -> Exit:
    """Send requests, each of which is answered with a task, and print the tasks; with `wait`, follow them to their ends.

    A request that is refused does not keep the others from being sent.

    Raises:
        Failure: Some were refused; what became of the others is printed, or part of it.

    """
    tasks, failures = _sent(requests)
    try:
        if wait:
            for number, task in enumerate(tasks):
                tasks[number] = progress.follow(client, task, as_json=as_json)
                if not as_json:
                    result(tasks[number])
    except Failure as failure:
        raise Failure(
            *failure.lines, code=failure.code, data={**failure.document, "tasks": tasks}
        ) from failure
    if not wait and not as_json:
        for task in tasks:
            click.echo(f"Accepted as task {task['id']}.")
            click.echo("Watch it: " + show.command(f"task watch {task['id']}"))
    if failures:
        raise _joined(failures, {"tasks": tasks} if tasks else {})
    if as_json:
        show.as_json(tasks[0] if len(requests) == 1 else {"tasks": tasks})
    return max(progress.verdict(task) for task in tasks) if wait else Exit.DONE


def _sent(requests: Sequence[Callable[[], Any]]) -> tuple[list[Any], list[Failure]]:
    """Send requests and return the tasks, and why others were refused. Raises Failure if the first finds no service."""
    tasks, failures = [], []
    for request in requests:
        try:
            tasks.append(request())
        except Failure as failure:
            failures.append(failure)
            if failure.code is Exit.UNREACHABLE:
                break
    return tasks, failures


def _joined(failures: Sequence[Failure], done: Mapping[str, Any]) -> Failure:
    """Return several failures as one, with what was done all the same."""
    errors = [error for failure in failures for error in failure.document["errors"]]
    lines = dict.fromkeys(line for failure in failures for line in failure.lines)
    return Failure(*lines, code=max(failure.code for failure in failures), data={**done, "errors": errors})


def deleted(client: Client, paths: Mapping[str, str], noun: str, *, as_json: bool) -> None:
    """Delete what is deleted at once, without a task, and print it.

    Raises:
        Failure: Some were refused; the others are deleted and printed all the same.

    """
    done, failures = [], []
    for name, path in paths.items():
        try:
            client.delete(path)
        except Failure as failure:
            failures.append(failure)
            if failure.code is Exit.UNREACHABLE:
                break
        else:
            done.append(name)
            if not as_json:
                click.echo(f"Deleted {noun} {name}")
    if failures:
        raise _joined(failures, {"deleted": done} if done else {})
    if as_json:
        show.as_json({"deleted": done})


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
            _where(server, task),
        )
        for server in task["servers"]
    ]
    header = ["server", "state", "id", "public address", "fixed addresses", "zone / outcome"]
    show.table(header, rows, empty="")


def _where(server: show.Record, task: show.Record) -> str:
    """Return where a server is, or why it is not there."""
    if server["error"]:
        return show.cause(server["error"], of=task["error"])
    if server["state"] in _NOWHERE:
        return _NOWHERE[server["state"]]
    return show.plain(server["placement"])


def _created(task: show.Record) -> Iterator[str]:
    """Yield a line for each resource that a task has made, except those in the table of servers."""
    launched = task["action"] == "CREATE"
    for kind, resources in task["result"]["made"].items():
        for resource in resources:
            if kind in {"server", "port"} or (launched and resource["server"]):
                continue
            name, id = show.plain(resource["name"]), show.plain(resource["id"])
            yield f"Created {kind.replace('_', ' ')} " + (f"{name} ({id})" if name not in ("", id) else id)
