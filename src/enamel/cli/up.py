"""`enamel up`: API and worker in one process, on a cloud or on the built-in sandbox."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from enamel.cli import process

if TYPE_CHECKING:
    from enamel.bootstrap import Running
    from enamel.conf.settings import Settings


@click.command()
@click.option("--cloud", metavar="NAME", help="The entry of clouds.yaml to use; OS_CLOUD where not said.")
@click.option("--sandbox", is_flag=True, help="Use the built-in cloud, whatever is configured.")
@click.option("--host", default=None, help="The loopback address to listen on.  [default: 127.0.0.1]")
@click.option("--port", type=int, default=None, help="The port; 0 takes a free one.  [default: 8780]")
@click.option(
    "--data", type=click.Path(path_type=Path), help="Where tasks are kept; ENAMEL_DATA where not said."
)
@click.option("--log-level", default=None, help="The least level that is logged.  [default: WARNING]")
@click.option("--log-json", is_flag=True, default=None, help="Log lines of JSON.")
@process.config_option
@process.sandbox_options
def up(
    *,
    cloud: str | None,
    sandbox: bool,
    host: str | None,
    port: int | None,
    data: Path | None,
    log_level: str | None,
    log_json: bool | None,
    config_files: tuple[Path, ...],
    **more: Any,
) -> None:
    """Start the service: API and worker in one process.

    It works on the cloud that --cloud or OS_CLOUD names, or on the only one of clouds.yaml. Where there is none, it
    starts a small cloud of its own.
    """
    from enamel.conf import settings

    read = partial(
        process.told,
        settings.up,
        config_files=config_files,
        data=data,
        cloud=cloud,
        sandbox=sandbox,
        host=host,
        port=port,
        log_json=log_json,
        log_level=log_level,
    )
    told = read()
    process.log_as(told)
    place = process.Place(host=told.api.host, port=told.api.port)
    process.serve(lambda end: _serve(told, end, more), place=place, reload=lambda: process.log_anew(read))


async def _serve(told: "Settings", end: process.End, options: dict[str, Any]) -> None:
    from enamel import bootstrap

    async with bootstrap.up(
        told, sandbox=process.cloud_settings(options), rules=process.rules(options)
    ) as running:
        click.echo(greeting(running, told))
        await end.wait()
        click.echo("Stopping: what is under way goes on at the next start.")


def greeting(running: "Running", told: "Settings") -> str:
    """Return what is said when the service is up: on which cloud it works, and what to type next."""
    name = running.clouds.names()[0]
    if running.sandbox is None:
        where = f"on the cloud '{name}'"
    elif told.clouds.sandbox:
        where = f"on the built-in cloud at {running.sandbox.url}"
    else:
        where = f"on the built-in cloud at {running.sandbox.url}, because no cloud is configured"
    lines = [f"Enamel is up at {running.url}, {where}.", f"Tasks are kept in {told.data}."]
    if running.sandbox is not None:
        lines.append(
            f"For other programs: OS_CLIENT_CONFIG_FILE={told.data / 'sandbox-clouds.yaml'} OS_CLOUD={name}"
        )
    if running.url != "http://127.0.0.1:8780":
        lines.append(f"In another terminal, first: export ENAMEL_URL={running.url}")
    template, size = ("cirros", "m1.tiny") if running.sandbox else ("IMAGE", "TYPE")
    lines.append(
        f"Try:  enamel server create web --count 3 --template {template} --type {size} --public-address --wait"
    )
    return "\n".join([*lines, "Stop it with Ctrl-C."])
