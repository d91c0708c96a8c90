"""The clouds of a caller: the one that a request names, the default one, or whichever has a resource."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from enamel.clouds import driver
from enamel.clouds.accounts import Accounts
from enamel.clouds.calls import context
from enamel.model.call_context import CallContext
from enamel.model.errors import CapabilityMissing, CloudError, CloudUnknown, Fault, Gone, Invalid, NotFound
from enamel.model.placement import covers

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

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

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
        clouds = self.of(ctx)
        missing: Exception | None = None
        silent: CloudError | None = None
        for name in self.names(ctx, cloud):
            try:
                opened = clouds.get(name)
                return await find(opened), opened
            except (NotFound, Gone, CapabilityMissing) as error:
                missing = missing or error
            except CloudError as error:
                silent = silent or error
        raise silent or missing or CloudUnknown("No cloud is configured.")
