"""`enamel server console` and `diagnostics`: what happens inside a server."""

import click

from enamel.cli import options, show
from enamel.cli.client import Client, segment
from enamel.cli.server.act import path


@click.command("console log")
@click.argument("server")
@click.option(
    "--lines", type=click.IntRange(1, 100_000), help="Only the last N lines. If not set, all lines."
)
@options.as_json
@click.pass_obj
def log(client: Client, *, server: str, lines: int | None, as_json: bool) -> None:
    """Show the console log of a server."""
    text = client.get(f"{path(client, server)}/console_log", lines=lines)
    if as_json:
        show.as_json({"console_log": text})
    else:
        click.echo(text, nl=False)


@click.command("console url")
@click.argument("server")
@click.option(
    "--type",
    default="novnc",
    show_default=True,
    help="Type of the console: novnc, spice, serial, rdp or mks.",
)
@options.as_json
@click.pass_obj
def url(client: Client, *, server: str, type: str, as_json: bool) -> None:
    """Show the URL of a server's remote console."""
    console = client.get(f"{path(client, server)}/consoles/{segment(type)}")
    if as_json:
        show.as_json(console)
    else:
        click.echo(console["uri"])


@click.command()
@click.argument("server")
@options.as_json
@click.pass_obj
def diagnostics(client: Client, *, server: str, as_json: bool) -> None:
    """Show the usage figures of a server; most clouds require the role admin."""
    answer = client.get(f"{path(client, server)}/diagnostics")
    if as_json:
        show.as_json(answer)
        return
    show.facts([(show.plain(name), show.plain(value)) for name, value in answer["diagnostics"].items()])


COMMANDS = (log, url, diagnostics)
"""Commands of the group `enamel server`."""
