"""Section `store`: where tasks are kept."""

from datetime import timedelta

from msgspec import Struct


class Settings(Struct, frozen=True, kw_only=True):
    """Where tasks are kept."""

    url: str
    """The database: sqlite:///…, postgresql+psycopg://… or mariadb+pymysql://…"""
    give_up_after: timedelta = timedelta(seconds=5)
    """How long a caller of the API waits for a database that is away."""
