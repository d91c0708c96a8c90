"""The choice: one of a few values in bodies and queries, in UPPER_CASE like all of them."""

import enum


class Choice(enum.Enum):
    """A value that is stored, or cached for other processes, as well as shown."""

    @classmethod
    def _missing_(cls, value: object) -> "Choice | None":
        # Stored before 0.2 as `in-use`, `high` or `security_group`.
        return cls.__members__.get(value.upper().replace("-", "_")) if isinstance(value, str) else None
