"""`enamel server rename` and `transfer`."""

import click

from enamel.cli import options, outcome, preview, show
from enamel.cli.client import Client
from enamel.cli.server.act import path


@click.command()
@click.argument("server")
@click.argument("new_name")
@options.as_json
@click.pass_obj
def rename(client: Client, *, server: str, new_name: str, as_json: bool) -> None:
    """Rename a server to NEW_NAME."""
    renamed = client.patch(path(client, server), {"hostname": new_name})
    if as_json:
        show.as_json(renamed)
    else:
        click.echo(f"Renamed server {server} to {new_name}.")


@click.command()
@click.argument("server")
@click.option("--project", required=True, help="Project that gets the server, by name or id.")
@click.option("--network", help="Network in that project, by name or id. If not set, its only network.")
@click.option(
    "--as", "hostname", metavar="NAME", help="Name of the server in that project. If not set, the same name."
)
@options.dry_run
@options.waiting
@click.pass_obj
def transfer(
    client: Client,
    *,
    server: str,
    project: str,
    network: str | None,
    hostname: str | None,
    dry_run: bool,
    wait: bool,
    as_json: bool,
) -> int:
    """Transfer a server to another project, in which you need a role as well."""
    fields = {"project_id": project, "network": network, "hostname": hostname}
    body = {field: value for field, value in fields.items() if value is not None}
    target = path(client, server)
    if dry_run:
        return preview.show_one(client, client.patch(target, body, dry_run=True), as_json=as_json)
    return outcome.accepted(client, client.patch(target, body), wait=wait, as_json=as_json)


COMMANDS = (rename, transfer)
"""Commands of the group `enamel server`."""
