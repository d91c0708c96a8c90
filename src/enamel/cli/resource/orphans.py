"""`enamel orphans`: resources on a cloud that no task and no server needs any more."""

from collections.abc import Callable
from typing import Any

import click

from enamel.cli import confirm, grammar, options, outcome, preview, progress, show
from enamel.cli.client import Client

KINDS = ("server", "address", "port", "volume", "security_group", "server_group", "network")
COLUMNS: show.Columns = {
    "kind": lambda orphan: str(orphan["kind"]).lower(),
    "name": lambda orphan: show.plain(orphan["name"]),
    "age": lambda orphan: _age(orphan["age"]),
    "why": lambda orphan: str(orphan["why"]),
    "seen since": lambda orphan: show.clock(orphan["seen_since"]),
    "a clean-up would": lambda orphan: _would(orphan),
    "id": lambda orphan: str(orphan["id"]),
}


def _filters(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that select orphans."""
    for option in (
        click.option(
            "--foreign",
            is_flag=True,
            help="Also resources of tasks that this service does not know, such as those of another Enamel.",
        ),
        click.option(
            "--min-age", metavar="AGE", help="Only orphans of this age or older, such as 30m or 2d."
        ),
        click.option(
            "--kind",
            multiple=True,
            type=click.Choice(KINDS, case_sensitive=False),
            help="Only orphans of this kind. Can be repeated.",
        ),
    ):
        command = option(command)
    return command


@click.group(cls=grammar.OnCloud, invoke_without_command=True)
@_filters
@click.option("--proposed", is_flag=True, help="Only orphans that a clean-up would remove.")
@options.as_json
@click.pass_context
def orphans(
    context: click.Context,
    /,
    *,
    kind: tuple[str, ...],
    min_age: str | None,
    foreign: bool,
    proposed: bool,
    as_json: bool,
) -> None:
    """List orphans: resources that tasks left behind, and resources that nothing uses."""
    if context.invoked_subcommand is not None:
        return
    client: Client = context.obj
    filters = {
        "kind": ",".join(kind).upper() or None,
        "min_age": min_age,
        "foreign": foreign,
        "proposed": proposed,
    }
    orphans = list(client.pages("/orphans", "orphans", limit=1000, **filters))
    if as_json:
        show.as_json({"orphans": orphans})
        return
    show.records(orphans, COLUMNS, empty="No orphans found.")
    if any(orphan["proposed"] for orphan in orphans):
        click.echo("Remove them: enamel orphans clean. Orphans that are UNUSED need their ids or --kind.")


grammar.cloud_option(orphans)


@orphans.command()
@click.argument("ids", nargs=-1)
@_filters
@options.yes
@options.dry_run
@options.waiting
@click.pass_obj
def clean(
    client: Client,
    *,
    ids: tuple[str, ...],
    kind: tuple[str, ...],
    min_age: str | None,
    foreign: bool,
    yes: bool,
    dry_run: bool,
    wait: bool,
    as_json: bool,
) -> int:
    """Remove the orphans that are proposed: all that tasks left behind, or only some IDS, or all of some kinds."""
    body = {
        **({"ids": list(ids)} if ids else {}),
        **({"kinds": [word.upper() for word in kind]} if kind else {}),
        **({"min_age": min_age} if min_age else {}),
        **({"foreign": True} if foreign else {}),
    }
    if dry_run:
        return preview.show_one(client, client.post("/orphans/clean", body, dry_run=True), as_json=as_json)
    confirm.destroying(
        lambda: preview.losses(client, [client.post("/orphans/clean", body, dry_run=True)]), yes=yes
    )
    task = client.post("/orphans/clean", body)
    if not wait or as_json:
        return outcome.accepted(client, task, wait=wait, as_json=as_json)
    ended = progress.follow(client, task)
    _report(ended)
    return progress.verdict(ended)


def _report(task: show.Record) -> None:
    """Print what became of each orphan."""
    data = task["result"]["data"]
    rows = [
        (
            orphan["kind"].lower(),
            show.plain(orphan["name"]),
            fate,
            show.plain(orphan.get("why", "")),
            orphan["id"],
        )
        for fate in ("removed", "kept", "gone")
        for orphan in data.get(fate, ())
    ]
    show.table(["kind", "name", "outcome", "reason", "id"], rows, empty="Nothing to clean up.")
    outcome.result(task)


def _would(orphan: show.Record) -> str:
    if orphan["proposed"]:
        return str(orphan["would"])
    return f"do nothing yet: waits for {orphan['waits_for']}"


def _age(seconds: int) -> str:
    """Return an age in its largest whole unit."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
