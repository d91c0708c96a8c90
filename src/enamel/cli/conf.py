"""`enamel conf`: the configuration, as a sample and as it is in force."""

from pathlib import Path

import click

from enamel.cli import process


@click.group()
def conf() -> None:
    """Show the configuration."""


@conf.command("sample")
def sample() -> None:
    """Print a configuration file with every setting, its meaning and its default."""
    from enamel.conf import sample as samples

    click.echo(samples.sample(), nl=False)


@conf.command("show")
@process.config_option
def show(*, config_files: tuple[Path, ...]) -> None:
    """Print the settings that files and environment come to; passwords are blanked."""
    from enamel.conf import sample as samples
    from enamel.conf import settings

    click.echo(samples.shown(process.told(settings.service, config_files=config_files)), nl=False)
