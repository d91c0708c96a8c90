"""The tags of a server."""

from typing import Any

from msgspec import Struct

from enamel.model import tag
from enamel.model.call_context import CallContext
from enamel.model.errors import Gone, NotFound
from enamel.service.access import policy
from enamel.service.planning.server_locator import ServerLocator
from enamel.service.validation import body


class TagSet(Struct, frozen=True, kw_only=True):
    """The tags to set; all others are removed."""

    tags: tuple[str, ...]
    """1 to 50 characters each, without `/` and `,`."""


class ServerTags:
    """Shows and changes the tags of servers."""

    def __init__(self, locator: ServerLocator) -> None:
        self._locator = locator

    async def get(self, ctx: CallContext, id: str, *, cloud: str | None = None) -> tuple[str, ...]:
        """Return a server's tags. Raises NotFound."""
        policy.enforce(ctx, "enamel:server:list_tags")
        server, _ = await self._locator.find(ctx, id, cloud=cloud)
        return tuple(sorted(server.tags))

    async def set(self, ctx: CallContext, id: str, data: Any, *, cloud: str | None = None) -> tuple[str, ...]:
        """Set the tags of a server, and return them.

        Raises:
            Invalid: The body has faults, a tag is malformed, or there are too many.
            NotFound: There is no such server.
        """
        policy.enforce(ctx, "enamel:server:set_tags")
        tags = tag.check_all(body.read(data, TagSet).tags)
        server, account = await self._locator.find(ctx, id, cloud=cloud)
        await account.set_tags(server.id, tags)
        return tags

    async def add(self, ctx: CallContext, id: str, word: str, *, cloud: str | None = None) -> None:
        """Add a tag to a server.

        Raises:
            Invalid: It is malformed.
            NotFound: There is no such server.
        """
        policy.enforce(ctx, "enamel:server:set_tags")
        tag.check(word)
        server, account = await self._locator.find(ctx, id, cloud=cloud)
        await account.add_tag(server.id, word)

    async def remove(self, ctx: CallContext, id: str, word: str, *, cloud: str | None = None) -> None:
        """Remove a tag from a server. Raises NotFound where it does not have it."""
        policy.enforce(ctx, "enamel:server:set_tags")
        server, account = await self._locator.find(ctx, id, cloud=cloud)
        try:
            await account.remove_tag(server.id, word)
        except Gone as error:
            raise NotFound(f"Server '{server.name}' has no tag '{word[:64]}'.") from error

    async def clear(self, ctx: CallContext, id: str, *, cloud: str | None = None) -> None:
        """Remove all tags from a server. Raises NotFound."""
        policy.enforce(ctx, "enamel:server:set_tags")
        server, account = await self._locator.find(ctx, id, cloud=cloud)
        await account.set_tags(server.id, ())
