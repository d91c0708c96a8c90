"""A server goes to another project with all it has, or stays with all it has."""

import asyncio
from typing import Any

import pytest

from enamel.model import action, cloud, errors, item, task
from enamel.model.task import State
from tests.flows.after import After
from tests.flows.world import World

WEB: dict[str, Any] = {
    "name": "web",
    "template": "cirros",
    "type": "m1.tiny",
    "tags": ["blue"],
    "properties": {"a": "b"},
    "volumes": [{"size_gb": 1}],
}
COMPUTE = {"service": "compute", "method": "POST"}


@pytest.fixture
def entry() -> str:
    return "sandbox-admin"


class Move:
    """A server of one project, and another project with a network."""

    def __init__(self, world: World, *, server: str, project: str) -> None:
        self.world = world
        self.server = server
        self.project = project

    async def run(self, **more: Any) -> After:
        return await self.world.end((await self.accept(**more)).id)

    async def accept(self, **more: Any) -> task.Task:
        body = {"project_id": "other", **more}
        return await self.world.accept(body, command="server.transfer", server=self.server)

    def has(self, project: str) -> list[str]:
        """Return what a project has, in words."""
        state = self.world.sandbox.cloud
        rows = {**state.compute.inventory(), **state.volume.inventory()}
        images = [one.base for one in state.image.records.values() if one.base.get("name") == "web-transfer"]
        return sorted(
            f"{kind[:-1]} {row['name']} {row['status']}"
            for kind, found in (*rows.items(), ("images", images))
            for row in found
            if kind in ("servers", "volumes", "images")
            and project in (row.get("project_id"), row.get("owner"))
        )

    @property
    def here(self) -> list[str]:
        return self.has(self.world.caller.project_id)

    @property
    def there(self) -> list[str]:
        return self.has(self.project)


WHOLE = ["server web ACTIVE", "volume web-1 in-use"]


@pytest.fixture
async def move(world: World) -> Move:
    other = await world.cloud.project("other")
    assert other is not None
    theirs = world.clouds.get("sandbox-admin", project=other.id)
    await theirs.create_network("inside", mark="enamel:0/network")
    launched = await world.run(WEB)
    assert launched.state is State.COMPLETED
    [server] = launched.task.servers
    found = Move(world, server=server.id or "", project=other.id)
    assert (found.here, found.there) == (WHOLE, [])
    return found


async def theirs(move: Move) -> cloud.Server:
    [found] = await move.world.clouds.get("sandbox-admin", project=move.project).servers_list()
    return found


async def test_a_server_goes_with_all_it_has(world: World, move: Move) -> None:
    after = await move.run()
    assert after.state is State.COMPLETED
    assert (move.here, move.there) == ([], WHOLE)
    new = await theirs(move)
    assert (new.tags, new.metadata["a"], new.flavor_name) == (("blue",), "b", "m1.tiny")
    assert new.id != move.server
    [entry] = after.task.servers
    assert (entry.hostname, entry.id, entry.state) == ("web", new.id, "READY")
    assert "port" not in after.count()
    # The entry of the configuration is all that people read of where it is.
    assert (entry.cloud, entry.placement) == ("sandbox-admin", f"sandbox-admin/RegionOne/{new.zone}")
    assert {made.cloud for things in after.task.result.made.values() for made in things} == {"sandbox-admin"}
    booted = next(node for node in after.task.plan["nodes"] if node["kind"] == "server.boot")
    assert (booted["cloud"], booted["project"]) == ("sandbox-admin", move.project)


async def test_a_server_that_is_shut_down_goes_under_another_name(world: World, move: Move) -> None:
    assert (
        await world.run({"action": "POWER_OFF"}, command="server.power_off", server=move.server)
    ).state is State.COMPLETED
    after = await move.run(hostname="shop", network="inside")
    assert after.state is State.COMPLETED
    assert move.there == ["server shop ACTIVE", "volume web-1 in-use"]


async def test_the_key_of_a_volume_is_in_no_record(world: World, move: Move) -> None:
    keys = world.sandbox.cloud.volume.transfers
    world.fault({"service": "volume", "method": "POST", "path": ".*/accept"}, {"latency": 0.3})
    accepted = await move.accept()
    while not (offers := list(keys.of(world.caller.project_id))):
        await asyncio.sleep(0.01)
        assert (await world.get(accepted.id)).state not in task.ENDED
    world.planted.add(offers[0]["auth_key"])
    assert (await world.end(accepted.id)).state is State.COMPLETED
    world._check_secrets()


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("match", "then"),
    [
        ({"kind": "server", "name": "^web$"}, {"error": "It broke."}),
        ({**COMPUTE, "path": "/v2.1/servers/{id}/os-volume_attachments"}, {"status": 400}),
        ({"service": "volume", "method": "POST", "path": ".*/accept"}, {"status": 413}),
        ({"service": "image", "method": "POST", "path": "/v2/images/{id}/members"}, {"status": 403}),
    ],
    ids=["boot", "attach", "accept", "share"],
)
async def test_whatever_fails_before_the_end_leaves_everything_as_it_was(
    world: World, move: Move, match: dict[str, Any], then: dict[str, Any]
) -> None:
    world.fault({**match, "times": 1}, then)
    after = await move.run()
    assert (after.state, after.task.error and after.task.error.left) == (State.ABORTED, ())
    assert (move.here, move.there) == (WHOLE, [])
    # Nothing stands in the way of another attempt.
    assert (await move.run()).state is State.COMPLETED
    assert (move.here, move.there) == ([], WHOLE)


async def test_it_can_be_cancelled_until_the_end_of_the_original_has_begun(world: World, move: Move) -> None:
    world.fault({"service": "volume", "method": "POST", "path": ".*/accept"}, {"latency": 0.3})
    accepted = await move.accept()
    await world.until(accepted.id, "item.started", item="transfer-volume-web")
    await world.cancel(accepted.id)
    assert (await world.end(accepted.id)).state is State.ABORTED
    assert (move.here, move.there) == (WHOLE, [])


async def test_who_cancels_after_that_comes_too_late(world: World, move: Move) -> None:
    accepted = await move.accept()
    await world.until(accepted.id, "item.started", item="transfer-end_original-web")
    await world.cancel(accepted.id)
    assert (await world.end(accepted.id)).state is State.COMPLETED
    assert (move.here, move.there) == ([], WHOLE)


async def test_past_the_point_of_no_return_nothing_is_undone(world: World, move: Move) -> None:
    refused = {"status": 403}
    world.fault({**COMPUTE, "path": f".*/servers/{move.server}/action", "body": "forceDelete"}, refused)
    world.fault({"service": "compute", "method": "DELETE", "path": f".*/servers/{move.server}"}, refused)
    after = await move.run()
    assert after.state is State.ABORTED
    assert after.item("transfer-end_original-web").state is item.State.ABORTED
    assert "server web SHUTOFF" in move.here and move.there == WHOLE
    with pytest.raises(errors.WrongState, match="point of no return"):
        await world.revert(after)


async def test_workers_die_at_every_step(world: World, move: Move) -> None:
    accepted = await move.accept()
    for step in (
        "transfer-stop-web",
        "image-take-web",
        "server-boot-web",
        "transfer-unplug-web",
        "transfer-volume-web",
        "transfer-end_original-web",
    ):
        await world.until(accepted.id, "item.started", item=step)
        await world.crash()
    assert (await world.end(accepted.id)).state is State.COMPLETED
    assert (move.here, move.there) == ([], WHOLE)


async def test_what_cannot_go_is_refused_before_anything_is_done(world: World, move: Move) -> None:
    async def refused(error: type[errors.EnamelError], **body: Any) -> errors.EnamelError:
        with pytest.raises(error) as found:
            await move.accept(**body)
        return found.value

    assert "no role" in (await refused(errors.Forbidden, project_id="nowhere")).detail
    assert "already" in (await refused(errors.Invalid, project_id="admin")).detail
    assert (await refused(errors.Invalid, network="none")).faults[0].pointer == "/network"
    await world.cloud.act(move.server, action.Action.LOCK)
    await refused(errors.WrongState)
    await world.cloud.act(move.server, action.Action.UNLOCK)
    assert (move.here, move.there) == (WHOLE, [])
