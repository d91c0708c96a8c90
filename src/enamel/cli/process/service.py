"""The process of a service: its settings, its log, its loop and its signals."""

import asyncio
import errno
import gc
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from enamel.cli.failure import Exit, Failure

if TYPE_CHECKING:
    from enamel.conf.settings import Settings
    from enamel.model.errors import EnamelError

End = asyncio.Event
"""Set when the process is to stop."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a service listens."""

    host: str
    port: int


def announce(text: str) -> None:
    """Tell a person at a terminal what takes a moment now: the program's parts are loaded, and a store is opened."""
    if sys.stderr.isatty():
        click.echo(text, err=True)


def load_settings(
    read: "Callable[..., Settings]", *, config_files: Sequence[Path], **values: Any
) -> "Settings":
    """Return the settings from files, environment and command line.

    Args:
        read: Reads the settings of one role.
        config_files: The files that the command line names.
        values: Everything else that the command line sets.

    Raises:
        Failure: Some settings are wrong.

    """
    from enamel.conf import source
    from enamel.model.errors import EnamelError

    try:
        return read(os.environ, files=config_files or source.default_files(), **values)
    except EnamelError as error:
        raise failure(error) from error


def set_up_log(settings: "Settings", *, stream: TextIO | None = None) -> None:
    """Log as the settings say."""
    from enamel import telemetry

    telemetry.set_up(json=bool(settings.log.json), level=settings.log.level or "INFO", stream=stream)


def reload_log(load: "Callable[[], Settings]", *, stream: TextIO | None = None) -> None:
    """Load the settings again and log as they say now; if they are wrong, continue as before."""
    import structlog

    log = structlog.get_logger(__name__)
    try:
        settings = load()
    except Failure as error:
        log.error("log.not_reloaded", reason=str(error))
        return
    set_up_log(settings, stream=stream)
    log.info("log.reloaded", level=settings.log.level)


def spare_collector() -> None:
    """Run the garbage collector less often: it would scan ten thousand tasks again and again.

    Almost nothing here needs it; without it, a worker runs nearly twice as many steps in the same processor time.
    """
    gc.set_threshold(20_000, 20, 20)


def serve(
    work: Callable[[End], Awaitable[None]], *, place: Place, reload: Callable[[], None] | None = None
) -> None:
    """Run a service until Ctrl-C or SIGTERM.

    Args:
        work: Runs until the event is set.
        place: Where it listens.
        reload: Runs on SIGHUP.

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
    """Return the failure for an error at the start of a service; wrong settings are usage errors."""
    from enamel.model.errors import Invalid

    code = Exit.USAGE if isinstance(error, Invalid) else Exit.FAILED
    return Failure(*error.sentences, *filter(None, [error.advice]), code=code)


def occupied(error: OSError, *, place: Place) -> Failure:
    """Return the failure for an error of the operating system."""
    if error.errno == errno.EADDRINUSE:
        return Failure(
            f"Another process listens on {place.host}:{place.port}.",
            "Enamel may be running already. If not, choose another port with --port.",
        )
    return Failure(f"The operating system refused: {error}.")
