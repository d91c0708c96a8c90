"""Section `store`: where tasks are kept."""

from datetime import timedelta

from msgspec import Struct

from enamel.conf.kind import SecretUrl


class Settings(Struct, frozen=True, kw_only=True):
    """Where tasks are kept."""

    url: SecretUrl | None = None
    """URL of the database: postgresql+psycopg://user:password@host/name, mariadb+pymysql://… or sqlite:///path. If not
    set, a file in the data directory, which only `enamel up` can use."""
    timeout: timedelta = timedelta(seconds=5)
    """How long a request to the API waits for a database that is unavailable."""
    retention: timedelta | None = None
    """How long the record of a task is kept after the task ended. If not set, for ever."""
