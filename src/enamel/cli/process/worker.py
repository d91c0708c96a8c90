"""`enamel worker`: a worker as one of several processes."""

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from enamel.cli.process import options, service

if TYPE_CHECKING:
    from enamel.conf.settings import Settings


@click.command()
@click.option(
    "--types",
    metavar="PATTERNS",
    help="Types of tasks to claim, such as 'server.*,!server.create'. If not set, all types.",
)
@click.option("--max-tasks", type=int, default=None, help="Most tasks at the same time.  [default: 10000]")
@click.option("--log-level", default=None, help="Lowest level that is logged.  [default: INFO]")
@options.config
def worker(
    *, types: str | None, max_tasks: int | None, log_level: str | None, config_files: tuple[Path, ...]
) -> None:
    """Start a worker as one of several processes on a shared database.

    SIGTERM stops the process after it has handed its tasks to other workers; SIGHUP reloads the log settings.
    """
    from enamel.conf import settings

    load = partial(
        service.load_settings,
        settings.service,
        config_files=config_files,
        types=types,
        max_tasks=max_tasks,
        log_level=log_level,
    )
    loaded = load()
    service.set_up_log(loaded, stream=sys.stdout)
    place = service.Place(host=loaded.health.host, port=loaded.health.port or 0)
    reload = partial(service.reload_log, load, stream=sys.stdout)
    service.serve(lambda end: _serve(loaded, end), place=place, reload=reload)


async def _serve(settings: "Settings", end: service.End) -> None:
    from enamel import bootstrap

    async with bootstrap.worker(settings):
        await end.wait()
