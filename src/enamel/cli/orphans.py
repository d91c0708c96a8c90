"""`enamel orphans`: what belongs to nobody on a cloud, and how it goes."""

from collections.abc import Callable, Mapping
from typing import Any

import click

from enamel.cli import outcome, progress, show
from enamel.cli.client import Client
from enamel.cli.failure import Exit
from enamel.cli.pick import waiting

KINDS = ("server", "address", "port", "volume", "security_group", "server_group", "network")


def _filters(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say which orphans are meant."""
    for option in (
        click.option(
            "--foreign", is_flag=True, help="Also what tasks have made that this service does not know."
        ),
        click.option("--min-age", metavar="AGE", help="Only what is so old, as in 30m or 2d."),
        click.option(
            "--kind", multiple=True, type=click.Choice(KINDS), help="Only this kind; can be repeated."
        ),
    ):
        command = option(command)
    return command


@click.group(invoke_without_command=True)
@_filters
@click.option("--proposed", is_flag=True, help="Only what a clean-up would take away.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
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
    """List what belongs to nobody: what tasks have left behind, and what nothing uses."""
    if context.invoked_subcommand is not None:
        return
    client: Client = context.obj
    found = list(
        client.pages(
            "/orphans",
            "orphans",
            limit=1000,
            kind=",".join(kind) or None,
            min_age=min_age,
            foreign=foreign,
            proposed=proposed,
        )
    )
    if as_json:
        show.as_json({"orphans": found})
        return
    rows = [
        (
            one["kind"],
            show.plain(one["name"]),
            _age(one["age"]),
            one["why"],
            show.clock(one["seen_since"]),
            one["would"] if one["proposed"] else f"nothing yet: waits for {one['waits_for']}",
            one["id"],
        )
        for one in found
    ]
    header = ["kind", "name", "age", "why", "seen since", "a clean-up would", "id"]
    show.table(header, rows, empty="There is nothing that belongs to nobody.")
    if found and any(one["proposed"] for one in found):
        click.echo("Have it taken away: enamel orphans clean, with ids or --kind for what is merely UNUSED.")


@orphans.command()
@click.argument("ids", nargs=-1)
@_filters
@click.option("--dry-run", is_flag=True, help="Show the plan, and do nothing.")
@waiting
@click.pass_obj
def clean(
    client: Client,
    *,
    ids: tuple[str, ...],
    kind: tuple[str, ...],
    min_age: str | None,
    foreign: bool,
    dry_run: bool,
    wait: bool,
    as_json: bool,
) -> int:
    """Take away what is proposed: all that tasks have left behind, or just some IDS, or all of some kinds."""
    body = {
        **({"ids": list(ids)} if ids else {}),
        **({"kinds": list(kind)} if kind else {}),
        **({"min_age": min_age} if min_age else {}),
        **({"foreign": True} if foreign else {}),
    }
    if dry_run:
        return outcome.preview(client.post("/orphans/clean", body, dry_run=True), as_json=as_json)
    task = client.post("/orphans/clean", body)
    if not wait or as_json:
        return outcome.accepted(client, task, wait=wait, as_json=as_json)
    ended = progress.follow(client, task)
    _tell(ended)
    return progress.verdict(ended)


def _tell(ended: Mapping[str, Any]) -> Exit:
    """Tell what has become of each thing."""
    data = ended["result"]["data"]
    rows = [
        (one["kind"], show.plain(one["name"]), word, show.plain(one.get("why", "")), one["id"])
        for word in ("removed", "kept", "gone")
        for one in data.get(word, ())
    ]
    show.table(["kind", "name", "was", "because", "id"], rows, empty="There was nothing to clean up.")
    outcome.result(ended)
    return Exit.DONE


def _age(seconds: int) -> str:
    """Return an age in its largest whole unit."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
