"""The route of templates: what servers can start from."""

from msgspec import Struct, field

from enamel.api import collection
from enamel.api.links import Links
from enamel.api.request import Request, Response
from enamel.service.resources import template


class TemplateFilter(collection.Window, frozen=True, kw_only=True):
    """Which templates are wanted."""

    kind: tuple[template.Kind, ...] = ()
    """Of any of these kinds."""
    name: tuple[str, ...] = ()
    """With any of these names."""


class Templates(Struct, frozen=True, kw_only=True):
    """A page of templates, by name."""

    templates: tuple[template.Template, ...]
    links: Links = field(name="_links")


async def list_templates(request: Request) -> Response:
    """Answer with what servers can start from."""
    kinds, names = request.query.kind, request.query.name
    found = [
        one
        for one in await request.services.catalogue.templates()
        if (not kinds or one.kind in kinds) and (not names or one.name in names)
    ]
    shown, own = collection.page(request, found, what="template", schema="templates", key=lambda one: one.id)
    return Response(body=Templates(templates=tuple(shown), links=own))
