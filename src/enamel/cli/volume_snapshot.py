"""`enamel volume snapshot …`: what is on volumes now, kept beside them."""

import click

from enamel.cli import outcome, pick, show
from enamel.cli.client import Client


@click.command()
@click.argument("name")
@click.option("--name", "title", required=True, help="What the snapshot is called.")
@click.option("--description", help="What it is for.")
@click.option("--dry-run", is_flag=True, help="Show the plan, and do nothing.")
@pick.waiting
@click.pass_obj
def snapshot(
    client: Client,
    /,
    *,
    name: str,
    title: str,
    description: str | None,
    dry_run: bool,
    wait: bool,
    as_json: bool,
) -> int:
    """Make a snapshot of the volume with a NAME or id, which may be in use."""
    path = f"/volumes/{pick.volume(client, name)}/snapshots"
    body = {"name": title} | ({"description": description} if description else {})
    if dry_run:
        return outcome.preview(client.post(path, body, dry_run=True), as_json=as_json)
    return outcome.accepted(client, client.post(path, body), wait=wait, as_json=as_json)


@click.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def snapshots(client: Client, *, name: str, as_json: bool) -> None:
    """List the snapshots of the volume with a NAME or id."""
    found = list(client.pages(f"/volumes/{pick.volume(client, name)}/snapshots", "snapshots", limit=100))
    if as_json:
        show.as_json({"snapshots": found})
        return
    rows = [
        (
            show.plain(one["name"]),
            f"{one['size_gb']} GB",
            show.plain(one["state"]),
            one["created_at"] or "",
            one["id"],
        )
        for one in found
    ]
    show.table(["snapshot", "size", "state", "made at", "id"], rows, empty="The volume has no snapshots.")


@click.command(name="delete-snapshot")
@click.argument("name")
@click.argument("which")
@pick.waiting
@click.pass_obj
def delete_snapshot(client: Client, *, name: str, which: str, wait: bool, as_json: bool) -> int:
    """Delete a snapshot of the volume with a NAME or id: WHICH, by its name or id."""
    path = f"/volumes/{pick.volume(client, name)}/snapshots"
    known = list(client.pages(path, "snapshots", limit=1000))
    task = client.delete(f"{path}/{pick.one(known, which, what='snapshot')}")
    return outcome.accepted(client, task, wait=wait, as_json=as_json)
