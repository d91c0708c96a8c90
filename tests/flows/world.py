"""A world for flows: a sandbox, a store and a hurried worker in one loop, and what is left of them afterwards."""

import asyncio
import contextlib
import ipaddress
import shutil
import time
from collections.abc import AsyncIterator, Callable, Mapping, MutableMapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import msgspec
import pytest
import structlog

from enamel.clouds.accounts import LocalAccounts
from enamel.clouds.calls import context as calls_context
from enamel.clouds.calls import http
from enamel.clouds.calls.timeouts import Timeouts
from enamel.clouds.openstack.cloud import OpenStackCloud
from enamel.clouds.openstack.config import Configuration
from enamel.clouds.pacing.gate import Paces
from enamel.clouds.registry import Registry
from enamel.clouds.shared.store import SharedStore
from enamel.clouds.watch import schedule
from enamel.commands.orphan.find import Rules
from enamel.dispatch import local as local_dispatch
from enamel.flow import plan as plans
from enamel.flow.plan import Plan
from enamel.flow.runner import Runner
from enamel.flow.runtime import Runtime
from enamel.model import ids, task, topic
from enamel.model.call_context import CallContext
from enamel.model.caller import Caller
from enamel.model.errors import LeaseLost
from enamel.model.event import Event
from enamel.model.item import Item
from enamel.model.limits import NONE
from enamel.model.placement import Containers
from enamel.model.task import Task
from enamel.sandbox import faults, kernel, serve
from enamel.secrets import local as local_keys
from enamel.service import assembly
from enamel.service.access.caller import LocalCaller
from enamel.service.access.webhook_targets import WebhookTargets
from enamel.service.process.health import Health
from enamel.service.services import Services
from enamel.service.tasks.idempotency import Accepted
from enamel.steps.probe import Probe
from enamel.store import claims, events, items, migrations, tasks, workers
from enamel.store.engine import Store
from enamel.store.journal import Journal
from enamel.store.lease import Lease
from enamel.worker import signal_reader, webhook
from enamel.worker.scheduled_revert import ScheduledRevertPlanner
from enamel.worker.signal_reader import SignalReader
from enamel.worker.webhook import WebhookSender
from enamel.worker.worker import Worker
from tests.flows import balance, history
from tests.flows.after import After
from tests.flows.balance import Row

QUICK = kernel.Settings(boot_seconds=(0.01, 0.03), pace=0.03, guests=False)
PASSWORD = "pass-7f3a91c2e5"
QUICKLY = webhook.Settings(
    timeout=timedelta(seconds=1),
    poll_interval=timedelta(seconds=0.1),
    pauses=(timedelta(seconds=0.02), timedelta(seconds=0.05)),
)
"""How webhooks are sent: two attempts after the first."""
LEASE = timedelta(seconds=2)
AT_ONCE = Rules(min_sightings_interval=timedelta(0), min_age=timedelta(0), min_idle_time=timedelta(0))
"""When orphans are proposed: after two looks."""
PATIENCE = timedelta(seconds=30)
"""How long callers wait for the store, however busy the machine is."""
HURRY = 0.01
"""What is left of a second that a step sleeps."""
BROKEN = {"task.stuck", "task.dropped", "step.broken", "worker.broke"}
"""What is logged where Enamel itself is at fault."""


class _Hurried(schedule.Schedule):
    """Looks all the time."""

    def __init__(self) -> None:
        super().__init__(often=0.05, seldom=0.2, unknown=0.05)

    def expect(self, now: float, *, due: timedelta | None) -> schedule.Expectation:
        return super().expect(now, due=due and due * 0.05)


class _Clouds:
    """The driver of the sandbox, without the patience of the real one."""

    def __init__(self, file: Path, *, name: str, entry: str) -> None:
        self._configuration = Configuration(file=file)
        self._name = name
        self._entry = entry

    def names(self) -> Sequence[str]:
        return [self._name]

    def open(self, name: str, *, project: str | None, board: SharedStore, paces: Paces) -> OpenStackCloud:
        timeouts = Timeouts(tries=3, first_pause=0.01, longest_pause=0.02, read=5.0, write=5.0)
        region = self._configuration.region(self._entry, project=project)
        opened = OpenStackCloud(name, region, timeouts=timeouts, board=board)
        for watcher in (opened.servers, opened.volumes, opened.ports, opened.volume_snapshots):
            watcher._rhythm = _Hurried()
        return opened


class World:
    """Everything from the request down to the cloud, but for HTTP on Enamel's own side."""

    def __init__(self, place: Path, sandbox: serve.Sandbox, store: Store, *, entry: str = "sandbox") -> None:
        self.sandbox = sandbox
        self._entry = entry
        self.store = store
        self.database = place / "enamel.db"
        self.planted: set[str] = {PASSWORD}
        """Texts that must be in no database and in no log."""
        self.logs: list[MutableMapping[str, Any]] = []
        self.accepted: list[str] = []
        self.left: set[str] = set()
        """Ids of what is meant to be left over."""
        self._place = place
        self._drivers = [self._driver(sandbox, entry, entry=entry)]
        self.clouds = Registry(self._drivers)
        self.dispatch = local_dispatch.Local()
        self.keys = local_keys.Local(place / "secrets")
        self.guard = WebhookTargets([ipaddress.ip_network("127.0.0.0/8")])
        """Webhooks go to this machine, where the tests' receivers are."""
        self.services = self._services()
        self._frozen_for = 0.0
        """Seconds for which workers were frozen so far."""
        self.lease = Lease(
            store, name="flows", length=LEASE, clock=lambda: time.monotonic() + self._frozen_for
        )
        self.late: list[str] = []
        """What was sent to the cloud, to change something, while the worker had no lease."""
        self.caller = Caller(user_id="", project_id="", local=True)
        self._own: set[tuple[str, str]] = set()
        self._worker = self._hire()
        self._serving: asyncio.Task[None] | None = None

    def _driver(self, sandbox: serve.Sandbox, name: str, *, entry: str) -> _Clouds:
        users = sandbox.cloud.identity.users
        for id, user in users.items():
            users[id] = msgspec.structs.replace(user, password=PASSWORD)
        file = self._place / f"clouds-{name}.yaml"
        file.write_text(sandbox.clouds_yaml().replace("password: secret", f"password: {PASSWORD}"))
        return _Clouds(file, name=name, entry=entry)

    def join(self, sandbox: serve.Sandbox, name: str, *, containers: Containers) -> None:
        """Put another cloud beside the first one, and containers over both."""
        self._drivers.append(self._driver(sandbox, name, entry="sandbox"))
        self.services = self._services(containers=containers)

    def _services(
        self, *, targets: WebhookTargets | None = None, containers: Containers | None = None
    ) -> Services:
        """Return the use cases, as `bootstrap` builds them."""
        accounts = LocalAccounts(self.clouds)
        return assembly.build(
            assembly.Parts(
                store=self.store,
                accounts=accounts,
                own_clouds=self.clouds,
                keys=self.keys,
                dispatch=self.dispatch,
                callers=LocalCaller(accounts, store=self.store),
                health=Health({}),
                targets=targets or self.guard,
                containers=containers or Containers(),
                orphan_rules=AT_ONCE,
            )
        )

    def send_only_to(self, targets: WebhookTargets) -> None:
        """Have requests refused whose webhooks are not among these."""
        self.services = self._services(targets=targets)

    @property
    def ctx(self) -> CallContext:
        """A call of the caller's."""
        return CallContext(caller=self.caller, request_id=f"req-{len(self.accepted)}")

    def _hire(self) -> Worker:
        async def sleep(seconds: float) -> None:
            await asyncio.sleep(seconds * HURRY)

        journal = Journal(self.lease, changed=self.dispatch.changed)
        waiters = signal_reader.waiters(self.store)
        tools = Runtime(
            saver=journal,
            accounts=LocalAccounts(self.clouds),
            secrets=self.keys,
            prober=Probe(),
            signals=waiters,
            now=self.store.now,
            sleep=sleep,
        )
        return Worker(
            self.lease,
            runner=ScheduledRevertPlanner(
                Runner(tools), lease=self.lease, poll_interval=timedelta(seconds=0.05)
            ),
            dispatch=self.dispatch,
            keys=self.keys,
            poll_interval=timedelta(seconds=0.05),
            pause=timedelta(seconds=0.2),
            graceful_shutdown_timeout=timedelta(seconds=0.2),
            signals=SignalReader(self.lease, waiters=waiters, dispatch=self.dispatch),
            sender=WebhookSender(
                self.lease, keys=self.keys, guard=self.guard, settings=QUICKLY, random_number=lambda: 0.0
            ),
        )

    async def begin(self) -> None:
        """Let the worker work, and take note of what the project has of its own."""
        found = await self.cloud.identity()
        self.caller = Caller(
            user_id=found.user_id, project_id=found.project_id, user_name=found.user_name, local=True
        )
        self.mine()
        self.start()

    def start(self) -> None:
        """Let a worker work."""
        self._worker = self._hire()
        self._serving = asyncio.create_task(self._worker.serve())

    async def stop(self) -> None:
        """Stop the worker as SIGTERM does."""
        if self._serving is not None:
            self._worker.stop()
            await self._serving
            self._serving = None

    async def crash(self) -> None:
        """Take the worker's tasks away from it at once, as another process does; it goes on as another one."""
        other = Store(f"sqlite:///{self.database}")
        await other.run(workers.reap, everyone=True)
        await other.close()

    async def freeze(self, *, thawed_for: float = 0.0) -> None:
        """Freeze the worker, in the middle of whatever it does, until its lease is over and its tasks are another's.

        Args:
            thawed_for: Seconds for which it goes on before anybody looks after its tasks.
        """
        self._frozen_for += LEASE.total_seconds()
        await asyncio.sleep(thawed_for)
        await self.crash()

    async def steal(self) -> None:
        """Have another worker claim what waits, and die with it."""
        other = Store(f"sqlite:///{self.database}")
        lease = Lease(other, name="thief", length=timedelta(seconds=0.1))
        await lease.take()
        # On a busy machine it dies before it has anything.
        with contextlib.suppress(LeaseLost):
            await lease.run(claims.claim, lease.id, topics=topic.ALL, limit=10, limits=NONE)
        await other.close()

    def watched(self, fenced: Callable[[], aiohttp.TraceConfig]) -> Callable[[], aiohttp.TraceConfig]:
        """See what is sent, in the very moment in which it is."""

        async def sent(_session: object, context: SimpleNamespace, told: Any) -> None:
            # What has no request behind it, a test has sent itself.
            changes = told.method not in ("GET", "HEAD") and calls_context.current().task
            if changes and not self.lease.alive():
                self.late.append(f"{told.method} {told.url}")

        def traced() -> aiohttp.TraceConfig:
            found = fenced()
            found.on_request_headers_sent.append(sent)
            return found

        return traced

    # -- the cloud beside Enamel

    @property
    def cloud(self) -> OpenStackCloud:
        found = self.clouds.get(self._entry)
        assert isinstance(found, OpenStackCloud)
        return found

    def fault(self, match: Mapping[str, Any], then: Mapping[str, Any]) -> faults.Rule:
        """Let the cloud misbehave."""
        return self.sandbox.faults.add(msgspec.convert({"match": match, "then": then}, faults.Rule))

    def mine(self) -> None:
        """Take note that what the project has now is none of Enamel's."""
        self._own = {(kind, row["id"]) for kind, rows in self._everything().items() for row in rows}

    def there(self) -> dict[str, list[Row]]:
        """Return what the project has beyond its own, by kind."""
        return {
            kind: [row for row in rows if (kind, row["id"]) not in self._own]
            for kind, rows in self._everything().items()
        }

    def _everything(self) -> dict[str, list[Row]]:
        cloud = self.sandbox.cloud
        state = {
            **cloud.compute.inventory(),
            **cloud.network.inventory(),
            **cloud.volume.inventory(),
        }
        if cloud.era.nova_network:
            # Nobody sees ports there, and Nova has numbers for what Neutron would give an id.
            state["ports"] = []
            for kind in ("floatingips", "security_groups"):
                state[kind] = [{**row, "id": str(cloud.compute.number(row["id"]))} for row in state[kind]]
        return balance.inventory(state, project_id=self.caller.project_id)

    # -- tasks

    async def accept(self, body: Any = None, *, command: str = "server.create", **params: str) -> Task:
        """Hand a request in."""
        cloud = params.pop("cloud", None)
        outcome = await self.services.submit.command(self.ctx, command, body, cloud=cloud, params=params)
        assert isinstance(outcome, Accepted)
        self.accepted.append(outcome.task.id)
        return outcome.task

    async def plan(self, plan: Plan, *, secrets: Mapping[str, str] = {}) -> Task:
        """Hand in a plan that no command has written."""
        references = {symbol: await self.keys.put(text.encode()) for symbol, text in secrets.items()}
        self.planted |= set(secrets.values())
        kept = plans.with_secrets(plan, references)
        now = datetime.now(UTC)
        new = Task(
            id=ids.new_id(),
            type="server.create",
            action="CREATE",
            created_at=now,
            created_by=self.caller.user_id,
            project_id=self.caller.project_id,
            request_id="req",
            deadline=now + timedelta(minutes=5),
            cloud=self._entry,
            plan=plans.data(kept),
            servers=tuple(task.ServerEntry(hostname=group.name) for group in plans.servers(kept)),
            secrets=tuple(references.values()),
            progress=task.Progress(total=len(plan.nodes)),
        )
        steps = [
            Item(task=new.id, name=node.name, kind=node.kind, action=node.action, group=node.group)
            for node in plan.nodes
        ]
        first = Event(task=new.id, seq=1, time=now, type="task.accepted")
        stored = await self.store.run(tasks.insert, new, steps, first)
        self.accepted.append(stored.id)
        await self.dispatch.publish(stored.type, task=stored.id)
        return stored

    async def run(self, body: Any = None, *, command: str = "server.create", **params: str) -> After:
        """Hand a request in and wait for its end."""
        return await self.end((await self.accept(body, command=command, **params)).id)

    async def revert(self, of: After) -> After:
        return await self.run(command="task.revert", task=of.task.id)

    async def restart(self, of: After, *, start: str | None = None) -> After:
        return await self.run({"from": start} if start else None, command="task.restart", task=of.task.id)

    async def children(self, id: str) -> tuple[Task, ...]:
        return await self.store.read(tasks.children, id)

    async def cancel(self, id: str) -> None:
        await self.services.cancel.cancel(self.ctx, id)

    async def forget(self, id: str) -> None:
        await self.services.cancel.forget(self.ctx, id)
        self.accepted.remove(id)

    async def get(self, id: str) -> Task:
        return await self.store.read(tasks.get, id)

    async def items(self, id: str) -> tuple[Item, ...]:
        return await self.store.read(items.list, id)

    async def end(self, id: str) -> After:
        """Wait for a task's end."""
        with self.dispatch.following(id) as bell:
            while (found := await self.get(id)).state not in task.ENDED:
                self._check_health()
                await bell.wait(timeout=0.2)
        return After(
            task=found,
            items=await self.items(id),
            events=await self.store.read(events.list, id),
            cloud=self.there(),
        )

    async def until(self, id: str, type: str, *, item: str | None = None) -> Event:
        """Wait for an event of a task."""
        with self.dispatch.following(id) as bell:
            while True:
                for told in await self.store.read(events.list, id):
                    if told.type == type and item in (None, told.item):
                        return told
                found = await self.get(id)
                assert found.state not in task.ENDED, f"the task has ended: {found.error}"
                await bell.wait(timeout=0.2)

    async def struck(self) -> None:
        """Wait until a fault has struck a call: the cloud has it, and may be about to carry it out."""
        while not any(call.fault for call in self.sandbox.cloud.calls.log):
            await asyncio.sleep(0.005)

    async def let_go(self, rule: faults.Rule) -> None:
        """Let the calls go on that a rule holds, and wait until the cloud has carried them out."""
        held = [call for call in self.sandbox.cloud.calls.log if call.fault and not call.status]
        self.sandbox.faults.remove(rule.id)
        while not all(call.status for call in held):
            await asyncio.sleep(0.005)

    # -- what must be so at the end

    async def check(self, *, deleted: bool = False) -> None:
        """Hold everything that has happened to the invariants.

        Args:
            deleted: Whether something that a task had made was deleted since, as a termination does.
        """
        known = [await self.get(id) for id in self.accepted]
        standing = balance.standing(known)
        meant = self.left | balance.in_doubt(known)
        assert balance.leftovers(self.there(), standing, meant=meant) == {}
        if not deleted:
            assert balance.missing(self.there(), standing) == []
        for found in known:
            assert found.state in task.ENDED, f"task {found.id} is {found.state}"
            history.check(found, await self.items(found.id), await self.store.read(events.list, found.id))
        assert self.late == [], "a worker without a lease has changed something"
        self._check_health()
        self._check_secrets()

    def _check_health(self) -> None:
        """Hold Enamel to breaking on nothing."""
        broken = [line for line in self.logs if line["event"] in BROKEN]
        assert not broken, broken

    def _check_secrets(self) -> None:
        tokens = set(self.sandbox.cloud.identity.tokens)
        written = b"".join(
            path.read_bytes() for path in self.database.parent.glob("enamel.db*") if path.is_file()
        )
        logged = repr(self.logs)
        for text in self.planted | tokens:
            assert text.encode() not in written, "a secret is in the database"
            assert text not in logged, "a secret was logged"


@contextlib.asynccontextmanager
async def opened(
    place: Path,
    *,
    settings: kernel.Settings = QUICK,
    template: Path | None = None,
    entry: str = "sandbox",
    clock: Callable[[], datetime] | None = None,
) -> AsyncIterator[World]:
    """Build a world; nothing in it may take longer than 90 seconds, on a busy machine either.

    Args:
        place: A directory of its own.
        settings: What the cloud is like.
        template: A migrated database to begin with.
        clock: The clock of the database, if not its own.
        entry: Whose tasks they are: of the cloud's member, or of `sandbox-admin`.
    """
    database = place / "enamel.db"
    if template is not None:
        shutil.copy(template, database)
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(asyncio.timeout(90))
        logs = stack.enter_context(
            structlog.testing.capture_logs(processors=[structlog.processors.format_exc_info])
        )
        sandbox = await stack.enter_async_context(serve.running(settings))
        store = Store(f"sqlite:///{database}", clock=clock, timeout=PATIENCE)
        stack.push_async_callback(store.close)
        if template is None:
            migrations.upgrade(store.engine)
        world = World(place, sandbox, store, entry=entry)
        stack.push_async_callback(world.clouds.close)
        world.logs = logs
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(http, "_fenced", world.watched(http._fenced))
        await world.begin()
        stack.push_async_callback(world.stop)
        yield world
