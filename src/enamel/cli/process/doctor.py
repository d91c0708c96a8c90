"""`enamel doctor`: whether the clouds of the configuration can be used."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from enamel.cli import options as client_options
from enamel.cli import show
from enamel.cli.failure import Exit
from enamel.cli.process import options, service

if TYPE_CHECKING:
    from enamel.conf.settings import Settings


@click.command()
@click.option(
    "--cloud", metavar="NAME", help="The only entry of clouds.yaml to try. If not set, all entries."
)
@client_options.as_json
@options.config
def doctor(*, cloud: str | None, as_json: bool, config_files: tuple[Path, ...]) -> Exit:
    """Log in to each configured cloud and list a little of every service; exits 1 if something does not work.

    The service need not run: the clouds are tried from here, with the configuration that `enamel up` would read.
    """
    from enamel.conf import settings

    loaded = service.load_settings(settings.up, config_files=config_files, cloud=cloud)
    service.set_up_log(loaded)
    examined = _examined(loaded)
    works = all(check["problem"] is None for cloud in examined for check in cloud["checks"])
    if as_json:
        show.as_json({"works": works, "clouds": examined})
    else:
        _print(examined)
    return Exit.DONE if works else Exit.FAILED


def _examined(settings: "Settings") -> list[show.Record]:
    import msgspec

    from enamel import bootstrap
    from enamel.model.errors import EnamelError

    try:
        records: list[show.Record] = msgspec.to_builtins(asyncio.run(bootstrap.examine_clouds(settings)))
    except EnamelError as error:
        raise service.failure(error) from error
    return records


def _print(examined: list[show.Record]) -> None:
    """Print what was tried, and below it what does not work."""
    checks = [(cloud, check) for cloud in examined for check in cloud["checks"]]
    rows = [
        [
            show.plain(cloud["cloud"]),
            show.plain(cloud["region"] or "-"),
            check["name"],
            "ok" if check["problem"] is None else "FAILED",
            f"{check['seconds']:.1f} s",
            show.plain(check["note"]),
        ]
        for cloud, check in checks
    ]
    show.table(["cloud", "region", "check", "result", "time", "note"], rows, empty="No clouds.")
    for cloud, check in checks:
        problem = check["problem"]
        if problem is not None:
            click.echo(f"{cloud['cloud']}, {check['name']}: {problem['detail']}", err=True)
            click.echo(f"  {problem['remedy']}", err=True)
