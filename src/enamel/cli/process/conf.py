"""`enamel conf`: the configuration, as a sample and as it is in force."""

from pathlib import Path

import click

from enamel.cli import grammar
from enamel.cli.process import options, service


@click.group(cls=grammar.Words)
def conf() -> None:
    """Show the configuration."""


@conf.command("sample")
def sample() -> None:
    """Print a configuration file with every setting, its meaning and its default."""
    from enamel.conf import sample as samples

    click.echo(samples.sample(), nl=False)


@conf.command("show")
@options.config
def show(*, config_files: tuple[Path, ...]) -> None:
    """Print the settings in force, from files and environment, with passwords blanked."""
    from enamel.conf import sample as samples
    from enamel.conf import settings

    click.echo(samples.shown(service.load_settings(settings.service, config_files=config_files)), nl=False)
