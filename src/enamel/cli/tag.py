"""`enamel server tag`: the words that servers are marked with, and picked by."""

from collections.abc import Sequence

import click

from enamel.cli import show
from enamel.cli.client import Client, segment
from enamel.cli.pick import find


@click.group()
def tag() -> None:
    """See and change the tags of servers."""


@tag.command(name="list")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def list_(client: Client, *, name: str, as_json: bool) -> None:
    """List the tags of a server, by its NAME or id."""
    found = client.get(_tags(client, name))["tags"]
    if as_json:
        show.as_json({"tags": found})
        return
    _tell(found)


@tag.command()
@click.argument("name")
@click.argument("tags", nargs=-1, required=True)
@click.pass_obj
def add(client: Client, *, name: str, tags: tuple[str, ...]) -> None:
    """Give a server TAGS beside those that it has."""
    path = _tags(client, name)
    for one in tags:
        client.put(f"{path}/{segment(one)}")
    _tell(client.get(path)["tags"])


@tag.command()
@click.argument("name")
@click.argument("tags", nargs=-1, required=True)
@click.pass_obj
def remove(client: Client, *, name: str, tags: tuple[str, ...]) -> None:
    """Take TAGS from a server."""
    path = _tags(client, name)
    for one in tags:
        client.delete(f"{path}/{segment(one)}")
    _tell(client.get(path)["tags"])


@tag.command(name="set")
@click.argument("name")
@click.argument("tags", nargs=-1)
@click.pass_obj
def set_(client: Client, *, name: str, tags: tuple[str, ...]) -> None:
    """Give a server just these TAGS; none at all where none is named."""
    path = _tags(client, name)
    client.put(path, {"tags": list(tags)})
    _tell(client.get(path)["tags"])


def _tags(client: Client, name: str) -> str:
    return f"/servers/{find(client, name)['id']}/tags"


def _tell(tags: Sequence[str]) -> None:
    for one in tags:
        click.echo(show.plain(one))
