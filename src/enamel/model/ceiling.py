"""Ceilings: what an operator allows at the most on clouds and their services."""

import re
from collections.abc import Mapping

from msgspec import Struct

_CEILING = re.compile(r"(?:([^\s=,]+)\s*=\s*)?(\d{1,6}(?:\.\d{1,3})?)")


class Ceilings(Struct, frozen=True, kw_only=True):
    """A number for clouds and for services of clouds; the most particular one counts."""

    everywhere: float | None = None
    """For each service of each cloud that is not named."""
    named: Mapping[str, float] = {}
    """By cloud, for each of its services, or by cloud/service."""

    def of(self, cloud: str, service: str) -> float | None:
        """Return the number for a service of a cloud; None where there is none."""
        return self.named.get(f"{cloud}/{service}", self.named.get(cloud, self.everywhere))


NONE = Ceilings()
"""No ceilings."""


def parse(text: str) -> Ceilings:
    """Return the ceilings that a text such as `32, north=8, north/network=4` names.

    Raises:
        ValueError: A part of it names none.

    """
    everywhere = None
    named: dict[str, float] = {}
    for part in filter(None, map(str.strip, text.split(","))):
        match = _CEILING.fullmatch(part)
        if not match or not float(match[2]):
            raise ValueError(
                f"'{part}' is no ceiling: write a number above 0, or CLOUD=8 or CLOUD/network=4 for one alone"
            )
        if match[1]:
            named[match[1]] = float(match[2])
        else:
            everywhere = float(match[2])
    return Ceilings(everywhere=everywhere, named=named)


def text(ceilings: Ceilings) -> str:
    """Return the text that names ceilings."""
    parts = [] if ceilings.everywhere is None else [f"{ceilings.everywhere:g}"]
    return ", ".join([*parts, *(f"{name}={number:g}" for name, number in ceilings.named.items())])
