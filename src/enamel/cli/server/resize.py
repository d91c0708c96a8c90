"""`enamel server resize`, `resize confirm` and `resize revert`."""

import click

from enamel.cli import options
from enamel.cli.client import Client
from enamel.cli.server.act import act, simple


@click.command()
@click.argument("server")
@click.option("--flavor", "--type", "type", required=True, help="New flavor (server type), by name or id.")
@click.option(
    "--no-confirm",
    is_flag=True,
    help="Leave the server in VERIFY_RESIZE until `resize confirm` or `resize revert`.",
)
@options.waiting
@click.pass_obj
def resize(client: Client, *, server: str, type: str, no_confirm: bool, wait: bool, as_json: bool) -> int:
    """Resize a server to another flavor."""
    fields = {"type": type, "confirm": False if no_confirm else None}
    return act(client, (server,), "RESIZE", fields, wait=wait, as_json=as_json)


confirm = simple("resize confirm", "CONFIRM_RESIZE", "Confirm the resize of servers.")
revert = simple(
    "resize revert", "REVERT_RESIZE", "Revert the resize of servers: they get their previous flavor."
)

COMMANDS = (resize, confirm, revert)
"""Commands of the group `enamel server`."""
