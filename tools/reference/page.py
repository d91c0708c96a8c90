"""The page: Markdown that is readable as it is, on a forge or in a terminal."""

import re
from collections.abc import Iterable, Sequence

NOTICE = "<!-- Written by `make docs` from {source}. Change it there. -->"


def compose(*, title: str, source: str, intro: str, parts: Iterable[str]) -> str:
    """Return a whole page: its title, where it comes from, a paragraph, then the parts."""
    return (
        "\n\n".join([f"# {title}", NOTICE.format(source=source), sentence(intro), *filter(None, parts)])
        + "\n"
    )


def table(*, header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table, or nothing if it has no rows."""
    body = ["| " + " | ".join(cell(text) for text in row) + " |" for row in rows]
    if not body:
        return ""
    return "\n".join(["| " + " | ".join(header) + " |", "|" + " --- |" * len(header), *body])


def cell(text: str) -> str:
    """Return a text as one line that a table can hold."""
    return sentence(text).replace("|", "\\|")


def sentence(text: str) -> str:
    """Return a text without the line breaks and indents of its source, paragraphs kept apart by a space."""
    return re.sub(r"\s+", " ", text).strip()


def unwrap(text: str) -> str:
    """Return a text with its paragraphs kept, each on one line."""
    return "\n\n".join(map(sentence, text.split("\n\n")))


def code(text: object) -> str:
    """Return a text set as code, or nothing for nothing."""
    return f"`{text}`" if text not in ("", None) else ""


def anchor(heading: str) -> str:
    """Return the anchor that forges give a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")
