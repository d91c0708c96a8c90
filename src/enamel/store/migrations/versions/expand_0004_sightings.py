"""Sightings: what looks for orphans have found, and since when."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from enamel.store.migrations import making

revision = "expand_0004"
down_revision = "expand_0003"

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
        "sightings",
        sa.Column("cloud", sa.String(255), nullable=False),
        sa.Column("project_id", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("why", sa.String(16), nullable=False),
        sa.Column("first_seen", sa.BigInteger(), nullable=False),
        sa.Column("last_seen", sa.BigInteger(), nullable=False),
        sa.Column("looks", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("cloud", "project_id", "kind", "id"),
        **_EXACT,
    )


def downgrade() -> None:
    """Remove it, with everything in it."""
    op.drop_table("sightings")
