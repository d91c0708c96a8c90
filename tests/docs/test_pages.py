"""The documentation holds together: links lead somewhere, and every page can be reached from the index."""

import re
from pathlib import Path

import pytest

from tools.reference import page as page_of

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(
    [*DOCS.rglob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "changes").glob("*.md")]
)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
KINDS = {"feature", "upgrade", "deprecation", "security", "fix"}


def prose(page: Path) -> str:
    """Return a page without its code blocks, where brackets mean other things."""
    return re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    """Return the anchors that forges make of a page's headings."""
    headings = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    return {page_of.anchor(heading) for heading in headings}


def targets(page: Path) -> list[tuple[Path, str]]:
    """Return where a page's links inside the project lead: the file and the anchor in it."""
    inside = [
        link for link in LINK.findall(prose(page)) if "://" not in link and not link.startswith("mailto:")
    ]
    parts = [link.partition("#") for link in inside]
    return [((page.parent / path).resolve() if path else page, anchor) for path, _, anchor in parts]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    dead = [f"{path}#{anchor}" for path, anchor in targets(page) if not path.exists()]
    dead += [
        f"{path.name}#{anchor}"
        for path, anchor in targets(page)
        if anchor and path.suffix == ".md" and path.exists() and anchor not in anchors(path)
    ]
    assert dead == []


def test_every_page_can_be_reached_from_the_index() -> None:
    reached, ahead = set(), [DOCS / "index.md"]
    while ahead:
        page = ahead.pop()
        if page not in reached and page.suffix == ".md" and page.exists():
            reached.add(page)
            ahead += [path for path, _ in targets(page)]
    assert set(DOCS.rglob("*.md")) - reached == set()


def test_readme_opens_with_the_two_commands() -> None:
    opening = (ROOT / "README.md").read_text(encoding="utf-8")[:1200]
    assert "make demo" in opening
    assert "make test" in opening


def test_changes_are_named_by_issue_and_kind() -> None:
    fragments = [path for path in (ROOT / "changes").glob("*.md") if path.name != "README.md"]
    odd = [
        path.name
        for path in fragments
        if not re.fullmatch(rf"\d+(\.[a-z-]+)?\.({'|'.join(sorted(KINDS))})\.md", path.name)
    ]
    assert odd == []
