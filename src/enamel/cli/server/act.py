"""An action on servers: one task for each of them."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import click

from enamel.cli import lookup, options, outcome
from enamel.cli.client import Client


def act(
    client: Client,
    names: Sequence[str],
    action: str,
    fields: Mapping[str, Any] | None = None,
    *,
    wait: bool,
    as_json: bool,
) -> int:
    """Start an action on servers; all of them are looked up before the first one changes."""
    given = {field: value for field, value in (fields or {}).items() if value is not None}
    paths = dict.fromkeys(path(client, name) for name in names)
    requests = [partial(client.post, f"{path}/tasks", {"action": action, **given}) for path in paths]
    return outcome.submit(client, requests, wait=wait, as_json=as_json)


def path(client: Client, name: str) -> str:
    """Return the path of the server that has a name or an id. Raises Failure."""
    return f"/servers/{lookup.server(client, name)['id']}"


def simple(name: str, action: str, summary: str) -> click.Command:
    """Return the command of an action that needs nothing but servers."""

    def run(client: Client, *, servers: tuple[str, ...], wait: bool, as_json: bool) -> int:
        return act(client, servers, action, wait=wait, as_json=as_json)

    command = options.waiting(click.pass_obj(run))
    return click.command(name, help=summary)(
        click.argument("servers", metavar="SERVER...", nargs=-1, required=True)(command)
    )
