"""Check strings: the conditions of policy rules, in the grammar of oslo.policy.

`@` always passes, `!` never. `role:member` requires a role, `rule:name` the condition of another rule, and
`project_id:%(project_id)s` that an attribute of the caller equals one of the target. `not`, `and`, `or` and parentheses
combine them; `and` binds tighter than `or`.
"""

import functools
import re
from collections.abc import Callable, Iterator, Mapping

from enamel.model.caller import Caller

Check = Callable[[Caller, Mapping[str, str]], bool]
"""Returns whether a caller may do something to a target, which is described by its attributes."""

_TOKEN = re.compile(r"\(|\)|[^\s()]+(?:\([^\s()]*\)[^\s()]*)*")
_ATTRIBUTE = re.compile(r"(\w+):%\((\w+)\)s")


def evaluate(
    condition: str, caller: Caller, target: Mapping[str, str], *, rules: Mapping[str, str] | None = None
) -> bool:
    """Return whether a condition holds.

    Args:
        condition: The check string.
        caller: Who asks.
        target: What it is about, by attributes.
        rules: The conditions of the rules that `rule:` refers to, by name.

    Raises:
        ValueError: The check string is malformed, or refers to an unknown rule.
    """
    return _Evaluation(caller, target, rules or {}).holds(condition)


@functools.cache
def tokens(condition: str) -> tuple[str, ...]:
    """Return the words and parentheses of a check string."""
    return tuple(_TOKEN.findall(condition))


class _Evaluation:
    """Evaluates check strings for one caller and one target."""

    def __init__(self, caller: Caller, target: Mapping[str, str], rules: Mapping[str, str]) -> None:
        self._caller = caller
        self._target = target
        self._rules = rules

    def holds(self, condition: str) -> bool:
        words = iter((*tokens(condition), ""))
        result, word = self._either(words, next(words))
        if word:
            raise ValueError(f"'{word}' is not expected in the check string '{condition}'.")
        return result

    def _either(self, words: Iterator[str], word: str) -> tuple[bool, str]:
        result, word = self._both(words, word)
        while word == "or":
            other, word = self._both(words, next(words))
            result = result or other
        return result, word

    def _both(self, words: Iterator[str], word: str) -> tuple[bool, str]:
        result, word = self._single(words, word)
        while word == "and":
            other, word = self._single(words, next(words))
            result = result and other
        return result, word

    def _single(self, words: Iterator[str], word: str) -> tuple[bool, str]:
        if word == "not":
            result, word = self._single(words, next(words))
            return not result, word
        if word == "(":
            result, word = self._either(words, next(words))
            if word != ")":
                raise ValueError("A parenthesis of the check string is not closed.")
            return result, next(words)
        return self._word(word), next(words)

    def _word(self, word: str) -> bool:
        kind, _, value = word.partition(":")
        if word in {"@", "!"}:
            return word == "@"
        if kind == "role":
            return value.lower() in {role.lower() for role in self._caller.roles}
        if kind == "rule" and value in self._rules:
            return self.holds(self._rules[value])
        if match := _ATTRIBUTE.fullmatch(word):
            own = getattr(self._caller, match[1], None)
            return own is not None and own == self._target.get(match[2])
        raise ValueError(f"'{word}' is not a check of a policy rule.")
