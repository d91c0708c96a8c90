"""Words that a reader would stumble over, and what to write instead.

`python -m tools.phrases` counts them by directory; with paths, it prints each line that holds one:
`python -m tools.phrases src/enamel/cli docs`. The test `tests/docs/test_phrases.py` keeps them out.
"""

import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
READ = (
    "src",
    "docs",
    "tools",
    "deploy",
    "changes",
    "README.md",
    "CONTRIBUTING.md",
    "Makefile",
    "pyproject.toml",
)
"""Where people read: every text file below these, which includes the help of the command line and all errors."""
TEXTS = {".py", ".md", ".toml", ".yaml", ".yml", ".ini", ".conf", ".service", ".html", ""}


class Phrase(NamedTuple):
    """A way of putting things that is not the field's own."""

    pattern: str
    """A regular expression; a space in it also matches a line break."""
    reason: str
    """What makes a reader stop."""
    better: str
    """What to write instead."""


PHRASES = (
    Phrase(r"that (is|are|was|were) there\b", "where is there?", "existing"),
    Phrase(
        r"(is|are|was|were|be|been|being) told\b",
        "a service tells nothing",
        "is sent, is reported, is informed",
    ),
    Phrase(r"(where|when|if) (it is |they are )?not said\b", "said by whom?", "if not set; the default is"),
    Phrase(r"where nothing is said\b", "said by whom?", "if not set; the default is"),
    Phrase(r"so many\b", "how many?", "N, that number of"),
    Phrase(
        r"go(es)? before (a|an|it|the|them|those|this|that)\b",
        "before in time?",
        "overrides, takes precedence over",
    ),
    Phrase(r"left alone\b", "nobody is alone", "calls are paused"),
    Phrase(r"trouble of its own\b", "whose?", "internal error"),
    Phrase(r"fault of its own\b", "whose?", "internal error"),
    Phrase(r"sign of life\b", "processes do not live", "no heartbeat, no answer"),
    Phrase(r"late fruit\b", "a riddle", "duplicates made by earlier attempts"),
    Phrase(r"Expected is\b", "word order", "Expected an object, got null."),
    Phrase(r"chances?\b", "luck?", "random numbers, probability"),
    Phrase(r"belongs? to nobody\b", "a riddle", "is an orphan"),
    Phrase(r"the way back\b", "back where?", "undo, rollback"),
    Phrase(r"on trial\b", "a court?", "in VERIFY_RESIZE, until confirmed"),
    Phrase(r"who we are\b", "we?", "the user, project and roles of these credentials"),
    Phrase(r"plumbing calls?\b", "our own slang", "API calls"),
    Phrase(r"promised\b", "by whom?", "reserved"),
    Phrase(r"just now\b", "when?", "at the moment; leave it out"),
    Phrase(r"(first|last|next|every|another) look\b", "who looks?", "poll"),
    Phrase(r"picture of\b", "not an image", "snapshot, view, record"),
    Phrase(r"comes to on\b", "a riddle", "plan the request on every candidate cloud"),
    Phrase(r"has it in hand\b|a worker has it\b", "no hands", "started"),
    Phrase(r"\"\"\"Have \w+ (start|told|go|run)\b", "a help text begins with its verb", "Reboot servers."),
)


class Finding(NamedTuple):
    """One place where such a phrase stands."""

    path: str
    """The file, below the root."""
    line: int
    """The line it begins on."""
    words: str
    """What stands there."""
    phrase: Phrase
    """What it is an instance of."""

    def __str__(self) -> str:
        """Say where it is and what to write instead."""
        return f"{self.path}:{self.line}: '{self.words}' ({self.phrase.reason}): {self.phrase.better}"


def _expression(pattern: str) -> re.Pattern[str]:
    """Return what finds a phrase, also where a line of prose or of comment breaks inside it."""
    begin = "" if pattern.startswith('\\"') else r"\b"
    return re.compile(begin + "(?:" + pattern.replace(" ", r"\s+(?:#\s+)?") + ")", re.IGNORECASE)


_COMPILED = [(_expression(phrase.pattern), phrase) for phrase in PHRASES]


def files() -> Iterator[Path]:
    """Yield the files that people read, without this one."""
    for name in READ:
        place = ROOT / name
        for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if (
                path.is_file()
                and path.suffix in TEXTS
                and "__pycache__" not in path.parts
                and path != Path(__file__)
            ):
                yield path


def matches(text: str) -> Iterator[tuple[re.Match[str], Phrase]]:
    """Yield every such phrase in a text, in the order of the table."""
    for expression, phrase in _COMPILED:
        for match in expression.finditer(text):
            yield match, phrase


def findings() -> list[Finding]:
    """Return every place that holds such a phrase."""
    places = []
    for path in files():
        text = path.read_text(encoding="utf-8")
        for match, phrase in matches(text):
            line = text.count("\n", 0, match.start()) + 1
            words = " ".join(match.group().split())
            places.append(Finding(path.relative_to(ROOT).as_posix(), line, words, phrase))
    return sorted(places)


def directory(path: str) -> str:
    """Return the part of the tree that a file is counted with: a floor, a part of the documentation, or itself."""
    parts = path.split("/")
    depth = {"src": 3, "docs": 2, "tools": 2}.get(parts[0], 1)
    return "/".join(parts[: min(depth, len(parts) - 1)]) or path


def main(paths: list[str]) -> None:
    """Print the places below these paths, or the number of them by directory."""
    everything = findings()
    if paths:
        for finding in everything:
            if any(finding.path == path or finding.path.startswith(path.rstrip("/") + "/") for path in paths):
                print(finding)
        return
    counts = Counter(directory(finding.path) for finding in everything)
    for name, count in sorted(counts.items()):
        print(f"{count:5}  {name}")
    print(f"{counts.total():5}  in all")


if __name__ == "__main__":
    main(sys.argv[1:])
