"""The task index: tasks are found by project and by what they are about, not by servers alone."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from enamel.store.migrations import making

revision = "expand_0006"
down_revision = "expand_0005"

_EXACT: dict[str, Any] = {
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
    "mysql_engine": "InnoDB",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_bin",
    "mariadb_engine": "InnoDB",
}


def _copy() -> None:
    """Copy what `task_servers` holds, unless an interrupted upgrade has."""
    before = sa.table("task_servers", sa.column("server"), sa.column("task"))
    tasks = sa.table("tasks", sa.column("id"), sa.column("project_id"))
    columns = ("kind", "key", "project_id", "task")
    index = sa.table("task_index", *map(sa.column, columns))
    named = before.c.server.like("name:%")
    kind = sa.case((named, "hostname"), else_="server")
    key = sa.case((named, sa.func.substr(before.c.server, 6)), else_=before.c.server)
    copied = sa.exists().where(index.c.task == before.c.task, index.c.kind == kind, index.c.key == key)
    rows = sa.select(kind, key, tasks.c.project_id, tasks.c.id).join_from(
        before, tasks, tasks.c.id == before.c.task
    )
    op.execute(index.insert().from_select(columns, rows.where(~copied)))


def upgrade() -> None:
    """Add the table and copy what is known; processes of the version before go on with `task_servers`."""
    making.table(
        "task_index",
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("project_id", sa.String(64), nullable=False),
        sa.Column("task", sa.String(36), nullable=False),
        sa.PrimaryKeyConstraint("kind", "key", "project_id", "task"),
        **_EXACT,
    )
    making.index("task_index_by_task", "task_index", ["task"])
    _copy()


def downgrade() -> None:
    """Remove it, with everything in it."""
    op.drop_table("task_index")
