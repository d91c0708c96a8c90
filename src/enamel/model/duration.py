"""Durations as people write them: `90s`, `30m`, `4h`, `2d`."""

import re
from datetime import timedelta
from typing import Annotated

from msgspec import Meta

Text = Annotated[
    str, Meta(min_length=1, max_length=16, extra={"expected": "a duration such as 90s, 30m or 4h"})
]
"""A field that holds a duration; `parse` says whether it does."""

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_LONGEST = timedelta(days=3650)
_FORM = re.compile(r"([1-9][0-9]{0,8})(s|m|h|d)")


def parse(text: str) -> timedelta:
    """Return the duration that a text such as `90s` or `4h` names.

    Raises:
        ValueError: The text is not a positive whole number with one of the units s, m, h, d, or more than ten years.

    """
    match = _FORM.fullmatch(text)
    if not match:
        raise ValueError(
            f"'{text}' is not a duration: write a number and s, m, h or d, for example 90s or 4h"
        )
    named = timedelta(seconds=int(match[1]) * _UNITS[match[2]])
    if named > _LONGEST:
        raise ValueError(f"'{text}' is too long: at most 3650d")
    return named


def seconds(text: str) -> float:
    """Return the seconds of a duration text; see `parse`."""
    return parse(text).total_seconds()
