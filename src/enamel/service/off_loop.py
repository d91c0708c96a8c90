"""Long work off the event loop: nothing that grows with a request keeps the loop of all others waiting."""

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

LARGE = 50
"""How many resources, steps or entries are too many to be dealt with on the loop."""
LARGE_BODY = 64 * 1024
"""How many bytes of JSON are."""


async def run(size: int, function: Callable[P, T], *args: P.args, **options: P.kwargs) -> T:
    """Return what a function of the processor alone returns; it runs in a thread where its work is large.

    Args:
        size: How many things it deals with.
        function: It neither waits nor touches what others change.
        args: Its arguments.
        options: Its keyword arguments.
    """
    if size <= LARGE:
        return function(*args, **options)
    return await asyncio.to_thread(function, *args, **options)
