"""`enamel task`: tasks, which every command that changes something on a cloud starts."""

import json
from typing import IO, Any

import click

from enamel.cli import (
    confirm,
    grammar,
    lookup,
    options,
    outcome,
    preview,
    progress,
    safe_text,
    show,
    timeline,
)
from enamel.cli.client import Client, segment
from enamel.cli.failure import Exit
from enamel.cli.resource import task_steps

COLUMNS: show.Columns = {
    "task": lambda task: str(task["id"]),
    "does": lambda task: str(task["action"]),
    "state": lambda task: _state(task),
    "steps": lambda task: f"{task['progress']['done']}/{task['progress']['total']}",
    "servers": lambda task: show.listed(server["hostname"] for server in task["servers"][:4]),
    "accepted": lambda task: show.clock(task["created_at"]),
    "took": lambda task: show.lasted(task["created_at"], task["ended_at"]),
}


def _json(_ctx: click.Context, _option: click.Parameter, text: str | None) -> Any:
    try:
        return None if text is None else json.loads(text)
    except ValueError as error:
        raise click.BadParameter(f"'{text}' is not JSON: {error}.") from error


@click.group(cls=grammar.Words)
def task() -> None:
    """List, watch, cancel, revert and restart tasks.

    TASK is an id, the beginning of one that no other task has, or `last` for the task that was accepted last.
    """


@task.command(name="list")
@click.option("--all", "everything", is_flag=True, help="Also tasks that have ended.")
@click.option("--state", multiple=True, help="Only tasks in this state, such as RUNNING. Can be repeated.")
@click.option("--type", help="Only tasks of this type, such as server.create.")
@click.option(
    "--server", metavar="SERVER", help="Only tasks about this server, by its name or id, existing or not."
)
@click.option(
    "--limit",
    type=click.IntRange(1, 1000),
    default=20,
    show_default=True,
    help="Most tasks to list, the newest first.",
)
@options.as_json
@click.pass_obj
def list_(
    client: Client,
    *,
    everything: bool,
    state: tuple[str, ...],
    type: str | None,
    server: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """List the tasks of the project that have not ended."""
    states = ",".join(word.upper() for word in state) or None
    filters = {"all": everything, "state": states, "type": type}
    if server is None:
        page = client.get("/tasks", limit=limit, **filters)
    else:
        page = {"tasks": lookup.tasks_of(client, server, limit=limit, **filters)}
    if as_json:
        show.as_json(page)
        return
    rows = [[text(task) for text in COLUMNS.values()] for task in page["tasks"]]
    empty = "No tasks." if everything else "No running tasks; --all also lists those that have ended."
    show.table(list(COLUMNS), rows, empty=empty)


@task.command(name="show")
@options.task
@click.option(
    "--items", is_flag=True, help="Show all that is known of each step: times, what it made, its error."
)
@click.option(
    "--calls", is_flag=True, help="Show each API call of the steps: when it was sent, and what came back."
)
@options.as_json
@click.pass_obj
def show_(client: Client, *, task: str, items: bool, calls: bool, as_json: bool) -> None:
    """Show a task: its servers, its steps, and the number of API calls of each step."""
    record = client.get(f"/tasks/{segment(task)}")
    if as_json:
        more = {"items": task_steps.items(client, record)} if items or calls else {}
        show.as_json({**record, **more})
        return
    show.facts(_facts(record))
    if record["servers"]:
        outcome.servers(record)
    task_steps.show_steps(client, record, in_full=items, calls=calls)
    if record["notifications"]:
        _webhooks(record)
    if record["error"]:
        for line in show.problem(record["error"]):
            click.echo(line)


def _facts(task: show.Record) -> list[tuple[str, str]]:
    """Return what is known of a task as a whole."""
    return [
        ("task", task["id"]),
        ("does", f"{task['action']} ({task['type']})"),
        ("state", _state(task)),
        ("steps", f"{task['progress']['done']} of {task['progress']['total']}"),
        ("API calls", str(task["calls"])),
        ("accepted", show.clock(task["created_at"])),
        ("took", show.lasted(task["created_at"], task["ended_at"])),
        ("cloud", show.plain(task["cloud"])),
        ("request", task["request_id"]),
        ("parent", task["parent"] or ""),
    ]


@task.command()
@options.task
@click.option("--after", type=click.IntRange(0), default=0, help="Skip the events up to this number.")
@click.option("--json", "as_json", is_flag=True, help="Print each event as a line of JSON.")
@click.pass_obj
def watch(client: Client, *, task: str, after: int, as_json: bool) -> int:
    """Show the timeline of a task as it happens; exits 1 if the task fails."""
    record = client.get(f"/tasks/{segment(task)}")
    lines = timeline.Timeline(client.get(f"/tasks/{record['id']}/plan"))
    for event in progress.watch(client, record, after=after):
        if isinstance(event, str):
            click.echo(event, err=True)
        else:
            click.echo(safe_text.as_json(event) if as_json else lines.line(event))
    ended = client.get(f"/tasks/{record['id']}")
    if not as_json:
        outcome.result(ended)
    return progress.verdict(ended)


@task.command()
@options.task
@options.waiting
@click.pass_obj
def cancel(client: Client, *, task: str, wait: bool, as_json: bool) -> int:
    """Cancel a task: stop it between steps and undo what it has made."""
    cancelled = client.post(f"/tasks/{segment(task)}/cancel")
    if not wait:
        return outcome.accepted(client, cancelled, wait=False, as_json=as_json)
    ended = progress.follow(client, cancelled, as_json=as_json)
    if as_json:
        show.as_json(ended)
    else:
        outcome.result(ended)
    left = ended["error"] and ended["error"]["left"]
    # The user asked for the end of the task: that it was aborted is no failure here.
    return Exit.DONE if ended["state"] == "ABORTED" and not left else Exit.FAILED


@task.command()
@options.task
@options.yes
@options.dry_run
@options.waiting
@click.pass_obj
def revert(client: Client, *, task: str, yes: bool, dry_run: bool, wait: bool, as_json: bool) -> int:
    """Revert a task that has ended: undo what it has made, with a new task."""
    path = f"/tasks/{segment(task)}/revert"
    if dry_run:
        return preview.show_one(client, client.post(path, dry_run=True), as_json=as_json)
    confirm.destroying(lambda: preview.losses(client, [client.post(path, dry_run=True)]), yes=yes)
    return outcome.accepted(client, client.post(path), wait=wait, as_json=as_json)


@task.command()
@options.task
@click.option(
    "--from", "start", metavar="STEP", help="Step to start from. If not set, all missing resources are made."
)
@options.dry_run
@options.waiting
@click.pass_obj
def restart(client: Client, *, task: str, start: str | None, dry_run: bool, wait: bool, as_json: bool) -> int:
    """Restart a task that failed, with a new task: existing resources stay, missing ones are made."""
    path, body = f"/tasks/{segment(task)}/restart", {"from": start} if start else {}
    if dry_run:
        return preview.show_one(client, client.post(path, body, dry_run=True), as_json=as_json)
    return outcome.accepted(client, client.post(path, body), wait=wait, as_json=as_json)


@task.command()
@options.task
@click.argument("name")
@click.option("--data", metavar="JSON", callback=_json, help="Data of the signal, in JSON. If not set, none.")
@options.as_json
@click.pass_obj
def signal(client: Client, *, task: str, name: str, data: Any, as_json: bool) -> None:
    """Send the signal NAME to a step of a task that waits for it."""
    body = {} if data is None else {"data": data}
    answer = client.post(f"/tasks/{segment(task)}/signals/{segment(name)}", body)
    if as_json:
        show.as_json(answer)
    else:
        click.echo(f"Sent signal {name} to task {task}")


@task.command()
@options.task
@click.option(
    "--webhook", "url", metavar="URL", help="Only this webhook of the task. If not set, all of them."
)
@click.option(
    "--after",
    type=click.IntRange(0),
    help="Send the events after this number; 0 sends all. If not set, a webhook that failed continues where it failed, "
    "and one that got everything gets everything again.",
)
@options.as_json
@click.pass_obj
def replay(client: Client, *, task: str, url: str | None, after: int | None, as_json: bool) -> None:
    """Send a task's events to its webhooks again, or continue where sending failed."""
    body = {name: value for name, value in (("url", url), ("after", after)) if value is not None}
    answer = client.post(f"/tasks/{segment(task)}/notifications/replay", body)
    if as_json:
        show.as_json(answer)
    else:
        _webhooks(answer)


@task.command()
@options.task
@click.option("--webhook", "url", metavar="URL", required=True, help="Webhook of the task.")
@click.option(
    "--secret-file",
    type=click.File(),
    required=True,
    metavar="FILE",
    help="File with the new secret; - reads standard input.",
)
@options.as_json
@click.pass_obj
def secret(client: Client, *, task: str, url: str, secret_file: IO[str], as_json: bool) -> None:
    """Change the secret of a webhook; events are signed with the new and the previous one."""
    body = {"url": url, "secret": secret_file.read().strip()}
    answer = client.post(f"/tasks/{segment(task)}/notifications/secret", body)
    if as_json:
        show.as_json(answer)
    else:
        _webhooks(answer)


@task.command()
@options.tasks
@options.as_json
@click.pass_obj
def forget(client: Client, *, tasks: tuple[str, ...], as_json: bool) -> None:
    """Delete the records of tasks that have ended; the resources that they made stay."""
    paths = {id: f"/tasks/{segment(id)}" for id in tasks}
    outcome.deleted(client, paths, "the record of task", as_json=as_json)


def _state(task: show.Record) -> str:
    more = " (rolling back)" if task["reverting"] else f" until {_start(task)}" if _start(task) else ""
    return show.state(task["state"]) + more


def _start(task: show.Record) -> str:
    """Return when a task begins, if it waits for that."""
    waits = task["not_before"] and not task["started_at"] and not task["ended_at"]
    return show.clock(task["not_before"]) if waits else ""


def _webhooks(answer: show.Record) -> None:
    """Print how many events each webhook of a task has got."""
    rows = [
        (
            show.plain(webhook["url"]),
            show.state(webhook["state"]),
            str(webhook["sent"]),
            str(webhook["attempts"]),
            show.clock(webhook["next_at"]) if webhook["attempts"] else "",
            show.plain(webhook["last_error"] or ""),
        )
        for webhook in answer["notifications"]
    ]
    show.table(["webhook", "state", "events", "attempts", "next", ""], rows, empty="No webhooks.")
