"""`enamel api`: the API as one of several processes."""

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from enamel.cli.process import options, service

if TYPE_CHECKING:
    from enamel.conf.settings import Settings


@click.command()
@click.option("--host", default=None, help="Loopback address to listen on.  [default: 127.0.0.1]")
@click.option(
    "--port", type=int, default=None, help="Port to listen on; 0 chooses a free one.  [default: 8780]"
)
@click.option("--log-level", default=None, help="Lowest level that is logged.  [default: INFO]")
@options.config
def api(*, host: str | None, port: int | None, log_level: str | None, config_files: tuple[Path, ...]) -> None:
    """Start the API as one of several processes on a shared database.

    Tasks wait until a worker runs. SIGTERM stops the process after its running requests; SIGHUP reloads the log
    settings.
    """
    from enamel.conf import settings

    load = partial(
        service.load_settings,
        settings.service,
        config_files=config_files,
        host=host,
        port=port,
        log_level=log_level,
    )
    loaded = load()
    service.set_up_log(loaded, stream=sys.stdout)
    place = service.Place(host=loaded.api.host, port=loaded.api.port)
    reload = partial(service.reload_log, load, stream=sys.stdout)
    service.serve(lambda end: _serve(loaded, end), place=place, reload=reload)


async def _serve(settings: "Settings", end: service.End) -> None:
    from enamel import bootstrap

    async with bootstrap.api(settings):
        await end.wait()
