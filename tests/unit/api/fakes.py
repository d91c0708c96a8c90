"""Services that the API is tried with: the real store, and stand-ins for what needs a cloud."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from enamel.clouds.accounts import LocalAccounts
from enamel.commands.orphan.find import Rules
from enamel.dispatch import local
from enamel.flow.plan import Plan
from enamel.model import cloud, ids, item, task
from enamel.model.action import Action
from enamel.model.call_context import CallContext
from enamel.model.caller import Caller
from enamel.model.cloud_state import CloudState
from enamel.model.errors import CloudUnreachable, EnamelError, Fault, Gone, Invalid, NotFound
from enamel.model.event import Event
from enamel.model.placement import Containers
from enamel.model.states import PowerState, ServerState
from enamel.secrets import local as local_keys
from enamel.service import assembly, services
from enamel.service.access import caller
from enamel.service.access.webhook_targets import WebhookTargets
from enamel.service.process import health, health_checks
from enamel.service.resources import server_action
from enamel.service.tasks import follow, shown_plan, submit
from enamel.service.tasks.idempotency import Accepted
from enamel.store import engine, events, items, tasks

CTX = CallContext(caller=Caller(user_id="u" * 32, project_id="a" * 32, local=True))
"""A call of that user's."""
ME = cloud.Identity(
    user_id="u" * 32, user_name="me", project_id="a" * 32, project_name="mine", roles=("member",)
)
THEIRS = "b" * 32
START = datetime(2026, 1, 31, 12, tzinfo=UTC)


PLAN = {
    "nodes": [{"name": "boot-web", "kind": "server.boot", "action": "SPAWNING", "inputs": {}}],
    "groups": [{"name": "web"}],
    "calls": 4,
}


class Cloud:
    """A cloud with a few servers, which can be down."""

    def __init__(self, name: str = "north", *, project: str = "", roles: Sequence[str] = ("member",)) -> None:
        self.name = self.site = name
        self.me = msgspec.structs.replace(ME, project_id=project or ME.project_id, roles=tuple(roles))
        self.down = False
        self.servers: dict[str, cloud.Server] = {}

    def add(self, name: str, **rest: Any) -> cloud.Server:
        number = len(self.servers)
        made = cloud.Server(
            **{
                "id": f"00000000-0000-4000-8000-{number:012}",
                "name": name,
                "state": ServerState.ACTIVE,
                "power": PowerState.RUNNING,
                "created": START + timedelta(seconds=number),
                "updated": START + timedelta(seconds=number),
                "project_id": ME.project_id,
                "user_id": ME.user_id,
                "zone": "az1",
                **rest,
            }
        )
        self.servers[made.id] = made
        return made

    def actions(self) -> frozenset[Action]:
        return frozenset(Action)

    def state(self) -> CloudState:
        return CloudState(name=self.name)

    async def identity(self) -> cloud.Identity:
        self._answer()
        return self.me

    async def server(self, id: str) -> cloud.Server:
        self._answer()
        if id not in self.servers:
            raise Gone(f"No server {id}")
        return self.servers[id]

    async def server_seen(self, id: str) -> cloud.Server:
        return await self.server(id)

    async def servers_list(self) -> Sequence[cloud.Server]:
        self._answer()
        return tuple(self.servers.values())

    async def servers_of(self, project_id: str) -> Sequence[cloud.Server]:
        self._answer()
        return tuple(one for one in self.servers.values() if one.project_id == project_id)

    def _answer(self) -> None:
        if self.down:
            raise CloudUnreachable("north does not answer", cloud="north")


class Clouds:
    """One cloud, to which others can be added."""

    def __init__(self) -> None:
        self.north = Cloud()
        self._all = {"north": self.north}

    def add(self, made: Cloud) -> Cloud:
        self._all[made.name] = made
        return made

    def names(self) -> Sequence[str]:
        return tuple(self._all)

    def get(self, name: str, *, project: str | None = None) -> Cloud:
        return self._all[name]


class Submit:
    """Accepts whatever has a name, and stores a task for it."""

    def __init__(self, store: engine.Store) -> None:
        self._store = store
        self.calls: list[dict[str, Any]] = []
        self.error: Exception | None = None

    async def command(
        self,
        ctx: CallContext,
        name: str,
        data: Any = None,
        *,
        cloud: str | None = None,
        params: Mapping[str, str] = {},
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> submit.Outcome:
        self.calls.append(
            {"command": name, "params": params, "key": idempotency_key, "id": ctx.request_id, "cloud": cloud}
        )
        if dry_run:
            return submit.Preview(plan=shown_plan.of(Plan(calls=4)), quota={}, faults=())
        if self.error:
            raise self.error
        if "server" in params and (
            not ids.is_id(params["server"]) or params["server"].startswith("ffffffff")
        ):
            raise NotFound("There is no such server.")
        if "task" in params:
            await self._store.read(tasks.get, params["task"], project_id=ctx.caller.project_id)
        if name == "server.create" and "name" not in data:
            missing = Fault(pointer="/name", detail="The field 'name' is required.")
            unknown = Fault(pointer="/nmae", detail="There is no field 'nmae'.", code="unknown_field")
            raise Invalid("The body has 2 faults.", faults=(missing, unknown))
        made = await add(self._store, type=name, request_id=ctx.request_id, request=data or {})
        return Accepted(task=made, replayed=idempotency_key == "again")


class Services:
    """What the API gets: the real use cases, except for what needs a real cloud."""

    def __init__(self, store: engine.Store, *, keys: Path) -> None:
        self.store = store
        self.clouds = Clouds()
        self.dispatch = local.Local()
        accounts = LocalAccounts(self.clouds)
        checks = {
            "store": health_checks.StoreCheck(store),
            "dispatch": health_checks.DispatchCheck(self.dispatch),
        }
        built = assembly.build(
            assembly.Parts(
                store=store,
                accounts=accounts,
                own_clouds=self.clouds,
                keys=local_keys.Local(keys),
                dispatch=self.dispatch,
                callers=caller.LocalCaller(accounts, store=store),
                health=health.Health(checks),
                targets=WebhookTargets(),
                containers=Containers(),
                orphan_rules=Rules(),
            )
        )
        for name in services.Services.__slots__:
            setattr(self, name, getattr(built, name))
        self.submit = Submit(store)
        self.server_actions = server_action.ServerActions(self.submit)
        self.follow = follow.Follow(
            store, dispatch=self.dispatch, reader=built.tasks, poll_interval=timedelta(seconds=0.05)
        )

    async def tell(self, id: str, seq: int, type: str, **rest: Any) -> None:
        """Store an event, as a worker would."""
        event = Event(task=id, seq=seq, time=START + timedelta(seconds=seq), type=type, **rest)
        await self.store.run(events.insert, [event])
        self.dispatch.changed(id)

    async def end(self, made: task.Task, **rest: Any) -> task.Task:
        """End a task, as a worker would."""
        if made.state is task.State.WAITING:
            begun = msgspec.structs.replace(made, state=task.State.RUNNING)
            await self.store.run(tasks.save, [begun])
        ended = msgspec.structs.replace(
            made, **{"state": task.State.COMPLETED, "ended_at": START, "events": 2, **rest}
        )
        await self.store.run(tasks.save, [ended])
        if "events" not in rest:
            await self.tell(made.id, 2, "task.completed")
        self.dispatch.changed(made.id)
        return ended


async def add(store: engine.Store, **rest: Any) -> task.Task:
    """Store a task."""
    made = task.Task(
        **{
            "id": ids.new_id(),
            "type": "server.create",
            "action": "CREATE",
            "created_at": START,
            "created_by": ME.user_id,
            "project_id": ME.project_id,
            "request_id": ids.new_request_id(),
            "cloud": "north",
            "plan": {
                "nodes": [{"name": "boot-web", "kind": "server.boot", "action": "SPAWNING"}],
                "calls": 4,
            },
            **rest,
        }
    )
    step = item.Item(task=made.id, name="boot-web", kind="server.boot", action="SPAWNING")
    first = Event(task=made.id, seq=1, time=START, type="task.accepted")
    return await store.run(tasks.insert, made, [step], first)


def unforeseen() -> Exception:
    """Return an error with something in it that nobody should see."""
    return RuntimeError("secret-in-a-traceback")


__all__ = ["EnamelError", "Services", "add", "items", "unforeseen"]
