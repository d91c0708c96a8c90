"""Which tasks hold secrets, so that sweeping them does not read every task of the past."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from enamel.store.migrations import making

revision = "expand_0008"
down_revision = "expand_0007"

_EXACT: dict[str, Any] = {
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
    "mysql_engine": "InnoDB",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_bin",
    "mariadb_engine": "InnoDB",
}


def upgrade() -> None:
    """Add the table, and list what is known already."""
    making.table(
        "task_secrets",
        sa.Column("task", sa.String(36), nullable=False),
        sa.PrimaryKeyConstraint("task"),
        **_EXACT,
    )
    # An upgrade that broke off may have listed some.
    op.execute("DELETE FROM task_secrets")
    op.execute("INSERT INTO task_secrets (task) SELECT id FROM tasks WHERE secrets IS NOT NULL")


def downgrade() -> None:
    """Remove the table."""
    op.drop_table("task_secrets")
