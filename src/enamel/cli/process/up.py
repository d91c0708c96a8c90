"""`enamel up`: API and worker in one process, on the configured clouds or on the built-in one."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from enamel.cli import client, show
from enamel.cli.process import options, service

if TYPE_CHECKING:
    from enamel.bootstrap import Running
    from enamel.conf.settings import Settings


@click.command()
@click.option(
    "--cloud", metavar="NAME", help="The only entry of clouds.yaml to offer. If not set, all entries."
)
@click.option("--sandbox", is_flag=True, help="Use the built-in cloud even if other clouds are configured.")
@click.option("--host", default=None, help="Loopback address to listen on.  [default: 127.0.0.1]")
@click.option(
    "--port", type=int, default=None, help="Port to listen on; 0 chooses a free one.  [default: 8780]"
)
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="Data directory, where tasks are kept. If not set, ENAMEL_DATA or ~/.local/share/enamel.",
)
@click.option("--log-level", default=None, help="Lowest level that is logged.  [default: WARNING]")
@click.option("--log-json", is_flag=True, default=None, help="Log in JSON.")
@options.config
@options.sandbox
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

    It offers all entries of clouds.yaml. Requests that name no cloud use the default one: [clouds] default, or OS_CLOUD,
    or the first entry. If no cloud is configured, it starts the built-in cloud.
    """
    service.announce("Starting Enamel …")
    from enamel.conf import settings

    load = partial(
        service.load_settings,
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
    loaded = load()
    service.set_up_log(loaded)
    place = service.Place(host=loaded.api.host, port=loaded.api.port)
    service.serve(lambda end: _serve(loaded, end, more), place=place, reload=lambda: service.reload_log(load))


async def _serve(settings: "Settings", end: service.End, given: dict[str, Any]) -> None:
    from enamel import bootstrap

    async with bootstrap.up(
        settings, sandbox=options.cloud_settings(given), rules=options.rules(given)
    ) as running:
        click.echo(greeting(running, settings))
        await end.wait()
        if running.sandbox is None:
            click.echo("Stopping. Unfinished tasks continue at the next start.")
        else:
            click.echo("Stopping. The built-in cloud ends with all its servers.")


def greeting(running: "Running", settings: "Settings") -> str:
    """Return the first lines of a service: its URL, its clouds, and what to type next."""
    names = running.clouds.names()
    if running.sandbox is None:
        others = "".join(f", '{name}'" for name in names[1:])
        clouds = f"on the clouds '{names[0]}' (default){others}" if others else f"on the cloud '{names[0]}'"
    elif settings.clouds.sandbox:
        clouds = f"on the built-in cloud at {running.sandbox.url}"
    else:
        clouds = f"on the built-in cloud at {running.sandbox.url}, because no cloud is configured"
    lines = [f"Enamel is up at {running.url}, {clouds}.", f"Tasks are kept in {settings.data}."]
    if running.sandbox is not None:
        file = settings.data / "sandbox-clouds.yaml"
        lines.append(f"For other programs: OS_CLIENT_CONFIG_FILE={file} OS_CLOUD={names[0]}")
    if running.url != client.DEFAULT_URL:
        lines.append(f"In another terminal, first: export ENAMEL_URL={running.url}")
    image, flavor = ("cirros", "m1.tiny") if running.sandbox else ("IMAGE", "FLAVOR")
    words = f"server create web --count 3 --image {image} --flavor {flavor} --public-address --wait"
    lines.append("Try:  " + show.command(words))
    return "\n".join([*lines, "Stop it with Ctrl-C."])
