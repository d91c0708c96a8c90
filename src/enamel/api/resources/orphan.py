"""The routes of orphans, and of their clean-up."""

from typing import Annotated

from msgspec import Meta, Struct, field

from enamel.api import collection, command, links
from enamel.api.collection import Window
from enamel.api.links import Links
from enamel.api.request import Request, Response
from enamel.api.route import CLOUD_ERRORS, Route
from enamel.model.orphan import CleanRequest, Kind, Why
from enamel.service.resources import orphan
from enamel.service.resources.paging import Page


class OrphanFilter(Window, frozen=True, kw_only=True):
    """Which orphans to list."""

    kind: tuple[Kind, ...] = ()
    """Of any of these kinds."""
    why: tuple[Why, ...] = ()
    """For any of these reasons."""
    min_age: Annotated[str, Meta(max_length=16)] | None = None
    """At least this old, as in 2h; it overrides the configured ages, too."""
    foreign: bool = False
    """Also what unknown tasks have made."""
    proposed: bool | None = None
    """Whether a clean-up would delete them; all if not set."""


class OrphanShown(orphan.Orphan, frozen=True, kw_only=True):
    """A resource that seems to be an orphan, with what is known of it."""

    links: Links = field(name="_links")


class Orphans(Struct, frozen=True, kw_only=True):
    """A page of orphans, the oldest first."""

    orphans: tuple[OrphanShown, ...]
    links: Links = field(name="_links")


async def list_orphans(request: Request) -> Response:
    """List the project's orphans; that they were seen is remembered."""
    matching = orphan.Filter(
        kinds=request.query.kind,
        whys=request.query.why,
        min_age=request.query.min_age,
        foreign=request.query.foreign,
        proposed=request.query.proposed,
    )
    page = await request.services.orphans.list(request.ctx, matching=matching, **collection.window(request))
    own = _page_links(request, page)
    return Response(body=Orphans(orphans=tuple(map(_shown, page.entries)), links=own))


async def clean_orphans(request: Request) -> Response:
    """Delete orphans."""
    return await command.submit(request, "orphans.clean")


def _page_links(request: Request, page: Page[orphan.Orphan]) -> Links:
    clean = links.permitted(request.ctx, "enamel:orphan:clean", "POST " + request.at("/orphans/clean"))
    return collection.page_links(request, page, schema="orphans", key=lambda orphan: orphan.id, clean=clean)


def _shown(record: orphan.Orphan) -> OrphanShown:
    known = record.task is not None and record.why is not Why.UNKNOWN_TASK
    own = {"task": links.Link(href=f"/tasks/{record.task}")} if known else {}
    return links.added(OrphanShown, record, own)


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/orphans",
        name="list_orphans",
        relation="orphans",
        handler=list_orphans,
        summary="List orphans: what tasks have left behind, and what nothing uses.",
        query=OrphanFilter,
        responses={200: (Orphans,)},
        errors=CLOUD_ERRORS,
        rules=("enamel:orphan:list",),
    ),
    Route(
        method="POST",
        path="/orphans/clean",
        name="clean_orphans",
        relation="clean_orphans",
        handler=clean_orphans,
        summary="Delete orphans, each after a last check.",
        query=command.DryRun,
        request=CleanRequest,
        body_required=False,
        responses=command.RESPONSES,
        errors=CLOUD_ERRORS,
        rules=("enamel:orphan:clean",),
    ),
)
"""The rows of the table that these handlers serve."""
