"""The routes of orphans: what belongs to nobody, and how it goes."""

from typing import Annotated

from msgspec import Meta, Struct, field

from enamel.api import collection, links
from enamel.api.links import Links
from enamel.api.request import Request, Response
from enamel.api.resources import task
from enamel.model import duration, orphan
from enamel.model.errors import Fault, Invalid
from enamel.model.orphan import Kind, Why


class OrphanFilter(collection.Window, frozen=True, kw_only=True):
    """Which orphans are wanted."""

    kind: tuple[Kind, ...] = ()
    """Of any of these kinds."""
    why: tuple[Why, ...] = ()
    """For any of these reasons."""
    min_age: Annotated[str, Meta(max_length=16)] | None = None
    """At least so old, as in 2h; it takes the place of the configured ages, too."""
    foreign: bool = False
    """Also what unknown tasks have made."""
    proposed: bool | None = None
    """Whether they are proposed for a clean-up; all where this is not given."""


class OrphanShown(orphan.Orphan, frozen=True, kw_only=True):
    """Something that seems to belong to nobody, with what is known of it."""

    links: Links = field(name="_links")


class Orphans(Struct, frozen=True, kw_only=True):
    """A page of orphans, the oldest first."""

    orphans: tuple[OrphanShown, ...]
    links: Links = field(name="_links")


async def list_orphans(request: Request) -> Response:
    """Answer with what belongs to nobody; that it was seen is remembered."""
    wanted: OrphanFilter = request.query
    try:
        least = duration.parse(wanted.min_age) if wanted.min_age else None
    except ValueError as error:
        raise Invalid(str(error), faults=(Fault(pointer="?min_age", detail=str(error)),)) from error
    found = [
        one
        for one in await request.services.radar.look(
            kinds=wanted.kind or frozenset(Kind), min_age=least, foreign=wanted.foreign
        )
        if (not wanted.why or one.why in wanted.why)
        and (wanted.proposed is None or one.proposed is wanted.proposed)
        and (least is None or one.age >= least.total_seconds())
    ]
    shown, own = collection.page(request, found, what="orphan", schema="orphans", key=lambda one: one.id)
    own |= links.of(request.path, schema="orphans", clean="POST /orphans/clean")
    return Response(body=Orphans(orphans=tuple(map(_of, shown)), links=own))


async def clean_orphans(request: Request) -> Response:
    """Have orphans taken away."""
    return await task.command(request, "orphans.clean", params={})


def _of(found: orphan.Orphan) -> OrphanShown:
    own = links.of(f"/tasks/{found.task}", schema="task") if found.task else {}
    fields = {name: getattr(found, name) for name in found.__struct_fields__}
    return OrphanShown(
        **fields, links={"task": own["self"]} if own and found.why is not Why.UNKNOWN_TASK else {}
    )
