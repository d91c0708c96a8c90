"""The health of a process: whether it can do its work, and what keeps it from doing so."""

import asyncio
import enum
from collections.abc import Awaitable, Callable, Mapping

import structlog
from msgspec import Struct

from enamel.model.errors import EnamelError

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class Verdict(enum.Enum):
    """How something is."""

    OK = "ok"
    DEGRADED = "degraded"
    """Work goes on, but slower than it should."""
    FAILED = "failed"


class Finding(Struct, frozen=True, kw_only=True):
    """How one thing is that the process depends on."""

    name: str
    status: Verdict
    detail: str
    """Why, in words for an operator."""


class Degraded(Exception):
    """Something is wrong that work goes on without."""


class Health:
    """Looks at everything that a process depends on."""

    def __init__(self, checks: Mapping[str, Callable[[], Awaitable[str | None]]]) -> None:
        """Take the checks.

        Args:
            checks: By the name of what they look at. Each returns what is good to know, or None; it raises Degraded
                or an EnamelError where something is wrong.

        """
        self._checks = checks
        self._ending = False

    def end(self) -> None:
        """Say from now on that the process is about to end."""
        self._ending = True

    async def check(self) -> tuple[Finding, ...]:
        """Return how everything is."""
        found = await asyncio.gather(*(self._check(name) for name in self._checks))
        if self._ending:
            detail = "The process is being stopped."
            found.append(Finding(name="process", status=Verdict.FAILED, detail=detail))
        return tuple(found)

    async def _check(self, name: str) -> Finding:
        try:
            said = await self._checks[name]()
        except Degraded as why:
            return Finding(name=name, status=Verdict.DEGRADED, detail=str(why))
        except EnamelError as error:
            return Finding(name=name, status=Verdict.FAILED, detail=f"{error.detail} {error.advice}".strip())
        except Exception as error:
            log.exception("health.check_failed", check=name)
            detail = f"It cannot be looked at: {type(error).__name__}; the log tells more."
            return Finding(name=name, status=Verdict.FAILED, detail=detail)
        return Finding(name=name, status=Verdict.OK, detail=said or "")


def worst(findings: tuple[Finding, ...]) -> Verdict:
    """Return what all findings come to."""
    order = list(Verdict)
    return max((found.status for found in findings), key=order.index, default=Verdict.OK)
