"""Since when a task has waited for another worker, so that this time does not count against its deadline."""

import sqlalchemy as sa
from alembic import op

from enamel.store.migrations import making

revision = "expand_0010"
down_revision = "expand_0008"


def upgrade() -> None:
    """Add the column; tasks of the version before have nothing in it."""
    making.column("tasks", sa.Column("released_at", sa.BigInteger()))


def downgrade() -> None:
    """Remove it."""
    op.drop_column("tasks", "released_at")
