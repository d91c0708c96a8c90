"""The clouds of a caller: the one that a request names, the default one, or whichever has a resource."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Generic, TypeVar

from enamel.clouds import driver
from enamel.clouds.accounts import Accounts
from enamel.clouds.calls import context
from enamel.model.call_context import CallContext
from enamel.model.errors import (
    CapabilityMissing,
    CloudError,
    CloudUnknown,
    EnamelError,
    Fault,
    Gone,
    Invalid,
    NotFound,
)
from enamel.model.placement import covers
from enamel.service.access.answers import PATIENCE, Answers

T = TypeVar("T")


def default(clouds: driver.Clouds) -> str:
    """Return the name of the default cloud.

    Raises:
        CloudUnknown: None is configured.
    """
    names = clouds.names()
    if not names:
        raise CloudUnknown(
            "No cloud is configured.", remedy="Write a clouds.yaml, or set the OS_* variables."
        )
    return names[0]


class CallerClouds:
    """Gives use cases the clouds of whoever asks."""

    def __init__(self, accounts: Accounts, *, answers: Answers | None = None) -> None:
        self._accounts = accounts
        self._answers = answers or Answers()

    def of(self, ctx: CallContext) -> driver.Clouds:
        """Return all clouds of the caller; what is called there from now on is called in this context."""
        context.use(ctx)
        return self._accounts.of(ctx.caller)

    def names(self, ctx: CallContext, cloud: str | None = None) -> tuple[str, ...]:
        """Return the cloud that is named, or all clouds of the caller, the default one first.

        An entry with several regions names a cloud for each of them.

        Raises:
            Invalid: The caller has no cloud of that name.
        """
        names = tuple(self.of(ctx).names())
        if cloud is None:
            return names
        meant = tuple(name for name in names if covers(cloud, name))
        if not meant:
            detail = f"No cloud '{cloud[:64]}' is configured; configured are: {', '.join(names) or 'none'}."
            raise Invalid(detail, faults=(Fault(pointer="?cloud", detail=detail, code="unknown"),))
        return meant

    def chosen(self, ctx: CallContext, cloud: str | None = None) -> driver.Cloud:
        """Return the cloud that is named, or the default one.

        Raises:
            Invalid: The caller has no cloud of that name.
            CloudError: The cloud's entry cannot be used.
        """
        clouds = self.of(ctx)
        name = default(clouds) if cloud is None else self.names(ctx, cloud)[0]
        return clouds.get(name)

    def sites(
        self, ctx: CallContext, cloud: str | None = None
    ) -> tuple[Sequence[driver.Cloud], Sequence[CloudError]]:
        """Return the caller's clouds, of several entries for one site the first, and why others cannot be opened."""
        clouds = self.of(ctx)
        first: dict[str, driver.Cloud] = {}
        broken = []
        for name in self.names(ctx, cloud):
            try:
                opened = clouds.get(name)
            except CloudError as error:
                broken.append(error)
            else:
                first.setdefault(opened.site, opened)
        return list(first.values()), broken

    async def ask(
        self,
        ctx: CallContext,
        accounts: Sequence[driver.Cloud],
        question: Callable[[driver.Cloud], Awaitable[T]],
    ) -> list[T | EnamelError]:
        """Return what each cloud answers, or the error that says why it does not; a silent one is not waited for."""
        return await self._answers.of((ctx.caller.project_id, ctx.caller.user_id), accounts, question)

    async def holding(
        self, ctx: CallContext, cloud: str | None, find: Callable[[driver.Cloud], Awaitable[T]]
    ) -> tuple[T, driver.Cloud]:
        """Return what is found on the cloud that is named, or on the first of all clouds that has it.

        Args:
            ctx: Who asks.
            cloud: The only cloud to ask; the default one first, then the others, if None.
            find: Asks one cloud; it raises NotFound or Gone if the cloud does not have it.

        Raises:
            NotFound, Gone: No cloud has it.
            CloudError: A cloud that may have it does not answer.
        """
        clouds, names = self.of(ctx), self.names(ctx, cloud)
        search = _Search(find)
        try:
            for name in names:
                found = await search.on(clouds, name, patience=PATIENCE if len(names) > 1 else None)
                if found is not None:
                    return found
            return await search.among_the_late()
        finally:
            search.end()


class _Search(Generic[T]):
    """Looks for a resource on one cloud after the other; who answers late is waited for when all others were asked."""

    def __init__(self, find: Callable[[driver.Cloud], Awaitable[T]]) -> None:
        self._find = find
        self._late: list[tuple[asyncio.Task[T], driver.Cloud]] = []
        self._missing: EnamelError | None = None
        self._silent: CloudError | None = None

    async def on(
        self, clouds: driver.Clouds, name: str, *, patience: timedelta | None
    ) -> tuple[T, driver.Cloud] | None:
        """Return what one cloud has, with the cloud; None where it has nothing, or does not answer in time."""
        try:
            account = clouds.get(name)
        except CloudError as error:
            self._silent = self._silent or error
            return None
        asking = asyncio.create_task(_awaited(self._find(account)))
        self._late.append((asking, account))
        await asyncio.wait({asking}, timeout=patience.total_seconds() if patience else None)
        if not asking.done():
            return None
        self._late.remove((asking, account))
        return await self._outcome(asking, account)

    async def among_the_late(self) -> tuple[T, driver.Cloud]:
        """Return what a cloud has that answers late. Raises what has kept the others from having it."""
        for asking, account in self._late:
            found = await self._outcome(asking, account)
            if found is not None:
                return found
        raise self._silent or self._missing or CloudUnknown("No cloud is configured.")

    def end(self) -> None:
        """Ask nobody any more."""
        for asking, _ in self._late:
            asking.cancel()

    async def _outcome(self, asking: asyncio.Task[T], account: driver.Cloud) -> tuple[T, driver.Cloud] | None:
        try:
            return await asking, account
        except (NotFound, Gone, CapabilityMissing) as error:
            self._missing = self._missing or error
        except CloudError as error:
            self._silent = self._silent or error
        return None


async def _awaited(answer: Awaitable[T]) -> T:
    return await answer
