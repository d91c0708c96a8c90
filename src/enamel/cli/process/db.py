"""`enamel db`: the schema of the database, and the records of old tasks."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from enamel.cli import grammar
from enamel.cli.failure import Exit, Failure
from enamel.cli.process import options, service

if TYPE_CHECKING:
    from enamel.conf.settings import Settings

T = TypeVar("T")


@click.group(cls=grammar.Words)
def db() -> None:
    """Maintain the database that [store] url names."""


@db.command("upgrade")
@options.config
def upgrade(*, config_files: tuple[Path, ...]) -> None:
    """Upgrade the database to the schema of this version.

    Processes of the previous version can run meanwhile and afterwards.
    """
    from enamel import maintenance

    settings = _settings(config_files)
    _run(lambda: maintenance.upgrade(settings))
    click.echo("The database has the schema of this version.")


@db.command("check")
@options.config
def check(*, config_files: tuple[Path, ...]) -> None:
    """Check whether the database has the schema of this version; exits 1 if it has another."""
    from enamel import maintenance

    settings = _settings(config_files)
    _run(lambda: maintenance.check(settings))
    click.echo("The database has the schema of this version.")


@db.command("history")
@options.config
def history(*, config_files: tuple[Path, ...]) -> None:
    """List the migrations, and whether the database has them."""
    from enamel import maintenance

    settings = _settings(config_files)
    for line in _run(lambda: maintenance.history(settings)):
        click.echo(line)


@db.command("purge")
@click.option(
    "--older-than",
    required=True,
    metavar="AGE",
    help="Shortest time since a task ended, such as 30d or 12h.",
)
@click.option("--dry-run", is_flag=True, help="Count the records and remove none.")
@options.config
def purge(*, older_than: str, dry_run: bool, config_files: tuple[Path, ...]) -> None:
    """Remove the records of tasks that ended long ago; the resources that they made stay."""
    from enamel import maintenance
    from enamel.model import duration

    settings = _settings(config_files)
    try:
        age = duration.parse(older_than)
    except ValueError as error:
        raise Failure(f"--older-than: {error}.", code=Exit.USAGE) from error
    number = _run(lambda: asyncio.run(maintenance.purge(settings, older_than=age, dry_run=dry_run)))
    click.echo(f"{'Would remove' if dry_run else 'Removed'} the records of {number} tasks.")


def _settings(config_files: tuple[Path, ...]) -> "Settings":
    from enamel.conf import settings

    return service.load_settings(settings.service, config_files=config_files)


def _run(work: Callable[[], T]) -> T:
    from enamel.model.errors import EnamelError

    try:
        return work()
    except EnamelError as error:
        raise service.failure(error) from error
