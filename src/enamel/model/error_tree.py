"""The tree of errors: all of them, and the one that has a code."""

from enamel.model.errors import EnamelError


def tree(root: type[EnamelError] = EnamelError) -> list[type[EnamelError]]:
    """Return a class of errors and all below it, in order of definition."""
    return [root, *(kind for child in root.__subclasses__() for kind in tree(child))]


def by_code(code: str) -> type[EnamelError]:
    """Return the class that has a code; EnamelError where none has it."""
    return next((kind for kind in tree() if kind.code == code), EnamelError)
