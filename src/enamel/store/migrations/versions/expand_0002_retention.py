"""Retention: find old tasks fast, and remember the secrets that are to be removed from the key store."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from enamel.store.migrations import making

revision = "expand_0002"
down_revision = "expand_0001"

_EXACT: dict[str, Any] = {
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
    "mysql_engine": "InnoDB",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_bin",
    "mariadb_engine": "InnoDB",
}


def upgrade() -> None:
    """Add the table and the index."""
    making.table(
        "spent_secrets",
        sa.Column("ref", sa.String(255), nullable=False),
        sa.PrimaryKeyConstraint("ref"),
        **_EXACT,
    )
    making.index("tasks_by_end", "tasks", ["ended_at"])


def downgrade() -> None:
    """Remove them."""
    op.drop_index("tasks_by_end", "tasks")
    op.drop_table("spent_secrets")
