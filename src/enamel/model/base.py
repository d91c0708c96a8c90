"""The ground of every value that crosses a floor: a frozen Struct."""

from msgspec import Struct


class Model(Struct, frozen=True, kw_only=True):
    """A value that is made once and never changed."""


class Body(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of a request: a value that knows all its fields and refuses others."""
