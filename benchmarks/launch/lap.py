"""A lap: one launch by one contender, and what it cost whom."""

import os
import resource
from pathlib import Path

from msgspec import Struct


class Want(Struct, frozen=True, kw_only=True):
    """What is to be launched."""

    count: int
    volume: bool = False
    """Whether each server gets a volume beside its address."""

    @property
    def shape(self) -> str:
        return "address and volume" if self.volume else "address"


class Lap(Struct, frozen=True, kw_only=True):
    """One launch, measured."""

    who: str
    count: int
    shape: str
    state: str
    """cold or warm."""
    seconds: float = 0.0
    """From the request until every server is ACTIVE and has what it should have."""
    calls: int | None = None
    """Plumbing calls, those of validation too; None where nobody counts."""
    routes: dict[str, int] = {}
    client_cpu: float = 0.0
    """Processor seconds of the process that asks, and of those that it starts."""
    service_cpu: float = 0.0
    """Processor seconds of the service in between."""
    memory_mb: float = 0.0
    """The most memory of the client, or of the service where there is one."""
    failed: str | None = None
    """Why there is no result."""


class Meter:
    """Measures what a lap costs this process, its children, and a service."""

    def __init__(self, service: int | None) -> None:
        self._service = service
        self._mine = _own_cpu()
        self._theirs = _cpu_of(service) if service else 0.0

    def client(self) -> float:
        """Return processor seconds of this process and of the children that have ended."""
        return _own_cpu() - self._mine

    def service(self) -> float:
        """Return processor seconds of the service."""
        return _cpu_of(self._service) - self._theirs if self._service else 0.0

    def memory_mb(self) -> float:
        """Return the most memory so far."""
        if self._service:
            status = Path(f"/proc/{self._service}/status").read_text()
            return int(status.partition("VmHWM:")[2].split()[0]) / 1024
        most = max(
            resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        )
        return most / 1024


def _own_cpu() -> float:
    of = (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in of)


def _cpu_of(pid: int) -> float:
    # The name in the second field may hold blanks; what follows its bracket does not.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
