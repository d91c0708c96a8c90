"""`enamel task`: look at tasks, watch them, end them, undo them, take them up again."""

import json
from typing import IO, Any

import click

from enamel.cli import outcome, progress, show, timeline
from enamel.cli.client import Client, segment
from enamel.cli.failure import Exit, Failure
from enamel.cli.pick import waiting


@click.group()
def task() -> None:
    """Look at tasks, watch them, end them, undo them, take them up again."""


@task.command(name="list")
@click.option("--all", "everything", is_flag=True, help="The ended ones, too.")
@click.option("--state", multiple=True, help="Only those in this state, such as RUNNING; can be repeated.")
@click.option("--type", help="Only those of this command, such as server.create.")
@click.option("--server", help="Only those about the server with this id.")
@click.option(
    "--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many at most."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def list_(
    client: Client, /, *, everything: bool, state: tuple[str, ...], limit: int, as_json: bool, **more: Any
) -> None:
    """List the tasks of the project; the unfinished ones unless asked otherwise."""
    wanted = ",".join(word.upper() for word in state) or None
    page = client.get("/tasks", limit=limit, all=everything, state=wanted, **more)
    if as_json:
        show.as_json(page)
        return
    rows = [
        (
            one["id"],
            one["action"],
            show.state(one["state"]) + (" (undoing)" if one["reverting"] else ""),
            f"{one['progress']['done']}/{one['progress']['total']}",
            show.plain(", ".join(entry["hostname"] for entry in one["servers"][:4])),
            show.clock(one["created_at"]),
            show.lasted(one["created_at"], one["ended_at"]),
        )
        for one in page["tasks"]
    ]
    header = ["task", "does", "state", "steps", "servers", "accepted", "took"]
    empty = "There are no tasks." if everything else "No task is under way; --all shows the ended ones."
    show.table(header, rows, empty=empty)


@task.command(name="show")
@click.argument("id")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def show_(client: Client, *, id: str, as_json: bool) -> None:
    """Show a task with its servers, its steps and the plumbing calls each made."""
    path = f"/tasks/{segment(id)}"
    found = client.get(path)
    if as_json:
        show.as_json(found)
        return
    show.facts(
        [
            ("task", found["id"]),
            ("does", f"{found['action']} ({found['type']})"),
            ("state", show.state(found["state"]) + (" (undoing)" if found["reverting"] else "")),
            ("steps", f"{found['progress']['done']} of {found['progress']['total']}"),
            ("calls", str(found["calls"])),
            ("accepted", show.clock(found["created_at"])),
            ("took", show.lasted(found["created_at"], found["ended_at"])),
            ("cloud", show.plain(found["cloud"])),
            ("request", found["request_id"]),
            ("parent", found["parent"] or ""),
        ]
    )
    if found["servers"]:
        outcome.servers(found)
    rows = [
        (
            show.plain(one["name"]),
            one["action"],
            show.state(one["state"]) + (" (uncertain)" if one["uncertain"] else ""),
            str(one["attempt"]),
            show.lasted(one["started_at"], one["ended_at"]),
            str(len(one["calls"])),
            show.plain(one["error"]["detail"] if one["error"] else one["note"]),
        )
        for one in client.pages(f"{path}/items", "items")
    ]
    show.table(["step", "does", "state", "tries", "took", "calls", ""], rows, empty="It has no steps.")
    if found["notifications"]:
        _notifications(found)
    if found["error"]:
        for line in show.problem(found["error"]):
            click.echo(line)


@task.command()
@click.argument("id")
@click.option("--after", type=click.IntRange(0), default=0, help="Leave out the events up to this number.")
@click.option("--json", "as_json", is_flag=True, help="Print each event as a line of JSON.")
@click.pass_obj
def watch(client: Client, *, id: str, after: int, as_json: bool) -> int:
    """Show a task's timeline as it happens; the exit code tells of its end."""
    path = f"/tasks/{segment(id)}"
    lines = timeline.Timeline(timeline.groups(client.get(f"{path}/plan")))
    try:
        for event in client.stream(f"{path}/events", after=after):
            click.echo(json.dumps(event, ensure_ascii=False) if as_json else lines.line(event))
    except KeyboardInterrupt:
        raise Failure(
            "The task goes on without you.", f"Cancel it: enamel task cancel {id}", code=Exit.INTERRUPTED
        ) from None
    ended = client.get(path)
    if not as_json:
        outcome.result(ended)
    return progress.verdict(ended)


@task.command()
@click.argument("id")
@waiting
@click.pass_obj
def cancel(client: Client, *, id: str, wait: bool, as_json: bool) -> int:
    """Stop a task between steps and undo what it has made."""
    found = client.post(f"/tasks/{segment(id)}/cancel")
    if not wait:
        return outcome.accepted(client, found, wait=False, as_json=as_json)
    ended = progress.follow(client, found, quiet=as_json)
    if as_json:
        show.as_json(ended)
    else:
        outcome.result(ended)
    left = ended["error"] and ended["error"]["left"]
    # What was asked for is the end of the task: that it was aborted is no failure here.
    return Exit.DONE if ended["state"] == "ABORTED" and not left else Exit.FAILED


@task.command()
@click.argument("id")
@click.option("--dry-run", is_flag=True, help="Show what would go, and do nothing.")
@waiting
@click.pass_obj
def revert(client: Client, *, id: str, dry_run: bool, wait: bool, as_json: bool) -> int:
    """Undo what an ended task has made, with a new task."""
    path = f"/tasks/{segment(id)}/revert"
    if dry_run:
        return outcome.preview(client.post(path, dry_run=True), as_json=as_json)
    return outcome.accepted(client, client.post(path), wait=wait, as_json=as_json)


@task.command()
@click.argument("id")
@click.option(
    "--from", "start", metavar="STEP", help="A step to begin with; else all that is missing is made."
)
@click.option("--dry-run", is_flag=True, help="Show what would be done, and do nothing.")
@waiting
@click.pass_obj
def restart(client: Client, *, id: str, start: str | None, dry_run: bool, wait: bool, as_json: bool) -> int:
    """Take up a task that failed, with a new task: what is there stays, what is missing is made."""
    path, body = f"/tasks/{segment(id)}/restart", {"from": start} if start else {}
    if dry_run:
        return outcome.preview(client.post(path, body, dry_run=True), as_json=as_json)
    return outcome.accepted(client, client.post(path, body), wait=wait, as_json=as_json)


@task.command()
@click.argument("id")
@click.option("--webhook", "url", metavar="URL", help="Only this one of the task's webhooks.")
@click.option(
    "--after",
    type=click.IntRange(0),
    help="Begin after the event of this number; 0 for all. Else what failed goes on, and what was told begins again.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def replay(client: Client, *, id: str, url: str | None, after: int | None, as_json: bool) -> None:
    """Tell a task's webhooks of its events again, or go on where that failed."""
    wanted = {name: value for name, value in (("url", url), ("after", after)) if value is not None}
    found = client.post(f"/tasks/{segment(id)}/notifications/replay", wanted)
    if as_json:
        show.as_json(found)
    else:
        _notifications(found)


@task.command()
@click.argument("id")
@click.option("--webhook", "url", metavar="URL", required=True, help="Which of the task's webhooks.")
@click.option(
    "--secret-file",
    type=click.File(),
    required=True,
    metavar="FILE",
    help="The file with it; - for standard input.",
)
@click.pass_obj
def secret(client: Client, *, id: str, url: str, secret_file: IO[str]) -> None:
    """Sign what a webhook is sent with a new secret, beside the one before."""
    wanted = {"url": url, "secret": secret_file.read().strip()}
    _notifications(client.post(f"/tasks/{segment(id)}/notifications/secret", wanted))


@task.command()
@click.argument("ids", nargs=-1, required=True)
@click.pass_obj
def forget(client: Client, *, ids: tuple[str, ...]) -> None:
    """Forget tasks that have ended, by their IDS; what they made stays."""
    for id in ids:
        client.delete(f"/tasks/{segment(id)}")
        click.echo(f"Task {id} is forgotten.")


def _notifications(found: Any) -> None:
    """Print how far a task's webhooks are."""
    rows = [
        (
            show.plain(one["url"]),
            show.state(one["state"]),
            str(one["sent"]),
            str(one["attempts"]),
            show.clock(one["next_at"]) if one["attempts"] else "",
            show.plain(one["last_error"] or ""),
        )
        for one in found["notifications"]
    ]
    show.table(["webhook", "state", "events", "tries", "next", ""], rows, empty="It tells no webhooks.")
