"""`enamel template`: images, snapshots and volumes that servers can boot from."""

import click

from enamel.cli import grammar, options, show
from enamel.cli.client import Client

COLUMNS: show.Columns = {
    "template": lambda template: show.plain(template["name"]),
    "kind": lambda template: str(template["kind"]),
    "state": lambda template: show.plain(template["state"]),
    "needs disk": lambda template: f"{template['needs_disk_gb']} GB" if template["needs_disk_gb"] else "",
    "needs memory": lambda template: (
        f"{template['needs_memory_mb']} MB" if template["needs_memory_mb"] else ""
    ),
    "id": lambda template: str(template["id"]),
}


@click.group(cls=grammar.OnCloud)
def template() -> None:
    """List templates: images, snapshots and volumes that servers can boot from."""


@template.command(name="list")
@click.option(
    "--kind",
    type=click.Choice(["image", "snapshot", "volume"]),
    multiple=True,
    help="Only templates of this kind. Can be repeated.",
)
@options.as_json
@click.pass_obj
def list_(client: Client, *, kind: tuple[str, ...], as_json: bool) -> None:
    """List images, snapshots of servers, and bootable volumes."""
    kinds = ",".join(word.upper() for word in kind) or None
    templates = list(client.pages("/templates", "templates", limit=100, kind=kinds))
    if as_json:
        show.as_json({"templates": templates})
        return
    show.records(templates, COLUMNS, empty="No templates.")
