"""The process of a service: its loop, its signals, and the options of the built-in cloud."""

import asyncio
import errno
import gc
import os
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from enamel.cli.failure import Exit, Failure

if TYPE_CHECKING:
    from enamel.conf.settings import Settings
    from enamel.model.errors import EnamelError
    from enamel.sandbox import faults, kernel

End = asyncio.Event
"""Set when the process has been told to stop."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a service is to listen."""

    host: str
    port: int


def sandbox_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of the built-in cloud."""
    for option in (
        click.option(
            "--faults",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="Faults that the built-in cloud has, from a YAML or JSON file.",
        ),
        click.option("--seed", type=int, default=1, show_default=True, help="The built-in cloud's chance."),
        click.option(
            "--era",
            type=click.Choice(["2012", "2015", "2018", "2022", "2026"]),
            default="2026",
            show_default=True,
            help="The year that the built-in cloud is of: it understands no more than clouds did then.",
        ),
        click.option(
            "--boot-seconds",
            metavar="MIN-MAX",
            default="1-3",
            show_default=True,
            callback=_seconds,
            help="How long the built-in cloud's servers take to start.",
        ),
    ):
        command = option(command)
    return command


def _seconds(_ctx: click.Context, _option: click.Parameter, text: str) -> tuple[float, float]:
    first, _, last = text.partition("-")
    try:
        found = (float(first), float(last or first))
    except ValueError:
        found = (-1.0, -1.0)
    if not 0 <= found[0] <= found[1] <= 3600:
        raise click.BadParameter(f"'{text}' is no time: write seconds, such as 2 or 1-3.")
    return found


def config_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the option that names the INI file."""
    return click.option(
        "--config-file",
        "config_files",
        multiple=True,
        type=click.Path(path_type=Path),
        help="The INI file; /etc/enamel/enamel.conf and ~/.config/enamel.conf where not said. Can be repeated: a later "
        "one goes before an earlier one.",
    )(command)


def told(read: "Callable[..., Settings]", *, config_files: Sequence[Path], **words: Any) -> "Settings":
    """Return the settings that files, environment and command line come to.

    Args:
        read: Reads them, for one role.
        config_files: The files that are named on the command line.
        words: What else the command line says.

    Raises:
        Failure: They have faults.

    """
    from enamel.conf import source
    from enamel.model.errors import EnamelError

    try:
        return read(os.environ, files=config_files or source.default_files(), **words)
    except EnamelError as error:
        raise failure(error) from error


def log_as(told: "Settings", *, stream: TextIO | None = None) -> None:
    """Have the process log as its settings say."""
    from enamel import telemetry

    telemetry.set_up(json=bool(told.log.json), level=told.log.level or "INFO", stream=stream)


def log_anew(read: "Callable[[], Settings]", *, stream: TextIO | None = None) -> None:
    """Read the settings again and log as they say now; where they have faults, go on as before."""
    import structlog

    log = structlog.get_logger(__name__)
    try:
        found = read()
    except Failure as error:
        log.error("log.not_reloaded", why=str(error))
        return
    log_as(found, stream=stream)
    log.info("log.reloaded", least=found.log.level)


def cloud_settings(options: Mapping[str, Any], **more: Any) -> "kernel.Settings":
    """Return what the built-in cloud is to be like."""
    from enamel.sandbox import kernel

    return kernel.Settings(
        seed=options["seed"], boot_seconds=options["boot_seconds"], era=options["era"], **more
    )


def rules(options: Mapping[str, Any]) -> "list[faults.Rule]":
    """Return the faults that the built-in cloud is to have.

    Raises:
        Failure: The file holds none.

    """
    import re

    import msgspec

    from enamel.sandbox import faults

    path = options["faults"]
    if path is None:
        return []
    try:
        return faults.load(path)
    except (OSError, ValueError, msgspec.MsgspecError, re.error) as error:
        raise Failure(f"{path} does not hold faults: {error}", code=Exit.USAGE) from error


def spare_collector() -> None:
    """Have the garbage collector run less often: it would look through ten thousand tasks again and again.

    Next to nothing here needs it; a worker carries out nearly twice as many steps with the processor time it saves.
    """
    gc.set_threshold(20_000, 20, 20)


def serve(
    work: Callable[[End], Awaitable[None]], *, place: Place, reload: Callable[[], None] | None = None
) -> None:
    """Run a service until Ctrl-C or SIGTERM.

    Args:
        work: What to do until the end.
        place: Where it is to listen.
        reload: What to do on SIGHUP.

    Raises:
        Failure: It cannot start.

    """
    import uvloop

    from enamel.model.errors import EnamelError

    async def main() -> None:
        end = End()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, end.set)
        if reload is not None:
            loop.add_signal_handler(signal.SIGHUP, reload)
        await work(end)

    spare_collector()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(main())
    except EnamelError as error:
        raise failure(error) from error
    except OSError as error:
        raise occupied(error, place=place) from error
    except ValueError as error:  # the sandbox listens on loopback only
        raise Failure(str(error), code=Exit.USAGE) from error


def failure(error: "EnamelError") -> Failure:
    """Return the failure that an error of a service's start is on the command line; what is told wrong is usage."""
    from enamel.model.errors import Invalid

    lines = [fault.detail for fault in error.faults] or [error.detail]
    code = Exit.USAGE if isinstance(error, Invalid) else Exit.FAILED
    return Failure(*lines, *filter(None, [error.advice]), code=code)


def occupied(error: OSError, *, place: Place) -> Failure:
    """Return the failure that says what the system refused."""
    if error.errno == errno.EADDRINUSE:
        return Failure(
            f"Something listens on {place.host}:{place.port} already.",
            "Perhaps Enamel is up; if not, choose another port with --port.",
        )
    return Failure(f"The system refused: {error}.")
