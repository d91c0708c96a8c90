"""Roles: the one place where Enamel asks whether somebody has an operator's rights."""

from collections.abc import Collection

ADMIN = "admin"
"""The role that clouds require of operators, unless their policies say otherwise."""


def is_admin(roles: Collection[str]) -> bool:
    """Return whether one of these roles gives an operator's rights."""
    return ADMIN in roles
