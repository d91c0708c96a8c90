"""Webhooks: where a task's events are sent; and locks, under which limits are counted."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

from enamel.store.migrations import making

revision = "expand_0003"
down_revision = "expand_0002"

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
    """Add the tables."""
    making.table(
        "locks",
        sa.Column("name", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("name"),
        **_EXACT,
    )
    making.table(
        "webhooks",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("task", sa.String(36), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("events", _LONG),
        sa.Column("secrets", _LONG),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("sent", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_status", sa.Integer()),
        sa.Column("last_error", sa.Text()),
        sa.Column("next_at", sa.BigInteger()),
        sa.Column("worker", sa.String(36)),
        sa.PrimaryKeyConstraint("id"),
        **_EXACT,
    )
    making.index("webhooks_of_task", "webhooks", ["task"])
    making.index("webhooks_by_time", "webhooks", ["state", "next_at"])


def downgrade() -> None:
    """Remove them, with everything in them."""
    op.drop_table("webhooks")
    op.drop_table("locks")
