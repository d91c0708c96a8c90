"""Credentials: tasks keep the authority on which they use clouds, and the version of their plan."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

from enamel.store.migrations import making

revision = "expand_0005"
down_revision = "expand_0004"

_LONG = sa.Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")


def upgrade() -> None:
    """Add the columns; tasks of the version before have nothing in them."""
    making.column("tasks", sa.Column("credential", _LONG))
    making.column("tasks", sa.Column("plan_version", sa.Integer()))


def downgrade() -> None:
    """Remove them, with everything in them."""
    op.drop_column("tasks", "plan_version")
    op.drop_column("tasks", "credential")
