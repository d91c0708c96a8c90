"""Many tasks of long ago, and what the store's queries cost among them, counted by the database itself.

A busy machine changes nothing in it: instructions of SQLite's virtual machine, rows that MariaDB read, pages that PostgreSQL
read.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from enamel.model import ids, item, limits, task_key, topic
from enamel.model.caller import Caller
from enamel.model.errors import TaskCancelled
from enamel.model.event import Event
from enamel.model.item import Item
from enamel.model.task import ENDED, State, Task
from enamel.model.webhook import Webhook
from enamel.store import (
    claims,
    dialects,
    events,
    idempotency,
    items,
    partitions,
    queue_order,
    reservations,
    retention,
    rows,
    schema,
    secrets,
    signals,
    task_index,
    tasks,
    webhooks,
    workers,
)
from enamel.store.transaction import Tx

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
CROWD = "crowd"
"""The project of half of all tasks."""
_TYPES = ("server.create", "server.delete", "volume.create")
_CLOUDS = ("north", "south")
_OLD = timedelta(days=400)
_PORTION = 2000
_RUNNING = 500
"""The number of running tasks is bounded by the slots of the workers, whatever waits or has ended."""
Work = Callable[[Tx], object]


def a_task(number: int, **fields: Any) -> Task:
    """Return one of many tasks: of ten, seven are completed, one has failed, one waits, and one of the first ones runs."""
    last = State.RUNNING if number < _RUNNING else State.COMPLETED
    state = ((State.COMPLETED,) * 7 + (State.ABORTED, State.WAITING, last))[number % 10]
    time = NOW - _OLD + timedelta(seconds=number)
    plain = {
        "id": f"{ids.earliest(time)[:24]}{number:012x}",
        "type": _TYPES[number % 3],
        "action": "CREATE",
        "state": state,
        "created_at": time,
        "ended_at": time if state in ENDED else None,
        "created_by": "user",
        "project_id": CROWD if number % 20 < 10 else f"project-{number // 20 % 19}",
        "request_id": "req",
        "cloud": _CLOUDS[number // 20 % 2],
        "worker": f"worker-{number % 49}" if state is State.RUNNING else None,
        "attempt": 1,
        "deadline": NOW + timedelta(days=900),
        "reserves": {} if state in ENDED else {"servers": 1, "cores": 4},
    }
    return Task(**{**plain, **fields})


def a_new_task(**fields: Any) -> Task:
    """Return a task that is accepted now."""
    plain: dict[str, Any] = {"id": ids.new_id(), "state": State.WAITING, "attempt": 0, "worker": None}
    new = {"created_at": NOW, "ended_at": None, "project_id": CROWD, "reserves": {"servers": 1}}
    return a_task(8, **{**plain, **new, **fields})


def fill(connection: sa.Connection, *, since: int, until: int) -> None:
    """Store many tasks with all that belongs to them, and let the database count what it has."""
    with connection.begin():
        tx = transaction(connection)
        for start in range(since, until, _PORTION):
            _store(tx, [a_task(number) for number in range(start, min(until, start + _PORTION))], start)
    analyze = {"sqlite": "ANALYZE", "postgresql": "VACUUM ANALYZE"}.get(connection.dialect.name)
    names = ", ".join(table.name for table in schema.metadata.sorted_tables)
    with connection.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as own:
        own.exec_driver_sql(analyze or f"ANALYZE TABLE {names}").close()


def _store(tx: Tx, some: list[Task], start: int) -> None:
    places = [{"turn": start + place, "partition": partitions.of(one).text} for place, one in enumerate(some)]
    tx.insert_new(
        schema.tasks,
        [{**rows.owned(one), **rows.fixed(one), **at} for one, at in zip(some, places, strict=True)],
    )
    items.insert(tx, [Item(task=one.id, name="boot", kind="server.boot", action="SPAWNING") for one in some])
    lines = [Event(task=one.id, seq=seq, time=NOW, type="item.started") for one in some for seq in (1, 2)]
    events.insert(tx, lines)
    webhooks.insert(tx, [Webhook(id=one.id, task=one.id, url="https://example.org", sent=2) for one in some])
    quiet = sa.update(schema.webhooks).where(schema.webhooks.c.next_at.is_not(None))
    tx.execute(quiet.values(next_at=None))
    server = {"kind": task_key.Kind.SERVER, "project_id": CROWD}
    tx.insert_new(schema.task_index, [{**server, "key": one.id, "task": one.id} for one in some])
    for one in some:
        if one.state not in ENDED:
            reservations.add(tx, one, {"boot": one.reserves})
    held = [one.id for one in some if one.state in ENDED][::10]
    tx.insert_new(schema.task_secrets, [{"task": id} for id in held])
    key = {"project_id": CROWD, "user_id": "user", "fingerprint": "", "request_id": "", "created_at": NOW}
    tx.insert_new(schema.idempotency, [{**key, "key": one.id} for one in some])


def _accept(tx: Tx) -> None:
    new = a_new_task()
    names = dict.fromkeys(("web-1", "web-2"))
    tasks.reserved_names(tx, project_id=CROWD, cloud="north", names=[*names])
    reservations.reserved(tx, project_id=CROWD, cloud="north")
    step = Item(task=new.id, name="boot", kind="server.boot", action="SPAWNING")
    tasks.insert(tx, new, [step], Event(task=new.id, seq=1, time=NOW, type="task.accepted"))
    task_index.add(tx, task_key.servers(new))


def _step(tx: Tx) -> None:
    running = a_task(9)
    items.save(tx, [Item(task=running.id, name="boot", kind="k", action="A", state=item.State.COMPLETED)])
    events.insert(tx, [Event(task=running.id, seq=3, time=NOW, type="item.completed")])


def _end(tx: Tx) -> None:
    tasks.end(tx, a_task(9), state=State.ABORTED, error=TaskCancelled("It was cancelled."))


def _hook(tx: Tx) -> None:
    some = [
        webhooks.claim(tx, "one", limit=20),
        events.insert(tx, [_late()]),
        webhooks.claim(tx, "one", limit=20),
    ]
    assert len(some[2] or ()) == 1
    webhooks.rest(tx, "one", a_task(9).id, over=False)


def _late() -> Event:
    return Event(task=a_task(9).id, seq=3, time=NOW, type="item.completed")


def _listed(**filters: Any) -> Work:
    return lambda tx: tasks.list(tx, **{"project_id": CROWD, "limit": 20, **filters})


def _claimed(number: int, **fields: Any) -> Work:
    def work(tx: Tx) -> None:
        assert len(claims.claim(tx, "worker-1", limit=10, **fields)) == number

    return work


def _reserve_key(tx: Tx) -> None:
    caller = Caller(user_id="user", project_id=CROWD)
    idempotency.reserve(tx, "new", caller=caller, fingerprint="request", holder="holder")


HOT: Mapping[str, Work] = {
    "accept": _accept,
    "idempotency key": _reserve_key,
    "claim": _claimed(10),
    "claim of topics that wait": _claimed(10, topics=topic.parse(["volume.*"])),
    "claim of topics that do not wait": _claimed(0, topics=topic.parse(["image.*"])),
    "claim behind unreadable plans": _claimed(10, reader=claims.Reader(unreadable=frozenset({"an-id"}))),
    "claim behind a full project": _claimed(0, limits=limits.parse("project=1")),
    "claim behind a full cloud": _claimed(10, limits=limits.parse("cloud:north=1")),
    "claim behind a full type": _claimed(10, limits=limits.parse("type:server.*=1")),
    "cancelled": lambda tx: claims.cancelled(tx, "nobody"),
    "step": _step,
    "end": _end,
    "webhook": _hook,
    "reap": lambda tx: workers.reap(tx, but="worker-1"),
    "time out": claims.time_out,
    "advance": lambda tx: queue_order.advance(tx, thorough=False),
    "sweep of secrets": secrets.sweep,
    "sweep of reservations": tasks.sweep,
    "sweep of webhooks": webhooks.sweep,
    "signals": lambda tx: signals.counts(tx, "nobody"),
    "purge of tasks": lambda tx: retention.purge(tx, older_than=2 * _OLD),
    "purge of answers": idempotency.purge,
    "list": _listed(),
    "list by a type that has none": _listed(type="image.create"),
    "list by a state that has none": _listed(states=[State.TIMED_OUT]),
    "list of the unfinished": _listed(states=[State.WAITING, State.RUNNING]),
    "list of a small project's unfinished": _listed(states=[State.WAITING], project_id="project-11", limit=5),
    "list by a cloud that has none": _listed(cloud="west"),
    "list since a while": _listed(since=NOW - timedelta(hours=2)),
    "list by a parent": _listed(parent="none"),
    "list by a server": _listed(server=a_task(0).id),
    "deep page": _listed(marker=a_task(100).id),
    "task": lambda tx: tasks.get(tx, a_task(9).id),
    "events": lambda tx: events.list(tx, a_task(9).id, after=1),
}
"""What is done for each request, claim, poll or step."""


def cost(connection: sa.Connection, work: Work) -> int:
    """Do some work, undo it, and return what it has cost."""
    counters = {"sqlite": _instructions, "postgresql": _pages, "mariadb": _rows, "mysql": _rows}
    with counters[connection.dialect.name](connection) as total, connection.begin() as undone:
        work(transaction(connection))
        undone.rollback()
    return sum(total)


@contextmanager
def _instructions(connection: sa.Connection) -> Iterator[list[int]]:
    total: list[int] = []
    driver: Any = connection.connection.driver_connection
    driver.set_progress_handler(lambda: total.append(1), 1)
    try:
        yield total
    finally:
        driver.set_progress_handler(None, 1)


@contextmanager
def _rows(connection: sa.Connection) -> Iterator[list[int]]:
    def read() -> int:
        status = connection.exec_driver_sql("SHOW SESSION STATUS LIKE 'Handler_read%%'").all()
        connection.rollback()
        return sum(int(row[1]) for row in status)

    total = [-read()]
    yield total
    total.append(read())


@contextmanager
def _pages(connection: sa.Connection) -> Iterator[list[int]]:
    total: list[int] = []

    def explain(_own: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if (
            statement.split(None, 1)[0] in {"SELECT", "UPDATE", "DELETE", "WITH"}
            and "clock_timestamp" not in statement
        ):
            with cursor.connection.transaction(force_rollback=True):
                asked = cursor.connection.execute(
                    f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", parameters
                )
                (document,) = asked.fetchone()
            plan = document[0]["Plan"]
            total.append(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])

    sa.event.listen(connection, "before_cursor_execute", explain)
    try:
        yield total
    finally:
        sa.event.remove(connection, "before_cursor_execute", explain)


def transaction(connection: sa.Connection) -> Tx:
    """Return a transaction at the time of these tasks."""
    return Tx(connection, clock=lambda: NOW)


def connected(url: str) -> sa.Connection:
    """Return a connection of its own to a database."""
    engine = dialects.connect(url, idle_after=timedelta(minutes=5))
    return engine.connect()
