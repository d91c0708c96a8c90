"""What keeps the cost of queries flat: lanes and heads of the queue, reservations with their sums, indexes; and heartbeats."""

from collections import Counter
from typing import Any

import msgspec
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

from enamel.store.migrations import making

revision = "expand_0013"
down_revision = "expand_0010"

_EXACT: dict[str, Any] = {
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
    "mysql_engine": "InnoDB",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_bin",
    "mariadb_engine": "InnoDB",
}
_TASKS = sa.table(
    "tasks",
    *map(
        sa.column,
        ("id", "state", "priority", "plan_version", "type", "project_id", "cloud", "lane", "reserves"),
    ),
)
_OPEN = _TASKS.c.state.in_(["WAITING", "RUNNING"])
_AT_ONCE = 1000


def upgrade() -> None:
    """Add the columns, tables and indexes, and fill them from the tasks that have not ended."""
    making.column("tasks", sa.Column("lane", sa.String(512)))
    for name, columns in {
        "tasks_by_lane": ["state", "lane", "turn", "created_at"],
        "tasks_to_join": ["state", "turn", "not_before"],
        "tasks_of_project_and_type": ["project_id", "type", "state", "id"],
        "tasks_of_project_and_state": ["project_id", "state", "id"],
        "tasks_of_project_and_cloud": ["project_id", "cloud", "id"],
    }.items():
        making.index(name, "tasks", columns)
    making.index("webhooks_to_claim", "webhooks", ["state", "next_at", "id"])
    making.table(
        "queue_heads",
        sa.Column("priority", sa.SmallInteger, autoincrement=False, nullable=False),
        sa.Column("turn", sa.BigInteger, nullable=False),
        sa.Column("before", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("priority"),
        **_EXACT,
    )
    making.table(
        "reservations",
        sa.Column("key", sa.String(292), nullable=False),
        sa.Column("task", sa.String(36), nullable=False),
        sa.Column("project_id", sa.String(64), nullable=False),
        sa.Column("cloud", sa.String(255), nullable=False),
        sa.Column("amounts", sa.Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")),
        sa.PrimaryKeyConstraint("key"),
        **_EXACT,
    )
    making.index("reservations_of_task", "reservations", ["task"])
    making.table(
        "reserved_quotas",
        sa.Column("project_id", sa.String(64), nullable=False),
        sa.Column("cloud", sa.String(255), nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("stripe", sa.SmallInteger, autoincrement=False, nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("project_id", "cloud", "kind", "stripe"),
        **_EXACT,
    )
    making.table(
        "heartbeats",
        sa.Column("worker", sa.String(36), nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("worker"),
        **_EXACT,
    )
    _fill_lanes()
    _fill_reservations()
    _forget_names()


def _fill_lanes() -> None:
    """Sort the tasks that have not ended into lanes."""
    text = sa.cast(_TASKS.c.priority, sa.String(8)) + "|"
    text = text + sa.cast(sa.func.coalesce(_TASKS.c.plan_version, 0), sa.String(12)) + "|"
    text = text + sa.cast(_TASKS.c.type, sa.String(64)) + "|" + sa.cast(_TASKS.c.project_id, sa.String(64))
    text = text + "|" + sa.cast(_TASKS.c.cloud, sa.String(255))
    op.execute(sa.update(_TASKS).where(_OPEN, _TASKS.c.lane.is_(None)).values(lane=text))


def _fill_reservations() -> None:
    """Count what the tasks that have not ended have reserved; each of them as a whole, until it ends."""
    connection = op.get_bind()
    reservations = sa.table(
        "reservations", *map(sa.column, ("key", "task", "project_id", "cloud", "amounts"))
    )
    sums = sa.table("reserved_quotas", *map(sa.column, ("project_id", "cloud", "kind", "stripe", "amount")))
    # An upgrade that broke off may have counted some.
    connection.execute(sa.delete(reservations))
    connection.execute(sa.delete(sums))
    total: Counter[tuple[str, str, str]] = Counter()
    columns = (_TASKS.c.id, _TASKS.c.project_id, _TASKS.c.cloud, _TASKS.c.reserves)
    query = sa.select(*columns).where(_OPEN, _TASKS.c.reserves.is_not(None)).order_by(_TASKS.c.id)
    after = ""
    while page := connection.execute(query.where(_TASKS.c.id > after).limit(_AT_ONCE)).all():
        after = page[-1].id
        connection.execute(
            sa.insert(reservations),
            [
                {
                    "key": f"{row.id}/",
                    "task": row.id,
                    "project_id": row.project_id,
                    "cloud": row.cloud,
                    "amounts": row.reserves,
                }
                for row in page
            ],
        )
        for row in page:
            for kind, number in msgspec.json.decode(row.reserves).items():
                total[row.project_id, row.cloud, kind] += number
    rows = [
        {"project_id": project, "cloud": cloud, "kind": kind, "stripe": 0, "amount": number}
        for (project, cloud, kind), number in sorted(total.items())
    ]
    if rows:
        connection.execute(sa.insert(sums), rows)


def _forget_names() -> None:
    """Remove the host names of tasks that have ended: they are free, and would be read at each launch."""
    living = sa.select(_TASKS.c.id).where(_OPEN)
    index = sa.table("task_index", sa.column("kind"), sa.column("task"))
    op.execute(sa.delete(index).where(index.c.kind == "hostname", index.c.task.not_in(living)))
    before = sa.table("task_servers", sa.column("server"), sa.column("task"))
    op.execute(sa.delete(before).where(before.c.server.like("name:%"), before.c.task.not_in(living)))


def downgrade() -> None:
    """Remove all of it."""
    for name in (
        "tasks_of_project_and_cloud",
        "tasks_of_project_and_state",
        "tasks_of_project_and_type",
        "tasks_to_join",
        "tasks_by_lane",
    ):
        op.drop_index(name, "tasks")
    op.drop_index("webhooks_to_claim", "webhooks")
    for table in ("heartbeats", "reserved_quotas", "reservations", "queue_heads"):
        op.drop_table(table)
    op.drop_column("tasks", "lane")
