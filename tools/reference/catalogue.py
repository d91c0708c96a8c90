"""The catalogue: every generated page, and whether it is what the code says."""

import pathlib
from collections.abc import Callable

from tools.reference import bodies, commands, errors, events, modules, routes, settings, steps, tasks

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "docs" / "reference"

PAGES: dict[str, Callable[[], str]] = {
    "bodies.md": bodies.text,
    "commands.md": commands.text,
    "errors.md": errors.text,
    "events.md": events.text,
    "modules.md": modules.text,
    "routes.md": routes.text,
    "settings.md": settings.text,
    "steps.md": steps.text,
    "tasks.md": tasks.text,
}


def behind() -> list[str]:
    """Return the pages that are not what the code says now."""
    return [
        name
        for name, text in PAGES.items()
        if not (FOLDER / name).exists() or (FOLDER / name).read_text(encoding="utf-8") != text()
    ]


def write() -> list[str]:
    """Write the pages that are behind and return their names."""
    names = behind()
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in names:
        (FOLDER / name).write_text(PAGES[name](), encoding="utf-8")
    return names
