"""The route of templates: what servers can start from."""

from msgspec import Struct, field

from enamel.api import collection
from enamel.api.collection import Window
from enamel.api.links import Links
from enamel.api.request import Request, Response
from enamel.api.route import CLOUD_ERRORS, Route
from enamel.service.resources import template


class TemplateFilter(Window, frozen=True, kw_only=True):
    """Which templates to list."""

    kind: tuple[template.Kind, ...] = ()
    """Of any of these kinds."""
    name: tuple[str, ...] = ()
    """With any of these names."""


class Templates(Struct, frozen=True, kw_only=True):
    """A page of templates, by name."""

    templates: tuple[template.Template, ...]
    links: Links = field(name="_links")


async def list_templates(request: Request) -> Response:
    """List what servers can start from."""
    matching = template.Filter(kinds=request.query.kind, names=request.query.name)
    page = await request.services.templates.list(request.ctx, matching=matching, **collection.window(request))
    own = collection.page_links(request, page, schema="templates", key=lambda template: template.id)
    return Response(body=Templates(templates=tuple(page.entries), links=own))


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/templates",
        name="list_templates",
        relation="templates",
        handler=list_templates,
        summary="List what servers can start from: images, snapshots of servers, bootable volumes.",
        query=TemplateFilter,
        responses={200: (Templates,)},
        errors=CLOUD_ERRORS,
        rules=("enamel:template:list",),
    ),
)
"""The rows of the table that these handlers serve."""
