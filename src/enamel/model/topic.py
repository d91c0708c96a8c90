"""Topics: the types of tasks that a worker serves, named by patterns."""

import re
from collections.abc import Collection, Iterable

from msgspec import Struct

_PATTERN = re.compile(r"!?(\*|[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*(\.\*)?)")


class Topics(Struct, frozen=True, kw_only=True):
    """A choice among the types of tasks."""

    only: tuple[str, ...] = ()
    """Patterns of which one must fit; none for all. A pattern is a type or ends in `.*`; `*` fits all."""
    but: tuple[str, ...] = ()
    """Patterns of which none may fit."""

    def __str__(self) -> str:
        """Return the patterns as they are written."""
        return ",".join([*(self.only or ("*",)), *(f"!{pattern}" for pattern in self.but)])

    def serve(self, type: str) -> bool:
        """Tell whether tasks of a type are among these."""
        chosen = not self.only or any(_fits(pattern, type) for pattern in self.only)
        return chosen and not any(_fits(pattern, type) for pattern in self.but)

    def strange(self, types: Collection[str]) -> tuple[str, ...]:
        """Return the patterns that fit none of the types that there are."""
        return tuple(
            pattern for pattern in (*self.only, *self.but) if not any(_fits(pattern, type) for type in types)
        )


ALL = Topics()
"""Every type."""


def parse(patterns: Iterable[str]) -> Topics:
    """Return the topics that patterns such as `server.*` and `!server.create` choose.

    Raises:
        ValueError: One of them is not a pattern.

    """
    words = [pattern.strip() for pattern in patterns]
    for word in words:
        if not _PATTERN.fullmatch(word):
            raise ValueError(
                f"'{word}' names no topics: write a type like server.create, a family like server.*, "
                "or one of these after a ! to leave it out"
            )
    return Topics(
        only=tuple(word for word in words if not word.startswith("!")),
        but=tuple(word[1:] for word in words if word.startswith("!")),
    )


def _fits(pattern: str, type: str) -> bool:
    return type.startswith(pattern[:-1]) if pattern.endswith("*") else type == pattern
