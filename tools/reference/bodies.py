"""The page of bodies."""

from typing import Any

import msgspec

from enamel.api import routes, schemas
from enamel.commands import COMMANDS
from tools.reference import page, struct


def text() -> str:
    """Return the page: one heading for each Struct that a body of the API can hold."""
    return page.compose(
        title="Bodies",
        source="the Structs that `enamel.commands` and `enamel.api.routes` name",
        intro="What requests and answers hold, as JSON. `GET /schemas` has the same as JSON Schema.\n\n"
        "Values of which there are only a few, such as states, are in UPPER_CASE, in bodies and in queries. Times are RFC 3339 in UTC, to "
        "the microsecond: `2026-12-24T18:00:00.000000Z`; in requests, any zone and precision is understood.",
        parts=[f"## {schemas.name_of(kind)}\n\n{struct.describe(kind)}" for kind in kinds()],
    )


def kinds() -> list[type[msgspec.Struct]]:
    """Return every Struct that a body can hold, in the order of their names."""
    structs: dict[type[msgspec.Struct], Any] = {}
    taken = [command.body for command in COMMANDS.values() if command.body]
    for body in [*taken, *schemas.bodies(routes.ROUTES)]:
        for kind in struct.named(body):
            structs |= dict.fromkeys([kind, *struct.inner(kind)])
    return sorted(structs, key=schemas.name_of)
