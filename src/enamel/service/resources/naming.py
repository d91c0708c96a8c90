"""Names in place of ids: which of a caller's resources a text names."""

from collections.abc import Awaitable, Callable, Iterable

from enamel.clouds import driver
from enamel.model.call_context import CallContext
from enamel.model.errors import CapabilityMissing, CloudError, EnamelError, Fault, Invalid
from enamel.service.access.clouds import CallerClouds

Pairs = Iterable[tuple[str, str]]
"""Ids with names."""


async def id_of(
    clouds: CallerClouds,
    ctx: CallContext,
    text: str,
    *,
    cloud: str | None,
    what: str,
    listed: Callable[[driver.Cloud], Awaitable[Pairs]],
) -> str:
    """Return the id of the resource that a text names; the text itself if it is an id, or names nothing.

    Args:
        clouds: The clouds of callers.
        ctx: Who asks.
        text: A name or an id.
        cloud: The only cloud to ask; all of them if None.
        what: What is named, as it is called in sentences.
        listed: Lists the ids and names on one cloud.

    Raises:
        Invalid: It names several.
        CloudError: A cloud that may have it does not answer.
    """
    accounts, broken = clouds.sites(ctx, cloud)
    answers = await clouds.ask(ctx, accounts, listed)
    pairs = [pair for answer in answers if not isinstance(answer, EnamelError) for pair in answer]
    fitting = dict.fromkeys(id for id, name in pairs if name == text)
    if any(id == text for id, _ in pairs):
        return text
    if len(fitting) > 1:
        detail = f"Several {what} have the name '{text[:255]}': {', '.join(fitting)}."
        fault = Fault(pointer="", detail=f"{detail} Name one by its id.", code="ambiguous")
        raise Invalid(detail, faults=(fault,))
    failures = [*(answer for answer in answers if isinstance(answer, EnamelError)), *broken]
    silent = [
        failure
        for failure in failures
        if isinstance(failure, CloudError) and not isinstance(failure, CapabilityMissing)
    ]
    if not fitting and silent:
        raise silent[0]
    return next(iter(fitting), text)
