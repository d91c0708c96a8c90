"""The role: what a cloud's operators keep to themselves, and how a caller who lacks it is told so."""

from collections.abc import Awaitable
from typing import TypeVar

from enamel.model.errors import CloudForbidden, Forbidden

T = TypeVar("T")

NAME = "admin"
"""The role that clouds ask for, unless their operators have written other rules."""


async def needed(deed: Awaitable[T], *, what: str = "Changing server types") -> T:
    """Return what a deed returns; where the cloud forbids it, the error names the role that it takes.

    Raises:
        Forbidden: The caller lacks the role.

    """
    try:
        return await deed
    except CloudForbidden as error:
        raise Forbidden(
            f"{what} takes the role '{NAME}' on the cloud. It said: {error.detail}",
            remedy=f"Ask the cloud's operators for the role '{NAME}', or to do it.",
            role=NAME,
        ) from error
