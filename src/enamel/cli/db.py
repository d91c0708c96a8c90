"""`enamel db`: the database's schema, and the records of old tasks."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from enamel.cli import process
from enamel.cli.failure import Exit, Failure

if TYPE_CHECKING:
    from enamel.conf.settings import Settings

T = TypeVar("T")


@click.group()
def db() -> None:
    """Look after the database that [store] url names."""


@db.command("upgrade")
@process.config_option
def upgrade(*, config_files: tuple[Path, ...]) -> None:
    """Bring the database to the schema of this version.

    Processes of the version before may run meanwhile, and go on afterwards.
    """
    from enamel import maintenance

    told = _told(config_files)
    _carry_out(lambda: maintenance.upgrade(told))
    click.echo("The database has the schema of this version.")


@db.command("check")
@process.config_option
def check(*, config_files: tuple[Path, ...]) -> None:
    """Tell whether the database has the schema of this version; the exit code is 1 where it has not."""
    from enamel import maintenance

    told = _told(config_files)
    _carry_out(lambda: maintenance.check(told))
    click.echo("The database has the schema of this version.")


@db.command("history")
@process.config_option
def history(*, config_files: tuple[Path, ...]) -> None:
    """List the migrations that there are, and which of them the database has."""
    from enamel import maintenance

    told = _told(config_files)
    for line in _carry_out(lambda: maintenance.history(told)):
        click.echo(line)


@db.command("purge")
@click.option(
    "--older-than",
    required=True,
    metavar="AGE",
    help="How long ago a task must have ended, such as 30d or 12h.",
)
@click.option("--dry-run", is_flag=True, help="Only tell how many there are.")
@process.config_option
def purge(*, older_than: str, dry_run: bool, config_files: tuple[Path, ...]) -> None:
    """Remove the records of tasks that ended long ago; what they made stays."""
    from enamel import maintenance
    from enamel.model import duration

    told = _told(config_files)
    try:
        age = duration.parse(older_than)
    except ValueError as error:
        raise Failure(f"--older-than: {error}.", code=Exit.USAGE) from error
    number = asyncio.run(maintenance.purge(told, older_than=age, dry_run=dry_run))
    click.echo(f"{number} tasks {'could be' if dry_run else 'were'} removed.")


def _told(config_files: tuple[Path, ...]) -> "Settings":
    from enamel.conf import settings

    return process.told(settings.service, config_files=config_files)


def _carry_out(work: Callable[[], T]) -> T:
    from enamel.model.errors import EnamelError

    try:
        return work()
    except EnamelError as error:
        raise process.failure(error) from error
