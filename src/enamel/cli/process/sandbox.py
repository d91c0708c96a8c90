"""`enamel sandbox`: the built-in cloud alone."""

from typing import TYPE_CHECKING, Any

import click

from enamel.cli.process import options, service

if TYPE_CHECKING:
    from enamel.sandbox.serve import Sandbox


@click.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    help="Port of all services. If not set, a free port.",
)
@options.sandbox
def sandbox(*, port: int, **given: Any) -> None:
    """Start the built-in cloud alone, and print its clouds.yaml.

    For example: enamel sandbox > clouds.yaml &  OS_CLIENT_CONFIG_FILE=clouds.yaml openstack --os-cloud sandbox server list
    """
    service.announce("Starting the built-in cloud …")
    place = service.Place(host="127.0.0.1", port=port)
    service.serve(lambda end: _serve(end, port, given), place=place)


async def _serve(end: service.End, port: int, given: dict[str, Any]) -> None:
    from enamel.sandbox import serve

    settings = options.cloud_settings(given, port=port)
    async with serve.running(settings, rules=options.rules(given)) as cloud:
        announce(cloud)
        await end.wait()


def announce(cloud: "Sandbox") -> None:
    """Print the clouds.yaml, and on standard error what it is."""
    click.echo(cloud.clouds_yaml())
    click.echo(f"The cloud is up at {cloud.url}; this is its clouds.yaml. Stop it with Ctrl-C.", err=True)
