"""Links: where to go from a body."""

from typing import TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit

from msgspec import Struct

from enamel.model.call_context import CallContext
from enamel.service.access import policy

S = TypeVar("S", bound=Struct)


class Link(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where to go from here."""

    href: str
    method: str = "GET"


Links = dict[str, Link]


def of(here: str, *, schema: str, **others: str | None) -> Links:
    """Return the links of a body: itself, its schema, and the others that are not None.

    A link that is not for GET names its method before the path: `POST /tasks/…/cancel`.
    """
    links = {"self": Link(href=here), "describedby": Link(href=f"/schemas/{schema}")}
    for name, target in others.items():
        if target is not None:
            method, _, href = target.rpartition(" ")
            links[name] = Link(href=href, method=method or "GET")
    return links


def permitted(ctx: CallContext, rule: str, target: str) -> str | None:
    """Return the target of a link if the policy allows the caller what it leads to, else None."""
    return target if policy.allows(ctx, rule) else None


def onward(here: str, **changes: str | int) -> str:
    """Return the address of the next page: this one's, with another marker."""
    split = urlsplit(here)
    asked = [pair for pair in parse_qsl(split.query, keep_blank_values=True) if pair[0] not in changes]
    return f"{split.path}?{urlencode([*asked, *changes.items()])}"


def added(form: type[S], record: Struct, links: Links) -> S:
    """Return a record of the service layer in the form that has links.

    Args:
        form: A Struct with the record's fields and `links`.
        record: What a use case returned.
        links: Its links.
    """
    return form(**{name: getattr(record, name) for name in record.__struct_fields__}, links=links)
