"""The page of settings."""

import msgspec

from enamel.conf import settings
from tools.reference import page, struct


def text() -> str:
    """Return the page: one heading for each section."""
    return page.compose(
        title="Settings",
        source="`enamel.conf`",
        intro="What a process is told when it starts, section by section. The [options of `enamel up`](cli.md#enamel-up) and its environment "
        "set what people change; the rest is as it stands here.",
        parts=[f"## {name}\n\n{struct.describe(section)}" for name, section in sections().items()],
    )


def sections() -> dict[str, type[msgspec.Struct]]:
    """Return the sections by their names."""
    return {
        field.name: field.type
        for field in msgspec.structs.fields(settings.Settings)
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct)
    }
