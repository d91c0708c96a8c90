"""`enamel template`: what servers can start from."""

import click

from enamel.cli import show
from enamel.cli.client import Client


@click.group()
def template() -> None:
    """See what servers can start from."""


@template.command(name="list")
@click.option(
    "--kind",
    type=click.Choice(["image", "snapshot", "volume"]),
    multiple=True,
    help="Only those of this kind; can be repeated.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def list_(client: Client, *, kind: tuple[str, ...], as_json: bool) -> None:
    """List images, snapshots of servers, and bootable volumes."""
    wanted = ",".join(word.upper() for word in kind) or None
    found = list(client.pages("/templates", "templates", limit=100, kind=wanted))
    if as_json:
        show.as_json({"templates": found})
        return
    rows = [
        (
            show.plain(one["name"]),
            one["kind"],
            show.plain(one["state"]),
            f"{one['needs_disk_gb']} GB" if one["needs_disk_gb"] else "",
            f"{one['needs_memory_mb']} MB" if one["needs_memory_mb"] else "",
            one["id"],
        )
        for one in found
    ]
    header = ["template", "kind", "state", "needs disk", "needs memory", "id"]
    show.table(header, rows, empty="There are no templates.")
