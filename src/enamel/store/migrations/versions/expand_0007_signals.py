"""Signals: the messages for which steps of tasks wait."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

from enamel.store.migrations import making

revision = "expand_0007"
down_revision = "expand_0006"

_LONG = sa.Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")
_EXACT: dict[str, Any] = {
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
    "mysql_engine": "InnoDB",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_bin",
    "mariadb_engine": "InnoDB",
}


def upgrade() -> None:
    """Add the table."""
    making.table(
        "signals",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("task", sa.String(36), nullable=False),
        sa.Column("project_id", sa.String(64), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("data", _LONG),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        **_EXACT,
    )
    making.index("signals_of_task", "signals", ["task", "name", "id"])


def downgrade() -> None:
    """Remove it, with everything in it."""
    op.drop_table("signals")
