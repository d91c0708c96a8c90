"""`enamel sandbox`: only the built-in cloud."""

from typing import TYPE_CHECKING, Any

import click

from enamel.cli import process

if TYPE_CHECKING:
    from enamel.sandbox.serve import Sandbox


@click.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    help="The port of all services; a free one where not said.",
)
@process.sandbox_options
def sandbox(*, port: int, **options: Any) -> None:
    """Start the built-in cloud alone, and print its clouds.yaml.

    For example: enamel sandbox > clouds.yaml &  OS_CLIENT_CONFIG_FILE=clouds.yaml openstack --os-cloud sandbox server list
    """
    place = process.Place(host="127.0.0.1", port=port)
    process.serve(lambda end: _serve(end, port, options), place=place)


async def _serve(end: process.End, port: int, options: dict[str, Any]) -> None:
    from enamel.sandbox import serve

    settings = process.cloud_settings(options, port=port)
    async with serve.running(settings, rules=process.rules(options)) as cloud:
        announce(cloud)
        await end.wait()


def announce(cloud: "Sandbox") -> None:
    """Print the clouds.yaml, and beside it what to do with it."""
    click.echo(cloud.clouds_yaml())
    click.echo(
        f"The cloud is up at {cloud.url}; what is printed is its clouds.yaml. Stop it with Ctrl-C.", err=True
    )
