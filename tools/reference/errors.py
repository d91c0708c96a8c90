"""The page of error codes."""

import inspect

from enamel.model import error_tree, errors
from tools.reference import page


def text() -> str:
    """Return the page: one heading for each code, in the order of the tree."""
    return page.compose(
        title="Error codes",
        source="`enamel.model.errors`",
        intro="Every error carries a code that never changes its meaning. It stands in `code` of an error body, of "
        "a task's and of an item's `error`. *Retryable* means that the same request may succeed later.",
        parts=[_entry(kind) for kind in error_tree.tree()],
    )


def _entry(kind: type[errors.EnamelError]) -> str:
    title, _, more = (inspect.cleandoc(kind.__doc__ or "")).partition("\n")
    facts = f"HTTP status {kind.status}{', retryable' if kind.retryable else ''}."
    remedy = f"What to do: {kind.remedy}" if kind.remedy else ""
    return "\n\n".join(
        filter(None, [f"## `{kind.code}`", f"{title} {page.sentence(more)}".strip(), facts, remedy])
    )
