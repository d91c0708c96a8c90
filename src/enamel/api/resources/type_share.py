"""The routes of what hangs on a server type: its tags, and whom it is shared with."""

from msgspec import Struct, field

from enamel.api import links
from enamel.api.links import Links
from enamel.api.request import Request, Response
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


async def get_tags(request: Request) -> Response:
    """Answer with the tags of a server type."""
    return _tags(request, (await request.services.server_types.find(request.params["id"])).marks.tags)


async def put_tags(request: Request) -> Response:
    """Give a server type just these tags."""
    wanted, faults = body.shape(request.body, TagSet)
    if faults or wanted is None:
        raise Invalid(" ".join(one.detail for one in faults), faults=tuple(faults))
    return _tags(request, await request.services.server_types.set_tags(request.params["id"], wanted.tags))


async def delete_tags(request: Request) -> Response:
    """Take all tags from a server type."""
    await request.services.server_types.set_tags(request.params["id"], ())
    return Response(status=204)


async def put_tag(request: Request) -> Response:
    """Give a server type one more tag."""
    await request.services.server_types.add_tag(request.params["id"], request.params["tag"])
    return Response(status=204)


async def delete_tag(request: Request) -> Response:
    """Take one tag from a server type."""
    await request.services.server_types.remove_tag(request.params["id"], request.params["tag"])
    return Response(status=204)


async def get_shares(request: Request) -> Response:
    """Answer with whom a server type is shared with."""
    return _shares(request, await request.services.type_shares.of(request.params["id"]))


async def put_shares(request: Request) -> Response:
    """Share a server type with just these users and projects."""
    wanted, faults = body.shape(request.body, server_type.Shares)
    if faults or wanted is None:
        raise Invalid(" ".join(one.detail for one in faults), faults=tuple(faults))
    return _shares(request, await request.services.type_shares.put(request.params["id"], wanted))


async def delete_shares(request: Request) -> Response:
    """Share a server type with nobody."""
    await request.services.type_shares.clear(request.params["id"])
    return Response(status=204)


async def put_user(request: Request) -> Response:
    """Share a server type with one more user."""
    await request.services.type_shares.add(request.params["id"], user=request.params["user"])
    return Response(status=204)


async def delete_user(request: Request) -> Response:
    """Share a server type no longer with a user."""
    await request.services.type_shares.remove(request.params["id"], user=request.params["user"])
    return Response(status=204)


async def put_project(request: Request) -> Response:
    """Share a server type with one more project."""
    await request.services.type_shares.add(request.params["id"], project=request.params["project"])
    return Response(status=204)


async def delete_project(request: Request) -> Response:
    """Share a server type no longer with a project."""
    await request.services.type_shares.remove(request.params["id"], project=request.params["project"])
    return Response(status=204)


def _tags(request: Request, found: tuple[str, ...]) -> Response:
    return Response(body=TypeTags(tags=found, links=links.of(request.path, schema="type_tags")))


def _shares(request: Request, found: server_type.Shares) -> Response:
    own = links.of(request.path, schema="type_shares")
    return Response(body=TypeShares(users=found.users, projects=found.projects, links=own))
