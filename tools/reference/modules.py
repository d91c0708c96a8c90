"""The page of modules: which file holds what, floor by floor."""

import ast
import pathlib

import enamel
from tools.reference import page

SOURCE = pathlib.Path(enamel.__file__).parent
FLOORS = [
    "cli", "bootstrap", "maintenance", "api", "worker", "service", "commands", "flow", "steps", "clouds", "sandbox", "secrets",
    "dispatch", "store", "conf", "telemetry", "model",
]  # fmt: skip


def text() -> str:
    """Return the page: one heading for each floor, from the top down, and one line for each file."""
    return page.compose(
        title="Modules",
        source="the first line of each file",
        intro="The floors from the top down, and what each file is for. Imports go down only.",
        parts=[_floor(name) for name in FLOORS],
    )


def files(floor: str) -> list[pathlib.Path]:
    """Return the files of a floor that hold something."""
    single = SOURCE / f"{floor}.py"
    paths = [single] if single.exists() else sorted((SOURCE / floor).rglob("*.py"))
    return [path for path in paths if path.stat().st_size]


def _floor(name: str) -> str:
    rows = [(page.code(path.relative_to(SOURCE)), _purpose(path)) for path in files(name)]
    return f"## {name}\n\n{page.table(header=['file', 'is for'], rows=rows)}" if rows else ""


def _purpose(path: pathlib.Path) -> str:
    said = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return page.sentence(said.partition("\n\n")[0])
