"""Section `store`: where tasks are kept."""

from datetime import timedelta

from msgspec import Struct

from enamel.conf.kind import SecretUrl


class Settings(Struct, frozen=True, kw_only=True):
    """Where tasks are kept."""

    url: SecretUrl | None = None
    """The database: postgresql+psycopg://user:password@host/name, mariadb+pymysql://… or sqlite:///path. Without it, a
    file in the data directory, which is for `enamel up` alone."""
    timeout: timedelta = timedelta(seconds=5)
    """How long a caller of the API waits for a database that is away."""
    retention: timedelta | None = None
    """How long tasks are kept after their end, before workers remove their records. Without it, for ever."""
