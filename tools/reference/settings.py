"""The page of settings."""

import msgspec

from enamel.conf import option
from tools.reference import page, struct


def text() -> str:
    """Return the page: one heading for each section."""
    return page.compose(
        title="Settings",
        source="`enamel.conf`",
        intro="The settings of a process, by section: each field is a line of the INI file. "
        "[Configure Enamel](../how-to/configure.md) says where else they can be set; `enamel conf sample` prints the same.",
        parts=[f"## {name}\n\n{struct.describe(section)}" for name, section in sections().items()],
    )


def sections() -> dict[str, type[msgspec.Struct]]:
    """Return the sections by their names."""
    return option.SECTIONS
