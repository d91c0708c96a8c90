"""A server from inside: its console, what its hypervisor measures, and the tags that are on it."""

from collections.abc import Collection
from typing import Any

from enamel.model import tag
from enamel.model.caller import Caller
from enamel.model.errors import Gone, NotFound
from enamel.service.tasks.read import Read

CONSOLES = ("novnc", "xvpvnc", "rdp", "spice", "serial", "mks", "webmks")
"""The types of console."""


async def console_log(read: Read, caller: Caller, id: str, *, lines: int | None) -> str:
    """Return the end of what a server has written to its console.

    Raises:
        NotFound: There is no such server.
        CloudConflict: It has no console yet.
    """
    found, where = await read.find(caller, id)
    return await where.console_log(found.id, lines=lines)


async def console(read: Read, caller: Caller, id: str, *, type: str) -> str:
    """Return the address at which a server's console can be opened.

    Raises:
        NotFound: There is no such server, or no such type of console.
        CloudRefused: The cloud has no consoles of this type.
    """
    if type not in CONSOLES:
        raise NotFound(f"There is no console of type '{type[:64]}'; known are {', '.join(CONSOLES)}.")
    found, where = await read.find(caller, id)
    return await where.console(found.id, type=type)


async def diagnostics(read: Read, caller: Caller, id: str) -> dict[str, Any]:
    """Return what the hypervisor measures of a server.

    Raises:
        NotFound: There is no such server.
        CloudForbidden: The cloud tells its operators only.
    """
    found, where = await read.find(caller, id)
    return await where.diagnostics(found.id)


async def tags(read: Read, caller: Caller, id: str) -> tuple[str, ...]:
    """Return a server's tags. Raises NotFound."""
    found, _ = await read.find(caller, id)
    return tuple(sorted(found.tags))


async def set_tags(read: Read, caller: Caller, id: str, tags: Collection[str]) -> tuple[str, ...]:
    """Give a server just these tags, and return them.

    Raises:
        Invalid: A tag is none, or there are too many.
        NotFound: There is no such server.
    """
    wanted = tag.check_all(tags)
    found, where = await read.find(caller, id)
    await where.set_tags(found.id, wanted)
    return wanted


async def add_tag(read: Read, caller: Caller, id: str, word: str) -> None:
    """Give a server one more tag.

    Raises:
        Invalid: It is no tag.
        NotFound: There is no such server.
    """
    tag.check(word)
    found, where = await read.find(caller, id)
    await where.add_tag(found.id, word)


async def remove_tag(read: Read, caller: Caller, id: str, word: str) -> None:
    """Take a tag from a server. Raises NotFound where it does not have it."""
    found, where = await read.find(caller, id)
    try:
        await where.remove_tag(found.id, word)
    except Gone as error:
        raise NotFound(f"Server '{found.name}' has no tag '{word[:64]}'.") from error
