"""The catalogue: every generated page, and whether it is what the code says."""

import pathlib
from collections.abc import Callable

from tools.reference import (
    bodies,
    cli,
    commands,
    errors,
    events,
    modules,
    policy,
    routes,
    settings,
    steps,
    tasks,
)

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "docs" / "reference"

PAGES: dict[str, Callable[[], str]] = {
    "bodies.md": bodies.text,
    "cli.md": cli.text,
    "commands.md": commands.text,
    "errors.md": errors.text,
    "events.md": events.text,
    "modules.md": modules.text,
    "policy.md": policy.text,
    "routes.md": routes.text,
    "settings.md": settings.text,
    "steps.md": steps.text,
    "tasks.md": tasks.text,
}


def is_behind(name: str) -> bool:
    """Return whether a page differs from what the code says now."""
    path = FOLDER / name
    return not path.exists() or path.read_text(encoding="utf-8") != PAGES[name]()


def write() -> list[str]:
    """Write the pages that are behind and return their names."""
    names = [name for name in PAGES if is_behind(name)]
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in names:
        (FOLDER / name).write_text(PAGES[name](), encoding="utf-8")
    return names
