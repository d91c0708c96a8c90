"""The first schema: tasks with their items, events and servers; leases; idempotency keys."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

from enamel.store.migrations import making

revision = "expand_0001"
down_revision = None

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
    """Make the tables."""
    making.table(
        "events",
        sa.Column("task", sa.String(36), nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.String(64), nullable=False),
        sa.Column("item", sa.String(255)),
        sa.Column("data", _LONG),
        sa.PrimaryKeyConstraint("task", "seq"),
        **_EXACT,
    )
    making.table(
        "idempotency",
        sa.Column("project_id", sa.String(64), nullable=False),
        sa.Column("user_id", sa.String(64), nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("request_id", sa.String(64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Integer()),
        sa.Column("headers", _LONG),
        sa.Column("body", _LONG),
        sa.PrimaryKeyConstraint("project_id", "user_id", "key"),
        **_EXACT,
    )
    making.index("idempotency_by_age", "idempotency", ["created_at"])
    making.table(
        "items",
        sa.Column("task", sa.String(36), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("position", sa.Integer()),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("server", sa.String(255)),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("uncertain", sa.Boolean(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.BigInteger()),
        sa.Column("ended_at", sa.BigInteger()),
        sa.Column("outputs", _LONG),
        sa.Column("error", _LONG),
        sa.Column("calls", _LONG),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("task", "name"),
        **_EXACT,
    )
    making.table(
        "task_servers",
        sa.Column("server", sa.String(255), nullable=False),
        sa.Column("task", sa.String(36), nullable=False),
        sa.PrimaryKeyConstraint("server", "task"),
        **_EXACT,
    )
    making.index("servers_of_task", "task_servers", ["task"])
    making.table(
        "tasks",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("type", sa.String(64), nullable=False),
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reverting", sa.Boolean(), nullable=False),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger()),
        sa.Column("ended_at", sa.BigInteger()),
        sa.Column("created_by", sa.String(64), nullable=False),
        sa.Column("project_id", sa.String(64), nullable=False),
        sa.Column("request_id", sa.String(64), nullable=False),
        sa.Column("priority", sa.SmallInteger(), nullable=False),
        sa.Column("turn", sa.BigInteger()),
        sa.Column("not_before", sa.BigInteger()),
        sa.Column("deadline", sa.BigInteger()),
        sa.Column("cloud", sa.String(255), nullable=False),
        sa.Column("worker", sa.String(36)),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("parent", sa.String(36)),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("events", sa.Integer(), nullable=False),
        sa.Column("request", _LONG),
        sa.Column("plan", _LONG),
        sa.Column("servers", _LONG),
        sa.Column("result", _LONG),
        sa.Column("error", _LONG),
        sa.Column("reserves", _LONG),
        sa.Column("secrets", _LONG),
        sa.Column("groups", _LONG),
        sa.PrimaryKeyConstraint("id"),
        **_EXACT,
    )
    making.index("tasks_by_time", "tasks", ["state", "not_before"])
    making.index("tasks_by_deadline", "tasks", ["state", "deadline"])
    making.index("tasks_of_parent", "tasks", ["parent"])
    making.index("tasks_of_project", "tasks", ["project_id", "id"])
    making.index("tasks_of_project_by_state", "tasks", ["project_id", "state", "priority", "turn"])
    making.index("tasks_of_worker", "tasks", ["worker", "state"])
    making.index("tasks_to_claim", "tasks", ["state", "priority", "turn", "created_at"])
    making.table(
        "workers",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        **_EXACT,
    )
    making.index("workers_by_expiry", "workers", ["expires_at"])


def downgrade() -> None:
    """Remove the tables, with everything in them."""
    op.drop_table("workers")
    op.drop_table("tasks")
    op.drop_table("task_servers")
    op.drop_table("items")
    op.drop_table("idempotency")
    op.drop_table("events")
