"""`enamel server tag`: the tags of servers."""

from collections.abc import Sequence

import click

from enamel.cli import grammar, options, show
from enamel.cli.client import Client, segment
from enamel.cli.server.act import path


@click.group(cls=grammar.OnCloud)
def tag() -> None:
    """Show and change the tags of servers."""


@tag.command(name="list")
@click.argument("server")
@options.as_json
@click.pass_obj
def list_(client: Client, *, server: str, as_json: bool) -> None:
    """List the tags of a server."""
    _print(client.get(_path(client, server))["tags"], as_json=as_json)


@tag.command()
@click.argument("server")
@click.argument("tags", nargs=-1, required=True)
@options.as_json
@click.pass_obj
def add(client: Client, *, server: str, tags: tuple[str, ...], as_json: bool) -> None:
    """Add TAGS to a server."""
    target = _path(client, server)
    for tag in tags:
        client.put(f"{target}/{segment(tag)}")
    _print(client.get(target)["tags"], as_json=as_json)


@tag.command()
@click.argument("server")
@click.argument("tags", nargs=-1, required=True)
@options.as_json
@click.pass_obj
def remove(client: Client, *, server: str, tags: tuple[str, ...], as_json: bool) -> None:
    """Remove TAGS from a server."""
    target = _path(client, server)
    for tag in tags:
        client.delete(f"{target}/{segment(tag)}")
    _print(client.get(target)["tags"], as_json=as_json)


@tag.command(name="set")
@click.argument("server")
@click.argument("tags", nargs=-1)
@options.as_json
@click.pass_obj
def set_(client: Client, *, server: str, tags: tuple[str, ...], as_json: bool) -> None:
    """Replace all tags of a server by TAGS; without TAGS, remove all."""
    target = _path(client, server)
    client.put(target, {"tags": list(tags)})
    _print(client.get(target)["tags"], as_json=as_json)


def _path(client: Client, server: str) -> str:
    return f"{path(client, server)}/tags"


def _print(tags: Sequence[str], *, as_json: bool) -> None:
    if as_json:
        show.as_json({"tags": tags})
        return
    for tag in tags:
        click.echo(tag)
