"""The doctor: tries every cloud of the configuration and says what is wrong with it."""

import asyncio
import time
from collections.abc import Awaitable, Sequence
from datetime import timedelta

from msgspec import Struct

from enamel.clouds import driver
from enamel.clouds.capability import Capability
from enamel.model import cloud as cloud_model
from enamel.model import problem
from enamel.model.errors import CloudError, CloudUnreachable
from enamel.model.problem import Problem

PATIENCE = timedelta(seconds=30)
"""How long one cloud may take to answer one question."""
AT_ONCE = 8
"""How many clouds are tried at the same time."""


class Check(Struct, frozen=True, kw_only=True):
    """One thing that was tried on a cloud."""

    name: str
    """`login`, or a service."""
    seconds: float
    """How long it took."""
    note: str = ""
    """What came of it."""
    problem: Problem | None = None
    """Null where it works."""


class Examination(Struct, frozen=True, kw_only=True):
    """What was found out about one cloud."""

    cloud: str
    region: str = ""
    checks: tuple[Check, ...]

    @property
    def works(self) -> bool:
        """Whether everything does that was tried."""
        return all(check.problem is None for check in self.checks)


async def examine_all(
    clouds: driver.Clouds, names: Sequence[str], *, login_only: bool = False, patience: timedelta = PATIENCE
) -> list[Examination]:
    """Return what was found out about clouds, each tried with a login and a small list of every service.

    Args:
        clouds: The clouds.
        names: Which of them to try.
        login_only: Whether to leave the services out.
        patience: How long each question may take.
    """
    free = asyncio.Semaphore(AT_ONCE)

    async def one(name: str) -> Examination:
        async with free:
            return await _examine(clouds, name, patience, login_only=login_only)

    return await asyncio.gather(*map(one, names))


async def _examine(clouds: driver.Clouds, name: str, patience: timedelta, *, login_only: bool) -> Examination:
    """Return what was found out about one cloud."""
    try:
        account = clouds.get(name)
    except CloudError as error:
        return Examination(cloud=name, checks=(Check(name="entry", seconds=0.0, problem=problem.of(error)),))
    login, me = await _login(account, patience)
    if me is None or login_only:
        return Examination(cloud=name, region=me.region if me else "", checks=(login,))
    services = await asyncio.gather(
        *(_check(service, _counted(account, service), account.name, patience) for service in _LISTS)
    )
    return Examination(cloud=name, region=me.region, checks=(login, *services))


async def _login(account: driver.Cloud, patience: timedelta) -> tuple[Check, cloud_model.Identity | None]:
    """Return how a login went, and as whom."""
    me: list[cloud_model.Identity] = []

    async def log_in() -> str:
        me.append(await account.identity())
        who = me[0]
        return (
            f"{who.user_name or who.user_id} in {who.project_name or who.project_id}, {', '.join(who.roles)}"
        )

    check = await _check("login", log_in(), account.name, patience)
    return check, me[0] if me else None


_LISTS = {
    "compute": Capability.COMPUTE,
    "image": Capability.IMAGE,
    "network": Capability.NETWORK,
    "volume": Capability.VOLUME,
}
"""What is tried of each service, where the cloud has it."""


async def _counted(account: driver.Cloud, service: str) -> str:
    """Return how many of its things a service lists."""
    if _LISTS[service] not in await account.capabilities():
        return "not offered to this account"
    if service == "compute":
        return f"{len(await account.flavors())} flavors"
    if service == "image":
        return f"{len(await account.images())} images"
    if service == "network":
        return f"{len(await account.networks())} networks"
    return f"{len(await account.volume_types())} volume types"


async def _check(name: str, question: Awaitable[str], cloud: str, patience: timedelta) -> Check:
    """Return what came of a question."""
    began = time.monotonic()
    failed: CloudError | None = None
    note = ""
    try:
        async with asyncio.timeout(patience.total_seconds()):
            note = await question
    except CloudError as error:
        failed = error
    except TimeoutError:
        sentence = f"Cloud '{cloud}' did not answer within {patience.total_seconds():.0f} s."
        failed = CloudUnreachable(sentence, cloud=cloud)
    seconds = round(time.monotonic() - began, 3)
    return Check(name=name, seconds=seconds, note=note, problem=problem.of(failed) if failed else None)
