"""The page of routes."""

from collections.abc import Sequence
from typing import Any

from enamel.api import openapi, route, routes, schemas, version
from tools.reference import page, struct


def text() -> str:
    """Return the page: one heading for each route, in the order of the table."""
    return page.compose(
        title="Routes",
        source="`enamel.api.routes`",
        intro=f"Version {version.text(version.NEWEST)} of the API. The service tells the same about itself: `GET /` for clients "
        "that find their way by links, `GET /openapi.json` for generators. What the bodies hold stands in "
        "[Bodies](bodies.md), what the codes mean in [Error codes](errors.md).",
        parts=[_entry(found) for found in routes.ROUTES],
    )


def heading(found: route.Route) -> str:
    """Return the heading under which a route is described."""
    return f"{found.method} {found.path}"


def _entry(found: route.Route) -> str:
    query = struct.table(found.query)
    parts = [
        f"## {page.code(heading(found))}",
        found.summary,
        f"In the query:\n\n{query}" if query else "",
        f"Takes {bodies([found.request])}." if found.request is not None else "",
        page.table(header=["answer", "with"], rows=_answers(found)),
        _policy(found),
    ]
    return "\n\n".join(filter(None, parts))


def _policy(found: route.Route) -> str:
    if found.is_open:
        return "Anyone may send it."
    rules = ", ".join(f"[`{rule}`](policy.md#{rule.split(':')[1]})" for rule in found.rules)
    return f"Policy: {rules}."


def _answers(found: route.Route) -> list[tuple[str, str]]:
    good = [(status, bodies(kinds) or "no body") for status, kinds in found.responses.items()]
    bad = [
        (status, ", ".join(f"[`{kind.code}`](errors.md#{page.anchor(kind.code)})" for kind in kinds))
        for status, kinds in openapi.failures(found).items()
    ]
    return [(str(status), what) for status, what in [*good, *bad]]


def bodies(kinds: Sequence[Any]) -> str:
    """Return the types of a body with links to the Structs in them; nothing where there is no body."""
    words: dict[str, None] = {}
    for kind in kinds:
        names = [schemas.name_of(found) for found in struct.named(kind)]
        words |= dict.fromkeys(
            [f"[{name}](bodies.md#{page.anchor(name)})" for name in names] or [struct.spell(kind)]
        )
    return " or ".join(words)
