"""`enamel worker`: a worker alone, one of several processes."""

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from enamel.cli import process

if TYPE_CHECKING:
    from enamel.conf.settings import Settings


@click.command()
@click.option(
    "--types",
    metavar="PATTERNS",
    help="The types of tasks to take, as in 'server.*,!server.create'; all where not said.",
)
@click.option("--max_tasks", type=int, default=None, help="How many to have at a time.  [default: 10000]")
@click.option("--log-level", default=None, help="The least level that is logged.  [default: INFO]")
@process.config_option
def worker(
    *, types: str | None, max_tasks: int | None, log_level: str | None, config_files: tuple[Path, ...]
) -> None:
    """Start a worker alone, as one of several processes on a shared database.

    SIGTERM has it hand its tasks over to the others, SIGHUP has it read its log settings anew.
    """
    from enamel.conf import settings

    read = partial(
        process.told,
        settings.service,
        config_files=config_files,
        types=types,
        max_tasks=max_tasks,
        log_level=log_level,
    )
    told = read()
    process.log_as(told, stream=sys.stdout)
    place = process.Place(host=told.health.host, port=told.health.port or 0)
    reload = partial(process.log_anew, read, stream=sys.stdout)
    process.serve(lambda end: _serve(told, end), place=place, reload=reload)


async def _serve(told: "Settings", end: process.End) -> None:
    from enamel import bootstrap

    async with bootstrap.worker(told):
        await end.wait()
