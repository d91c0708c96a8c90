"""Tags of servers on clouds that are older than tags: they are kept in the metadata."""

from collections.abc import Iterable, Iterator, Mapping

KEY = "enamel-tags"
"""The key of the first text; further ones are numbered: `enamel-tags-2` …"""
LONGEST = 255
"""How long a text in the metadata may be."""


def written(tags: Iterable[str]) -> dict[str, str]:
    """Return the metadata that hold tags; no tag has a comma in it."""
    texts: list[str] = []
    for tag in tags:
        if texts and len(texts[-1]) + 1 + len(tag) <= LONGEST:
            texts[-1] += f",{tag}"
        else:
            texts.append(tag)
    return {_key(number): text for number, text in enumerate(texts, start=1)}


def read(metadata: Mapping[str, str]) -> Iterator[str]:
    """Yield the tags that metadata hold."""
    for number in range(1, len(metadata) + 1):
        text = metadata.get(_key(number))
        if text is None:
            return
        yield from filter(None, text.split(","))


def without(metadata: Mapping[str, str]) -> dict[str, str]:
    """Return what callers have put into the metadata, and the mark."""
    return {key: text for key, text in metadata.items() if not is_key(key)}


def is_key(key: str) -> bool:
    """Tell whether a key of the metadata is one that holds tags."""
    return key == KEY or (key.startswith(f"{KEY}-") and key.removeprefix(f"{KEY}-").isdecimal())


def _key(number: int) -> str:
    return KEY if number == 1 else f"{KEY}-{number}"
