"""`enamel api`: the API alone, one of several processes."""

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from enamel.cli import process

if TYPE_CHECKING:
    from enamel.conf.settings import Settings


@click.command()
@click.option("--host", default=None, help="The loopback address to listen on.  [default: 127.0.0.1]")
@click.option("--port", type=int, default=None, help="The port; 0 takes a free one.  [default: 8780]")
@click.option("--log-level", default=None, help="The least level that is logged.  [default: INFO]")
@process.config_option
def api(*, host: str | None, port: int | None, log_level: str | None, config_files: tuple[Path, ...]) -> None:
    """Start the API alone, as one of several processes on a shared database.

    Nothing is carried out until a worker runs beside it. SIGTERM has it finish what is under way, SIGHUP has it read
    its log settings anew.
    """
    from enamel.conf import settings

    read = partial(
        process.told,
        settings.service,
        config_files=config_files,
        host=host,
        port=port,
        log_level=log_level,
    )
    told = read()
    process.log_as(told, stream=sys.stdout)
    place = process.Place(host=told.api.host, port=told.api.port)
    reload = partial(process.log_anew, read, stream=sys.stdout)
    process.serve(lambda end: _serve(told, end), place=place, reload=reload)


async def _serve(told: "Settings", end: process.End) -> None:
    from enamel import bootstrap

    async with bootstrap.api(told):
        await end.wait()
