"""The tables of the store. What queries search for is a column; the rest is JSON.

    tasks ─┬─ items          one row per step of a task's plan
           ├─ events         the timeline, numbered from 1
           ├─ task_index     which tasks of a project are about which server, host name …
           ├─ task_servers   the same as the version before wrote it; dropped by the next release
           ├─ signals        messages for which steps wait
           └─ webhooks       who gets a task's events, and how many were sent
    workers                  one lease per living worker
    heartbeats               until when each of them has renewed it
    queue_heads              how far the queue is, by priority
    reservations             what steps that have not ended are going to use up of quotas
    reserved_quotas          the sums of these, by project, cloud and quota
    task_secrets             the tasks that hold references into the key store
    spent_secrets            released secrets, to be removed from the key store
    idempotency              the first answers to requests that came with a key
    locks                    what only one may do at a time
    sightings                which suspected orphans the listings have shown, and since when

Change these together with a migration in `migrations/versions`; a test holds the two to each other.
"""

from typing import Any

import sqlalchemy as sa

from enamel.model import item, orphan, task, task_key, webhook
from enamel.model.credential import Credential
from enamel.model.problem import Problem
from enamel.store.columns import Json, Moment, Rank, String, Text, Word

ID = String(36)
NAME = String(255)

# Names, topics and keys differ by case, which MySQL's default collations ignore.
_EXACT: dict[str, Any] = {
    f"{dialect}_{option}": value
    for dialect in ("mysql", "mariadb")
    for option, value in (("charset", "utf8mb4"), ("collate", "utf8mb4_bin"), ("engine", "InnoDB"))
}

metadata = sa.MetaData()

tasks = sa.Table(
    "tasks",
    metadata,
    sa.Column("id", ID, primary_key=True),
    sa.Column("type", String(64), nullable=False),
    sa.Column("action", String(32), nullable=False),
    sa.Column("state", Word(task.State), nullable=False),
    sa.Column("reverting", sa.Boolean, nullable=False),
    sa.Column("cancel_requested", sa.Boolean, nullable=False),
    sa.Column("done", sa.Integer, nullable=False),
    sa.Column("total", sa.Integer, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("started_at", Moment),
    sa.Column("ended_at", Moment),
    sa.Column("created_by", String(64), nullable=False),
    sa.Column("project_id", String(64), nullable=False),
    sa.Column("request_id", String(64), nullable=False),
    sa.Column("priority", Rank, nullable=False),
    # The task's place in the queue; none while it waits for its time. See `queue_order`.
    sa.Column("turn", sa.BigInteger),
    sa.Column("not_before", Moment),
    sa.Column("deadline", Moment),
    # Since when it waits for another worker; none before the first one.
    sa.Column("released_at", Moment),
    sa.Column("cloud", NAME, nullable=False),
    # None stands for the one user of a local service, as in all tasks of earlier versions.
    sa.Column("credential", Json(Credential)),
    sa.Column("worker", ID),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("parent", ID),
    sa.Column("calls", sa.Integer, nullable=False),
    sa.Column("events", sa.Integer, nullable=False),
    sa.Column("request", Json(dict[str, Any])),
    sa.Column("plan", Json(dict[str, Any])),
    # None for plans from before they had versions, which every worker can read.
    sa.Column("plan_version", sa.Integer),
    sa.Column("servers", Json(tuple[task.ServerEntry, ...])),
    sa.Column("result", Json(task.Result)),
    sa.Column("error", Json(Problem)),
    sa.Column("reserves", Json(dict[str, int])),
    sa.Column("secrets", Json(tuple[str, ...])),
    sa.Column("groups", Json(dict[str, int])),
    # Priority, plan version, type, project and cloud in one text; none in tasks that the version before has accepted,
    # until a worker sorts them in. See `partitions`.
    sa.Column("partition", sa.String(512)),
    sa.Index("tasks_to_claim", "state", "priority", "turn", "created_at"),
    sa.Index("tasks_of_project", "project_id", "id"),
    sa.Index("tasks_of_project_by_state", "project_id", "state", "priority", "turn"),
    sa.Index("tasks_of_worker", "worker", "state"),
    sa.Index("tasks_by_time", "state", "not_before"),
    sa.Index("tasks_by_deadline", "state", "deadline"),
    sa.Index("tasks_of_parent", "parent"),
    sa.Index("tasks_by_end", "ended_at"),
    sa.Index("tasks_by_partition", "state", "partition", "turn", "created_at"),
    sa.Index("tasks_to_join", "state", "turn", "not_before"),
    sa.Index("tasks_of_project_and_type", "project_id", "type", "state", "id"),
    sa.Index("tasks_of_project_and_state", "project_id", "state", "id"),
    sa.Index("tasks_of_project_and_cloud", "project_id", "cloud", "id"),
    **_EXACT,
)

items = sa.Table(
    "items",
    metadata,
    sa.Column("task", ID, primary_key=True),
    sa.Column("name", NAME, primary_key=True),
    # The position of the step in the plan; none if the plan was edited later.
    sa.Column("position", sa.Integer),
    sa.Column("kind", String(64), nullable=False),
    sa.Column("action", String(64), nullable=False),
    # "group" is a word of SQL.
    sa.Column("server", NAME),
    sa.Column("state", Word(item.State), nullable=False),
    sa.Column("uncertain", sa.Boolean, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("started_at", Moment),
    sa.Column("ended_at", Moment),
    sa.Column("outputs", Json(dict[str, Any])),
    sa.Column("error", Json(Problem)),
    sa.Column("calls", Json(tuple[item.Call, ...])),
    sa.Column("note", Text(), nullable=False),
    **_EXACT,
)

events = sa.Table(
    "events",
    metadata,
    sa.Column("task", ID, primary_key=True),
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("time", Moment, nullable=False),
    sa.Column("type", String(64), nullable=False),
    sa.Column("item", NAME),
    sa.Column("data", Json(dict[str, Any])),
    **_EXACT,
)

task_index = sa.Table(
    "task_index",
    metadata,
    sa.Column("kind", Word(task_key.Kind), primary_key=True),
    sa.Column("key", NAME, primary_key=True),
    sa.Column("project_id", String(64), primary_key=True),
    sa.Column("task", ID, primary_key=True),
    sa.Index("task_index_by_task", "task"),
    **_EXACT,
)

# Beside task_index until every process of a deployment writes that.
task_servers = sa.Table(
    "task_servers",
    metadata,
    sa.Column("server", NAME, primary_key=True),
    sa.Column("task", ID, primary_key=True),
    sa.Index("servers_of_task", "task"),
    **_EXACT,
)

signals = sa.Table(
    "signals",
    metadata,
    sa.Column("id", ID, primary_key=True),
    sa.Column("task", ID, nullable=False),
    sa.Column("project_id", String(64), nullable=False),
    sa.Column("name", NAME, nullable=False),
    sa.Column("data", Json(Any)),
    sa.Column("received_at", Moment, nullable=False),
    sa.Index("signals_of_task", "task", "name", "id"),
    **_EXACT,
)

webhooks = sa.Table(
    "webhooks",
    metadata,
    sa.Column("id", ID, primary_key=True),
    sa.Column("task", ID, nullable=False),
    sa.Column("url", Text(), nullable=False),
    sa.Column("events", Json(tuple[str, ...])),
    sa.Column("secrets", Json(tuple[str, ...])),
    sa.Column("state", Word(webhook.State), nullable=False),
    # The number of the last event that was sent.
    sa.Column("sent", sa.Integer, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("last_status", sa.Integer),
    sa.Column("last_error", Text()),
    # When to send next; none while there is nothing to send.
    sa.Column("next_at", Moment),
    # The worker that is sending to it.
    sa.Column("worker", ID),
    sa.Index("webhooks_of_task", "task"),
    sa.Index("webhooks_by_time", "state", "next_at"),
    sa.Index("webhooks_to_claim", "state", "next_at", "id"),
    **_EXACT,
)

task_secrets = sa.Table(
    "task_secrets",
    metadata,
    sa.Column("task", ID, primary_key=True),
    **_EXACT,
)

# Secrets that no task needs any more, until they are removed from the key store. Written in the transaction that
# releases them, so that none is left behind.
spent_secrets = sa.Table(
    "spent_secrets",
    metadata,
    sa.Column("ref", NAME, primary_key=True),
    **_EXACT,
)

# How far the queue is: tasks with an earlier turn were claimed. Where the queue begins needs no search through what is gone.
queue_heads = sa.Table(
    "queue_heads",
    metadata,
    sa.Column("priority", Rank, primary_key=True, autoincrement=False),
    sa.Column("turn", sa.BigInteger, nullable=False),
    # The turn of the round before: whoever read that may still add a task there.
    sa.Column("before", sa.BigInteger, nullable=False),
    **_EXACT,
)

reservations = sa.Table(
    "reservations",
    metadata,
    # The task's id, a slash, and the step's name; no name for what belongs to no single step.
    sa.Column("key", sa.String(292), primary_key=True),
    sa.Column("task", ID, nullable=False),
    sa.Column("project_id", sa.String(64), nullable=False),
    sa.Column("cloud", NAME, nullable=False),
    sa.Column("amounts", Json(dict[str, int])),
    sa.Index("reservations_of_task", "task"),
    **_EXACT,
)

reserved_quotas = sa.Table(
    "reserved_quotas",
    metadata,
    sa.Column("project_id", sa.String(64), primary_key=True),
    sa.Column("cloud", NAME, primary_key=True),
    sa.Column("kind", sa.String(64), primary_key=True),
    # Processes count in rows of their own, so that none waits until another has committed; the sum counts.
    sa.Column("stripe", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("amount", sa.BigInteger, nullable=False),
    **_EXACT,
)

workers = sa.Table(
    "workers",
    metadata,
    sa.Column("id", ID, primary_key=True),
    sa.Column("name", NAME, nullable=False),
    sa.Column("started_at", Moment, nullable=False),
    sa.Column("expires_at", Moment, nullable=False),
    sa.Index("workers_by_expiry", "expires_at"),
    **_EXACT,
)

# Beside `workers`, whose rows are locked by everything that a worker writes.
heartbeats = sa.Table(
    "heartbeats",
    metadata,
    sa.Column("worker", ID, primary_key=True),
    sa.Column("expires_at", Moment, nullable=False),
    **_EXACT,
)

idempotency = sa.Table(
    "idempotency",
    metadata,
    sa.Column("project_id", String(64), primary_key=True),
    sa.Column("user_id", String(64), primary_key=True),
    sa.Column("key", NAME, primary_key=True),
    sa.Column("fingerprint", String(64), nullable=False),
    # The request that holds the key, so that a repeated transaction knows its own row.
    sa.Column("request_id", String(64), nullable=False),
    # While there is no answer: when the request last renewed its hold.
    sa.Column("created_at", Moment, nullable=False),
    # None until the first request is answered.
    sa.Column("status", sa.Integer),
    sa.Column("headers", Json(dict[str, str])),
    sa.Column("body", Json(Any)),
    sa.Index("idempotency_by_age", "created_at"),
    **_EXACT,
)

locks = sa.Table("locks", metadata, sa.Column("name", String(32), primary_key=True), **_EXACT)

sightings = sa.Table(
    "sightings",
    metadata,
    sa.Column("cloud", NAME, primary_key=True),
    sa.Column("project_id", String(64), primary_key=True),
    sa.Column("kind", Word(orphan.Kind, lower=True), primary_key=True),
    sa.Column("id", String(64), primary_key=True),
    sa.Column("why", Word(orphan.Why), nullable=False),
    sa.Column("first_seen", Moment, nullable=False),
    sa.Column("last_seen", Moment, nullable=False),
    sa.Column("looks", sa.Integer, nullable=False),
    **_EXACT,
)
