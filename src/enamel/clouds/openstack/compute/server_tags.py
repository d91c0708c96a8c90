"""Tags of servers: Nova's own, or texts in the metadata on clouds that are older than tags."""

from collections.abc import Collection, Sequence
from urllib.parse import quote

from msgspec import Struct

from enamel.clouds.methods import compute as methods
from enamel.clouds.openstack import service, transport
from enamel.clouds.openstack.compute import server
from enamel.clouds.openstack.compute import tag as tags
from enamel.model.errors import Gone

SERVICE = server.SERVICE


class _Tags(Struct):
    tags: list[str]


class _Metadata(Struct):
    metadata: dict[str, str]


class Tags(server.Servers, methods.Tags):
    """The tags of servers."""

    async def set_tags(self, server_id: str, tags: Collection[str]) -> None:
        """Give a server just these tags; on clouds that are too old for tags they go into its metadata."""
        version = await self._version("2.26")
        if version is not None:
            want = transport.HttpCall(
                service=SERVICE,
                method="PUT",
                path=f"/servers/{service.checked(server_id)}/tags",
                body={"tags": sorted(tags)},
                version=version,
                repeatable=True,
            )
            await self.calls.call(want, answer=_Tags)
        if await self._version("2.52") is None:
            # What was given at boot is in the metadata.
            await self._keep_tags(server_id, () if version is not None else sorted(tags))
        await self.servers.changed()

    async def add_tag(self, server_id: str, tag: str) -> None:
        """Give a server one more tag; one that it has already is not a fault."""
        version = await self._version("2.26")
        if version is None:
            kept = list(tags.read(await self._metadata(server_id)))
            await self._keep_tags(server_id, [*kept, *({tag} - {*kept})])
        elif tag.isascii():
            await self._tag("PUT", server_id, tag, version=version)
        else:
            await self.set_tags(server_id, {*await self._tags(server_id, version=version), tag})
        await self.servers.changed()

    async def remove_tag(self, server_id: str, tag: str) -> None:
        """Take a tag from a server. Raises Gone."""
        version = await self._version("2.26")
        kept = []
        if await self._version("2.52") is None:
            kept = list(tags.read(await self._metadata(server_id)))
        if tag in kept:
            await self._keep_tags(server_id, [other for other in kept if other != tag])
        elif version is not None and tag.isascii():
            await self._tag("DELETE", server_id, tag, version=version)
        else:
            tags_now = set() if version is None else await self._tags(server_id, version=version)
            if tag not in tags_now:
                raise Gone(f"The server has no tag '{tag}'.", cloud=self.name)
            await self.set_tags(server_id, tags_now - {tag})
        await self.servers.changed()

    async def _tags(self, server_id: str, *, version: str) -> set[str]:
        """Return a server's tags as the cloud has them now.

        Nova reads the bytes of a path as Latin-1: a tag beyond ASCII would become another one there. In a body it stays
        what it is, so such a tag is put into the set, or taken from it, as a whole.
        """
        reply = await self._get(
            SERVICE, f"/servers/{service.checked(server_id)}/tags", answer=_Tags, version=version
        )
        return set(reply.tags)

    async def _tag(self, method: str, server_id: str, tag: str, *, version: str) -> None:
        path = f"/servers/{service.checked(server_id)}/tags/{quote(tag, safe='')}"
        want = transport.HttpCall(service=SERVICE, method=method, path=path, version=version, repeatable=True)
        await self.calls.call(want, answer=transport.Nothing)

    async def _metadata(self, server_id: str) -> dict[str, str]:
        return (
            await self._get(SERVICE, f"/servers/{service.checked(server_id)}/metadata", answer=_Metadata)
        ).metadata

    async def _keep_tags(self, server_id: str, kept: Sequence[str]) -> None:
        """Store these tags, and no others, in a server's metadata."""
        metadata = await self._metadata(server_id)
        texts = tags.written(kept)
        if texts.items() - metadata.items():
            body = {"metadata": texts}
            path = f"/servers/{service.checked(server_id)}/metadata"
            await self._post(SERVICE, path, body=body, answer=transport.Nothing, repeatable=True)
        for key in [key_now for key_now in metadata if tags.is_key(key_now) and key_now not in texts]:
            await self._delete(SERVICE, f"/servers/{service.checked(server_id)}/metadata/{key}")
