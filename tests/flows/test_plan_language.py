"""Plans that no command of today writes: one server's outputs in another's user data, groups of anything, later versions."""

import asyncio
import base64
from typing import Any

import msgspec

from enamel.commands.command import CommandRequest
from enamel.commands.launch import create_server, servers
from enamel.commands.launch.plan_builder import PlanBuilder, ServerHandle
from enamel.commands.launch.resolved_server import choose
from enamel.commands.lookup import Lookup
from enamel.flow import expressions, versions
from enamel.flow import plan as plans
from enamel.flow.draft import Draft
from enamel.flow.plan import Group, Plan
from enamel.model import errors, ids, task
from enamel.model.launch import Launch
from enamel.service.planning import facts as gathering
from enamel.service.tasks import shown_plan
from enamel.steps import security_group, volume
from enamel.store import tasks
from tests.flows.world import World

SECRET = "s3cr3t-9b1d"
SCRIPT = "#!/bin/sh\necho ${DB} ${HOME} ${PASSWORD}\n"


async def added(
    world: World, draft: Draft, body: dict[str, Any], **changes: Any
) -> tuple[ServerHandle, Group]:
    """Add one server of a launch to a draft."""
    launch = msgspec.convert(
        {"template": "cirros", "type": "m1.tiny", "placement": "sandbox", **body}, Launch
    )
    request = CommandRequest(body=launch, task_id=ids.new_id(), clouds=("sandbox",))
    needed = create_server.ask(request)
    known = await gathering.gather(world.cloud, needed, clouds=("sandbox",), elsewhere=world.clouds.get)
    (member,) = servers.read(launch, seed=0).members
    look = Lookup(known)
    resolved = choose(member, look)
    assert resolved is not None, look.faults
    resolved = msgspec.structs.replace(resolved, **changes)
    builder = PlanBuilder([resolved], task=request.task_id, ports_first=True, facts=known, draft=draft)
    handles, (group,) = builder.add(), builder.groups()
    return handles[member.hostname], group


async def test_outputs_of_one_server_are_in_the_user_data_of_another(world: World) -> None:
    draft = Draft()
    database, first = await added(world, draft, {"name": "db"})
    text = expressions.substitute(
        SCRIPT, {"DB": database.fixed_address, "PASSWORD": expressions.secret("password")}
    )
    _, second = await added(world, draft, {"name": "web"}, user_data=expressions.base64(text))
    plan = draft.plan(groups=(first, second))
    shown = str(shown_plan.of(plan))
    assert "#!/bin/sh" in shown and expressions.SECRET in shown
    accepted = await world.plan(plan, secrets={"password": SECRET})
    after = await world.end(accepted.id)
    assert after.state is task.State.COMPLETED, after.task.error
    entries = {entry.hostname: entry for entry in after.task.servers}
    [row] = [row for row in world.sandbox.cloud.compute.servers.values() if row.name == "web"]
    expected = SCRIPT.replace("${DB}", entries["db"].fixed_addresses[0]).replace("${PASSWORD}", SECRET)
    assert base64.b64decode(row.user_data or "").decode() == expected
    assert after.item(database.ready.name).ended_at <= after.item("server-boot-web").started_at  # type: ignore[operator]
    await world.check()


async def test_a_group_need_not_be_a_server(world: World) -> None:
    draft = Draft()
    for name in ("disks", "more"):
        made = draft.add(volume.CreateVolume(size_gb=1, name=name), group=name)
        draft.add(volume.AwaitVolume(id=made["id"]), group=name)
    groups = tuple(Group(name=name, kind="storage") for name in ("disks", "more"))
    world.fault({"kind": "volume", "name": "more"}, {"error": "It broke."})
    after = await world.end((await world.plan(draft.plan(groups=groups))).id)
    assert after.state is task.State.ABORTED and after.task.servers == ()
    assert after.task.error is not None
    assert after.task.error.detail.startswith("1 of 2 groups are done. Failed: more.")
    [failed] = after.told("group.failed")
    assert failed.data["group"] == "more"
    assert after.count() == {"volume": 1}
    await world.check()


async def test_a_plan_with_a_step_of_a_later_version_goes_back_to_its_topic(world: World) -> None:
    left = await handed_in(world, {"kind": "moon.land"})
    told = await world.until(left.id, "task.given_back")
    assert told.data["code"] == errors.PlanUnreadable.code
    left = await world.get(left.id)
    assert (left.state, left.worker, left.attempt, left.error) == (task.State.WAITING, None, 0, None)
    await world.cancel(left.id)
    await world.end(left.id)


async def test_a_plan_of_a_later_version_is_left_to_workers_of_that_version(world: World) -> None:
    left = await handed_in(world, {}, version=versions.VERSION + 1)
    await asyncio.sleep(0.3)
    left = await world.get(left.id)
    assert (left.state, left.worker, left.attempt, left.error) == (task.State.WAITING, None, 0, None)
    await world.cancel(left.id)
    await world.end(left.id)


async def handed_in(world: World, node: dict[str, Any], **plan: Any) -> task.Task:
    """Hand in a plan that a later version may have written, and let a worker look at it."""
    draft = Draft()
    draft.add(security_group.CreateSecurityGroup(name="web", rules=()))
    stored = plans.data(draft.plan())
    stored |= {"nodes": [stored["nodes"][0] | node], **plan}
    await world.stop()
    accepted = await world.plan(Plan())
    await world.store.run(tasks.replan, accepted.id, plan=stored, steps=())
    world.start()
    return accepted
