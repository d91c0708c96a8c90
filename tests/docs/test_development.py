"""The pages for maintainers name files that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted((ROOT / "docs" / "development").glob("*.md"))
ELSEWHERE = {"dist/"}
"""Paths that a command makes."""
FILE = re.compile(r"`((?:[\w.-]+/)+(?:[\w.-]+\.(?:py|md|yaml|toml|jinja))?)`")


def paths(page: Path) -> list[str]:
    """Return the paths that a page names; those with a `<placeholder>` are not among them."""
    return FILE.findall(page.read_text(encoding="utf-8"))


def exists(path: str) -> bool:
    """Return whether a path exists, seen from the root or from the package."""
    return any((place / path).exists() for place in (ROOT, ROOT / "src", ROOT / "src" / "enamel"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_that_a_page_names_exist(page: Path) -> None:
    assert [path for path in paths(page) if not exists(path) and path not in ELSEWHERE] == []


def test_paths_are_found() -> None:
    assert len(paths(ROOT / "docs" / "development" / "extend.md")) > 50
