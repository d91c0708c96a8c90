"""The fault: one thing that is wrong with a request."""

from msgspec import Struct


class Fault(Struct, frozen=True, kw_only=True):
    """One thing that is wrong with a request."""

    pointer: str
    """JSON pointer (RFC 6901) into the body, or `?name` for a query parameter, or a header's name."""
    detail: str
    """What is wrong, and what would be right."""
    code: str = "invalid"
    """A word that tells programs which rule was broken."""


MOST_FAULTS = 100
"""Most faults of one error; a request with more is hardly written by a person."""
