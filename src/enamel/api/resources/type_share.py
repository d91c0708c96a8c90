"""The routes of what hangs on a server type: its tags, and whom it is shared with."""

from msgspec import Struct, field

from enamel.api import links
from enamel.api.links import Links
from enamel.api.request import Answer, Ask
from enamel.api.resources.server_console import TagSet
from enamel.model import server_type
from enamel.model.errors import Invalid
from enamel.service.validation import body


class TypeTags(Struct, frozen=True, kw_only=True):
    """The tags of a server type."""

    tags: tuple[str, ...]
    links: Links = field(name="_links")


class TypeShares(Struct, frozen=True, kw_only=True):
    """Whom a server type is shared with."""

    users: tuple[str, ...]
    """Ids of users."""
    projects: tuple[str, ...]
    """Ids of projects; the one that made the type is not among them."""
    links: Links = field(name="_links")


async def get_tags(ask: Ask) -> Answer:
    """Answer with the tags of a server type."""
    return _tags(ask, (await ask.services.server_types.find(ask.params["id"])).marks.tags)


async def put_tags(ask: Ask) -> Answer:
    """Give a server type just these tags."""
    wanted, faults = body.shape(ask.body, TagSet)
    if faults or wanted is None:
        raise Invalid(" ".join(one.detail for one in faults), faults=tuple(faults))
    return _tags(ask, await ask.services.server_types.set_tags(ask.params["id"], wanted.tags))


async def delete_tags(ask: Ask) -> Answer:
    """Take all tags from a server type."""
    await ask.services.server_types.set_tags(ask.params["id"], ())
    return Answer(status=204)


async def put_tag(ask: Ask) -> Answer:
    """Give a server type one more tag."""
    await ask.services.server_types.add_tag(ask.params["id"], ask.params["tag"])
    return Answer(status=204)


async def delete_tag(ask: Ask) -> Answer:
    """Take one tag from a server type."""
    await ask.services.server_types.remove_tag(ask.params["id"], ask.params["tag"])
    return Answer(status=204)


async def get_shares(ask: Ask) -> Answer:
    """Answer with whom a server type is shared with."""
    return _shares(ask, await ask.services.type_shares.of(ask.params["id"]))


async def put_shares(ask: Ask) -> Answer:
    """Share a server type with just these users and projects."""
    wanted, faults = body.shape(ask.body, server_type.Shares)
    if faults or wanted is None:
        raise Invalid(" ".join(one.detail for one in faults), faults=tuple(faults))
    return _shares(ask, await ask.services.type_shares.put(ask.params["id"], wanted))


async def delete_shares(ask: Ask) -> Answer:
    """Share a server type with nobody."""
    await ask.services.type_shares.clear(ask.params["id"])
    return Answer(status=204)


async def put_user(ask: Ask) -> Answer:
    """Share a server type with one more user."""
    await ask.services.type_shares.add(ask.params["id"], user=ask.params["user"])
    return Answer(status=204)


async def delete_user(ask: Ask) -> Answer:
    """Share a server type no longer with a user."""
    await ask.services.type_shares.remove(ask.params["id"], user=ask.params["user"])
    return Answer(status=204)


async def put_project(ask: Ask) -> Answer:
    """Share a server type with one more project."""
    await ask.services.type_shares.add(ask.params["id"], project=ask.params["project"])
    return Answer(status=204)


async def delete_project(ask: Ask) -> Answer:
    """Share a server type no longer with a project."""
    await ask.services.type_shares.remove(ask.params["id"], project=ask.params["project"])
    return Answer(status=204)


def _tags(ask: Ask, found: tuple[str, ...]) -> Answer:
    return Answer(body=TypeTags(tags=found, links=links.of(ask.path, schema="type_tags")))


def _shares(ask: Ask, found: server_type.Shares) -> Answer:
    own = links.of(ask.path, schema="type_shares")
    return Answer(body=TypeShares(users=found.users, projects=found.projects, links=own))
