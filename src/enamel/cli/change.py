"""`enamel server rename`, `transfer` and `diagnostics`: what a server is called, whose it is, and what is measured of it."""

import click

from enamel.cli import outcome, show
from enamel.cli.client import Client
from enamel.cli.pick import find, waiting


@click.command()
@click.argument("name")
@click.argument("new_name")
@click.pass_obj
def rename(client: Client, *, name: str, new_name: str) -> None:
    """Call the server with a NAME or id NEW_NAME."""
    client.patch(f"/servers/{find(client, name)['id']}", {"hostname": new_name})
    click.echo(f"Server '{show.plain(name)}' is called '{show.plain(new_name)}' now.")


@click.command()
@click.argument("name")
@click.option("--project", required=True, help="The project that it goes to, by name or id.")
@click.option(
    "--network", help="Where it is plugged in there; the only network of that project where not said."
)
@click.option("--as", "hostname", metavar="NAME", help="What it is called there.")
@click.option("--dry-run", is_flag=True, help="Show the plan, and do nothing.")
@waiting
@click.pass_obj
def transfer(
    client: Client,
    *,
    name: str,
    project: str,
    network: str | None,
    hostname: str | None,
    dry_run: bool,
    wait: bool,
    as_json: bool,
) -> int:
    """Give the server with a NAME or id to another project, in which you have a role, too."""
    wanted = {"project_id": project, "network": network, "hostname": hostname}
    body = {key: value for key, value in wanted.items() if value is not None}
    path = f"/servers/{find(client, name)['id']}"
    if dry_run:
        return outcome.preview(client.patch(path, body, dry_run=True), as_json=as_json)
    return outcome.accepted(client, client.patch(path, body), wait=wait, as_json=as_json)


@click.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def diagnostics(client: Client, *, name: str, as_json: bool) -> None:
    """Show what is measured of the server with a NAME or id; most clouds ask for the role admin."""
    found = client.get(f"/servers/{find(client, name)['id']}/diagnostics")
    if as_json:
        show.as_json(found)
        return
    show.facts([(show.plain(key), show.plain(str(value))) for key, value in found["diagnostics"].items()])


COMMANDS = (rename, transfer, diagnostics)
"""Commands of the group `enamel server`."""
