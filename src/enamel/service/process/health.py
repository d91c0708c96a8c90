"""The health of a process: whether it can do its work, and what keeps it from doing so."""

import asyncio
import enum
from collections.abc import Awaitable, Callable, Mapping

import structlog
from msgspec import Struct

from enamel.model.errors import EnamelError

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class Verdict(enum.Enum):
    """The state of something."""

    OK = "OK"
    DEGRADED = "DEGRADED"
    """Work goes on, but slower than it should."""
    FAILED = "FAILED"


class Finding(Struct, frozen=True, kw_only=True):
    """The state of one thing that the process depends on."""

    name: str
    status: Verdict
    detail: str
    """Why, in words for an operator."""


class Degraded(Exception):
    """Something is wrong, but work goes on without it."""


class Health:
    """Checks everything that a process depends on."""

    def __init__(self, checks: Mapping[str, Callable[[], Awaitable[str | None]]]) -> None:
        """Take the checks.

        Args:
            checks: By the name of what they check. Each returns a remark, or None; it raises Degraded or an
                EnamelError if something is wrong.

        """
        self._checks = checks
        self._ending = False

    def end(self) -> None:
        """Report from now on that the process is about to stop."""
        self._ending = True

    async def check(self) -> tuple[Finding, ...]:
        """Return the state of everything."""
        findings = await asyncio.gather(*(self._check(name) for name in self._checks))
        if self._ending:
            detail = "The process is being stopped."
            findings.append(Finding(name="process", status=Verdict.FAILED, detail=detail))
        return tuple(findings)

    async def _check(self, name: str) -> Finding:
        try:
            said = await self._checks[name]()
        except Degraded as why:
            return Finding(name=name, status=Verdict.DEGRADED, detail=str(why))
        except EnamelError as error:
            return Finding(name=name, status=Verdict.FAILED, detail=f"{error.detail} {error.advice}".strip())
        except Exception as error:
            log.exception("health.check_failed", check=name)
            detail = f"The check failed: {type(error).__name__}; see the log."
            return Finding(name=name, status=Verdict.FAILED, detail=detail)
        return Finding(name=name, status=Verdict.OK, detail=said or "")


def worst(findings: tuple[Finding, ...]) -> Verdict:
    """Return the worst state among findings."""
    order = list(Verdict)
    return max((finding.status for finding in findings), key=order.index, default=Verdict.OK)
