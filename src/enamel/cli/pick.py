"""What commands share: how a thing is found by its name, and the options of what becomes a task."""

from collections.abc import Callable, Sequence
from typing import Any

import click

from enamel.cli.client import Client, segment
from enamel.cli.failure import Exit, Failure


def waiting(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of every command that becomes a task."""
    for option in (
        click.option(
            "--json", "as_json", is_flag=True, help="Print JSON, and nothing else, on standard output."
        ),
        click.option(
            "--wait", is_flag=True, help="Show the progress until the end; the exit code tells of it."
        ),
    ):
        command = option(command)
    return command


def one(known: Sequence[dict[str, Any]], name: str, *, what: str) -> str:
    """Return the id of the one thing that has an id or a name.

    Raises:
        Failure: There is none, or several have the name.

    """
    found = [one["id"] for one in known if one["id"] == name] or [
        one["id"] for one in known if one["name"] == name
    ]
    if len(found) > 1:
        raise Failure(f"{len(found)} {what}s are called '{name}': name one by its id, of {', '.join(found)}.")
    if not found:
        raise Failure(f"There is no {what} '{name}'.")
    return str(found[0])


def volume(client: Client, name: str) -> str:
    """Return the id of the one volume that has a name or an id. Raises Failure."""
    return one(list(client.pages("/volumes", "volumes", limit=1000)), name, what="volume")


def find(client: Client, name: str) -> dict[str, Any]:
    """Return the server that has a name or an id.

    Raises:
        Failure: There is none, or several have the name.

    """
    named = [one for one in client.pages("/servers", "servers", limit=1000) if one["hostname"] == name]
    if len(named) > 1:
        ids = ", ".join(one["id"] for one in named)
        raise Failure(f"{len(named)} servers are called '{name}': name one by its id, of {ids}.")
    if named:
        return dict(named[0])
    try:
        return dict(client.get(f"/servers/{segment(name)}"))
    except Failure as error:
        if error.code is Exit.UNREACHABLE:
            raise
        raise Failure(
            f"There is no server '{name}'.", "`enamel server list` shows those there are."
        ) from None
