"""Options of the commands that start a process, and what they mean for the built-in cloud."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from enamel.cli import options
from enamel.cli.failure import Exit, Failure

if TYPE_CHECKING:
    from enamel.sandbox import faults, kernel


def config(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the option that names the INI files."""
    return click.option(
        "--config-file",
        "config_files",
        multiple=True,
        type=click.Path(path_type=Path),
        help="INI file; can be repeated, and later files override earlier ones. If not set, /etc/enamel/enamel.conf and "
        "~/.config/enamel.conf.",
    )(command)


def sandbox(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of the built-in cloud."""
    for option in (
        click.option(
            "--faults",
            type=options.FILE,
            help="YAML or JSON file with faults that the built-in cloud injects.",
        ),
        click.option(
            "--seed", type=int, default=1, show_default=True, help="Random seed of the built-in cloud."
        ),
        click.option(
            "--era",
            type=click.Choice(["2012", "2015", "2018", "2022", "2026"]),
            default="2026",
            show_default=True,
            help="Year of the OpenStack release whose APIs the built-in cloud speaks.",
        ),
        click.option(
            "--boot-seconds",
            metavar="MIN-MAX",
            default="1-3",
            show_default=True,
            callback=_seconds,
            help="Seconds that a server of the built-in cloud takes to boot, chosen at random between the two.",
        ),
    ):
        command = option(command)
    return command


def _seconds(_ctx: click.Context, _option: click.Parameter, text: str) -> tuple[float, float]:
    least, _, most = text.partition("-")
    try:
        seconds = (float(least), float(most or least))
    except ValueError:
        seconds = (-1.0, -1.0)
    if not 0 <= seconds[0] <= seconds[1] <= 3600:
        raise click.BadParameter(f"'{text}' is not a range of seconds. Write 2 or 1-3.")
    return seconds


def cloud_settings(given: Mapping[str, Any], **more: Any) -> "kernel.Settings":
    """Return the settings of the built-in cloud."""
    from enamel.sandbox import kernel

    return kernel.Settings(seed=given["seed"], boot_seconds=given["boot_seconds"], era=given["era"], **more)


def rules(given: Mapping[str, Any]) -> "list[faults.Rule]":
    """Return the faults that the built-in cloud injects.

    Raises:
        Failure: The file does not contain faults.

    """
    import re

    import msgspec

    from enamel.sandbox import faults

    path = given["faults"]
    if path is None:
        return []
    try:
        return faults.load(path)
    except (OSError, ValueError, msgspec.MsgspecError, re.error) as error:
        raise Failure(f"{path} does not contain faults: {error}", code=Exit.USAGE) from error
