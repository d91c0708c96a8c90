"""Call every route and every action of the API on a cloud, and print the cloud's own state after each.

    python -m tools.tour                    on the built-in cloud
    python -m tools.tour --cloud lab        on `lab` of clouds.yaml, with `lab-admin` as the operator

It deletes what it creates, and exits with 1 if a call had an unexpected result or a route was not called.
"""

import secrets
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import click

from enamel.model.action import Action
from tools.tour import addresses, catalogue, servers, service, tasks, types
from tools.tour.guide import BY_NAME, Astray, Guide, Stop

CHAPTERS: tuple[Callable[[Guide], None], ...] = (
    catalogue.discovery,
    catalogue.choices,
    catalogue.keypairs,
    catalogue.volumes,
    types.server_types,
    addresses.addresses,
    addresses.orphans,
    servers.life,
    servers.project,
    servers.actions,
    tasks.told,
    tasks.stopped,
)
"""In the order of the tour; the first line of each one's docstring is its heading."""


@click.command()
@click.option(
    "--cloud",
    metavar="NAME",
    help="An entry of clouds.yaml with NAME-admin beside it.  [default: the built-in cloud]",
)
def tour(*, cloud: str | None) -> None:
    """Call every route and every action."""
    began = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="enamel-tour-") as data,
        service.places(cloud, data=Path(data)) as place,
    ):
        guide = Guide(place, name=f"tour-{secrets.token_hex(3)}", tell=_tell)
        try:
            for chapter in CHAPTERS:
                _walk(guide, chapter)
        finally:
            guide.clean_up()
    routes, actions = {stop.route for stop in guide.stops}, {action.value for action in Action}
    left = sorted(set(BY_NAME) - routes) + sorted(actions - guide.actions)
    wrong = [stop for stop in guide.stops if not stop.well]
    click.echo(
        f"\n{len(routes)} of {len(BY_NAME)} routes, {len(guide.actions)} of {len(actions)} actions, {len(guide.stops)} stops "
        f"in {time.monotonic() - began:.0f} s, {len(wrong)} of them not as they should be."
    )
    if left:
        click.echo(f"Left out: {', '.join(left)}.")
    sys.exit(1 if left or wrong else 0)


def _walk(guide: Guide, chapter: Callable[[Guide], None]) -> None:
    """Run one chapter, up to the first unexpected result."""
    click.echo(f"\n{(chapter.__doc__ or '').splitlines()[0]}")
    try:
        chapter(guide)
    except Astray as error:
        click.echo(f"  ! {error}")


def _tell(stop: Stop) -> None:
    click.echo(f"{' ' if stop.well else '!'} {stop.request:<72} {stop.answer:<26} {stop.says}")


tour()
