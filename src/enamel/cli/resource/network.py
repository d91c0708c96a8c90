"""`enamel network`: networks for servers and addresses."""

import click

from enamel.cli import grammar, options, show
from enamel.cli.client import Client

COLUMNS: show.Columns = {
    "network": lambda network: show.plain(network["name"]),
    "kind": lambda network: ", ".join(word for word in ("external", "shared", "default") if network[word]),
    "subnets": lambda network: ", ".join(subnet["cidr"] for subnet in network["subnets"]),
    "id": lambda network: str(network["id"]),
}


@click.group(cls=grammar.OnCloud)
def network() -> None:
    """List networks for servers and addresses."""


@network.command(name="list")
@click.option(
    "--external/--internal",
    default=None,
    help="Only networks that public addresses come from, or only others.",
)
@options.as_json
@click.pass_obj
def list_(client: Client, *, external: bool | None, as_json: bool) -> None:
    """List the networks that the project can use."""
    external_text = None if external is None else str(external).lower()
    networks = list(client.pages("/networks", "networks", limit=100, external=external_text))
    if as_json:
        show.as_json({"networks": networks})
        return
    show.records(networks, COLUMNS, empty="No networks.")
