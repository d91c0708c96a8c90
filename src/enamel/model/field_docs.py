"""The sentences that stand under the fields of Structs: what schemas, reference pages and sample files say of them."""

import ast
import inspect
import itertools
import textwrap
from collections.abc import Iterator


def of(struct: type) -> dict[str, str]:
    """Return the sentence under each field of a Struct and of those that it inherits from."""
    sentences: dict[str, str] = {}
    for owner in reversed(struct.__mro__):
        if owner.__module__.startswith("enamel"):
            sentences |= dict(_own(owner))
    return sentences


def _own(owner: type) -> Iterator[tuple[str, str]]:
    parsed = ast.parse(textwrap.dedent(inspect.getsource(owner))).body[0]
    lines = parsed.body if isinstance(parsed, ast.ClassDef) else []
    for field, said in itertools.pairwise(lines):
        match field, said:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                yield name, " ".join(text.split())
