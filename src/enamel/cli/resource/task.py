"""`enamel task`: tasks, which every command that changes something on a cloud starts."""

import json
from typing import IO, Any

import click

from enamel.cli import grammar, options, outcome, progress, safe_text, show, step_names, timeline
from enamel.cli.client import Client, segment
from enamel.cli.failure import Exit, Failure

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
    """List, watch, cancel, revert and restart tasks. TASK is an id."""


@task.command(name="list")
@click.option("--all", "everything", is_flag=True, help="Also tasks that have ended.")
@click.option("--state", multiple=True, help="Only tasks in this state, such as RUNNING. Can be repeated.")
@click.option("--type", help="Only tasks of this type, such as server.create.")
@click.option("--server", metavar="ID", help="Only tasks about the server with this id.")
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
    client: Client, /, *, everything: bool, state: tuple[str, ...], limit: int, as_json: bool, **more: Any
) -> None:
    """List the tasks of the project that have not ended."""
    states = ",".join(word.upper() for word in state) or None
    page = client.get("/tasks", limit=limit, all=everything, state=states, **more)
    if as_json:
        show.as_json(page)
        return
    rows = [[text(task) for text in COLUMNS.values()] for task in page["tasks"]]
    empty = "No tasks." if everything else "No running tasks; --all also lists those that have ended."
    show.table(list(COLUMNS), rows, empty=empty)


@task.command(name="show")
@click.argument("task")
@options.as_json
@click.pass_obj
def show_(client: Client, *, task: str, as_json: bool) -> None:
    """Show a task: its servers, its steps, and the number of API calls of each step."""
    path = f"/tasks/{segment(task)}"
    record = client.get(path)
    if as_json:
        show.as_json(record)
        return
    show.facts(
        [
            ("task", record["id"]),
            ("does", f"{record['action']} ({record['type']})"),
            ("state", _state(record)),
            ("steps", f"{record['progress']['done']} of {record['progress']['total']}"),
            ("API calls", str(record["calls"])),
            ("accepted", show.clock(record["created_at"])),
            ("took", show.lasted(record["created_at"], record["ended_at"])),
            ("cloud", show.plain(record["cloud"])),
            ("request", record["request_id"]),
            ("parent", record["parent"] or ""),
        ]
    )
    if record["servers"]:
        outcome.servers(record)
    _steps(client, record)
    if record["notifications"]:
        _webhooks(record)
    if record["error"]:
        for line in show.problem(record["error"]):
            click.echo(line)


def _steps(client: Client, task: show.Record) -> None:
    """Print the steps of a task."""
    path = f"/tasks/{task['id']}"
    names = {node["name"]: step_names.of(node) for node in client.get(f"{path}/plan")["nodes"]}
    rows = [
        (
            show.plain(item["name"]),
            show.plain(names.get(item["name"]) or step_names.of(item)),
            show.state(item["state"]) + (" (uncertain)" if item["uncertain"] else ""),
            str(item["attempt"]),
            show.lasted(item["started_at"], item["ended_at"]),
            str(len(item["calls"])),
            show.plain(item["error"]["detail"] if item["error"] else item["note"]),
        )
        for item in client.pages(f"{path}/items", "items")
    ]
    header = ["step", "does", "state", "attempts", "took", "API calls", ""]
    show.table(header, rows, empty=_without_steps(task))


def _without_steps(task: show.Record) -> str:
    """Return why a task has no steps."""
    if task["type"] == "task.revert" and task["not_before"] and not task["ended_at"]:
        time = show.clock(task["not_before"])
        return f"Waits until {time}, then removes what task {task['parent']} made (its ttl)."
    return "No steps."


@task.command()
@click.argument("task")
@click.option("--after", type=click.IntRange(0), default=0, help="Skip the events up to this number.")
@click.option("--json", "as_json", is_flag=True, help="Print each event as a line of JSON.")
@click.pass_obj
def watch(client: Client, *, task: str, after: int, as_json: bool) -> int:
    """Show the timeline of a task as it happens; exits 1 if the task fails."""
    path = f"/tasks/{segment(task)}"
    lines = timeline.Timeline(client.get(f"{path}/plan"))
    try:
        for event in client.stream(f"{path}/events", after=after):
            click.echo(safe_text.as_json(event) if as_json else lines.line(event))
    except KeyboardInterrupt:
        raise Failure(
            "The task goes on in the background.",
            f"Cancel it: enamel task cancel {task}",
            code=Exit.INTERRUPTED,
        ) from None
    ended = client.get(path)
    if not as_json:
        outcome.result(ended)
    return progress.verdict(ended)


@task.command()
@click.argument("task")
@options.waiting
@click.pass_obj
def cancel(client: Client, *, task: str, wait: bool, as_json: bool) -> int:
    """Cancel a task: stop it between steps and undo what it has made."""
    cancelled = client.post(f"/tasks/{segment(task)}/cancel")
    if not wait:
        return outcome.accepted(client, cancelled, wait=False, as_json=as_json)
    ended = progress.follow(client, cancelled, quiet=as_json)
    if as_json:
        show.as_json(ended)
    else:
        outcome.result(ended)
    left = ended["error"] and ended["error"]["left"]
    # The user asked for the end of the task: that it was aborted is no failure here.
    return Exit.DONE if ended["state"] == "ABORTED" and not left else Exit.FAILED


@task.command()
@click.argument("task")
@options.dry_run
@options.waiting
@click.pass_obj
def revert(client: Client, *, task: str, dry_run: bool, wait: bool, as_json: bool) -> int:
    """Revert a task that has ended: undo what it has made, with a new task."""
    path = f"/tasks/{segment(task)}/revert"
    if dry_run:
        return outcome.preview(client.post(path, dry_run=True), as_json=as_json)
    return outcome.accepted(client, client.post(path), wait=wait, as_json=as_json)


@task.command()
@click.argument("task")
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
        return outcome.preview(client.post(path, body, dry_run=True), as_json=as_json)
    return outcome.accepted(client, client.post(path, body), wait=wait, as_json=as_json)


@task.command()
@click.argument("task")
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
@click.argument("task")
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
@click.argument("task")
@click.option("--webhook", "url", metavar="URL", required=True, help="Webhook of the task.")
@click.option(
    "--secret-file",
    type=click.File(),
    required=True,
    metavar="FILE",
    help="File with the new secret; - reads standard input.",
)
@click.pass_obj
def secret(client: Client, *, task: str, url: str, secret_file: IO[str]) -> None:
    """Change the secret of a webhook; events are signed with the new and the previous one."""
    body = {"url": url, "secret": secret_file.read().strip()}
    _webhooks(client.post(f"/tasks/{segment(task)}/notifications/secret", body))


@task.command()
@click.argument("tasks", metavar="TASK...", nargs=-1, required=True)
@click.pass_obj
def forget(client: Client, *, tasks: tuple[str, ...]) -> None:
    """Delete the records of tasks that have ended; the resources that they made stay."""
    for id in tasks:
        client.delete(f"/tasks/{segment(id)}")
        click.echo(f"Deleted the record of task {id}")


def _state(task: show.Record) -> str:
    return show.state(task["state"]) + (" (rolling back)" if task["reverting"] else "")


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
