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
        parts=[_entry(row) for row in routes.ROUTES],
    )


def heading(row: route.Route) -> str:
    """Return the heading under which a route is described."""
    return f"{row.method} {row.path}"


def _entry(row: route.Route) -> str:
    query = struct.table(row.query)
    parts = [
        f"## {page.code(heading(row))}",
        row.summary,
        f"In the query:\n\n{query}" if query else "",
        f"Takes {bodies([row.request])}." if row.request is not None else "",
        page.table(header=["answer", "with"], rows=_answers(row)),
        _policy(row),
    ]
    return "\n\n".join(filter(None, parts))


def _policy(row: route.Route) -> str:
    if row.is_open:
        return "Anyone may send it."
    rules = ", ".join(f"[`{rule}`](policy.md#{rule.split(':')[1]})" for rule in row.rules)
    return f"Policy: {rules}."


def _answers(row: route.Route) -> list[tuple[str, str]]:
    good = [(status, bodies(kinds) or "no body") for status, kinds in row.responses.items()]
    bad = [
        (status, ", ".join(f"[`{kind.code}`](errors.md#{page.anchor(kind.code)})" for kind in kinds))
        for status, kinds in openapi.failures(row).items()
    ]
    return [(str(status), what) for status, what in [*good, *bad]]


def bodies(kinds: Sequence[Any]) -> str:
    """Return the types of a body with links to the Structs in them; nothing where there is no body."""
    words: dict[str, None] = {}
    for kind in kinds:
        names = [schemas.name_of(struct_type) for struct_type in struct.named(kind)]
        words |= dict.fromkeys(
            [f"[{name}](bodies.md#{page.anchor(name)})" for name in names] or [struct.spell(kind)]
        )
    return " or ".join(words)
