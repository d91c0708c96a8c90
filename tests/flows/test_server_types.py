"""A server type that is changed: all of it at once, all of it back again, and nothing lost in between."""

import asyncio
from typing import Any

import pytest

from enamel.model import cloud, task
from enamel.model.errors import CloudConflict, Forbidden, NameTaken, NotFound
from tests.flows.world import World

CREATE = {"service": "compute", "method": "POST", "path": "/v2.1/flavors"}
BIGGER: dict[str, Any] = {"name": "mine-2", "description": "Grown.", "spec": {"memory_mb": 1024}}


@pytest.fixture
def entry() -> str:
    return "sandbox-admin"


@pytest.fixture
async def mine(world: World) -> cloud.Flavor:
    """A private type with everything that can hang on one."""
    me = await world.cloud.identity()
    other = await world.cloud.project("other")
    demo = await world.cloud.user("demo")
    assert other is not None and demo is not None
    want = cloud.FlavorSpec(
        name="mine", memory_mb=512, vcpus=1, disk_gb=1, ephemeral_gb=2, swap_mb=8, description="For tests."
    )
    made = await world.cloud.create_flavor(want)
    guests = tuple(await world.cloud.projects_of(demo.id))
    marks = cloud.FlavorMarks(
        tags=("fast", "two words"),
        owner=me.project_id,
        users=(demo.id,),
        guests=guests,
        extra=(("hw:cpu_policy", "shared"),),
    )
    await world.cloud.add_flavor_marks(made.id, marks)
    for project in (me.project_id, other.id, *guests):
        await world.cloud.share_flavor(made.id, project_id=project)
    return await world.cloud.flavor(made.id)


async def change(world: World, body: dict[str, Any], *, of: str = "mine") -> task.Task:
    return (await world.run(body, command="server_type.change", server_type=of)).task


def grown(mine: cloud.Flavor) -> dict[str, Any]:
    """Return all that the type is after BIGGER."""
    fields = {name: getattr(mine, name) for name in mine.__struct_fields__}
    return fields | {"name": "mine-2", "description": "Grown.", "memory_mb": 1024}


async def test_what_is_not_named_stays(world: World, mine: cloud.Flavor) -> None:
    ended = await change(world, BIGGER)
    assert ended.state is task.State.COMPLETED
    assert await world.cloud.flavor(mine.id) == cloud.Flavor(**grown(mine))


async def test_a_change_is_taken_back(world: World, mine: cloud.Flavor) -> None:
    after = await world.run(BIGGER, command="server_type.change", server_type=mine.id)
    assert (await world.revert(after)).state is task.State.COMPLETED
    assert await world.cloud.flavor(mine.id) == mine


async def test_a_description_alone_makes_no_other_type(world: World, mine: cloud.Flavor) -> None:
    world.fault({"service": "compute", "method": "DELETE", "path": "/v2.1/flavors/{id}"}, {"status": 500})
    assert (await change(world, {"description": ""})).state is task.State.COMPLETED
    assert (await world.cloud.flavor(mine.id)).description == ""


async def test_where_the_other_type_cannot_be_made_the_first_one_comes_back(
    world: World, mine: cloud.Flavor
) -> None:
    world.fault({**CREATE, "times": 1}, {"status": 400})
    ended = await change(world, BIGGER)
    assert (ended.state, ended.error and ended.error.left) == (task.State.ABORTED, ())
    assert await world.cloud.flavor(mine.id) == mine


@pytest.mark.parametrize("then", [{"status": 503}, {"drop": "after"}, {"drop": "before"}])
async def test_answers_may_be_lost(world: World, mine: cloud.Flavor, then: dict[str, Any]) -> None:
    for method in ("POST", "DELETE"):
        world.fault({"service": "compute", "method": method, "path": "/v2.1/flavors.*", "times": 2}, then)
    assert (await change(world, BIGGER)).state is task.State.COMPLETED
    assert await world.cloud.flavor(mine.id) == cloud.Flavor(**grown(mine))


@pytest.mark.parametrize("path", ["/v2.1/flavors", "/v2.1/flavors/{id}/os-extra_specs"])
async def test_a_worker_dies_between_the_one_and_the_other(
    world: World, mine: cloud.Flavor, path: str
) -> None:
    world.fault({"service": "compute", "method": "POST", "path": path, "times": 1}, {"latency": 0.4})
    accepted = await world.accept(BIGGER, command="server_type.change", server_type="mine")
    flavors = world.sandbox.cloud.compute.flavors
    while flavors.get(mine.id) is not None and flavors[mine.id].name == "mine":
        await asyncio.sleep(0.01)
    await world.crash()
    ended = (await world.end(accepted.id)).task
    assert (ended.state, ended.attempt) == (task.State.COMPLETED, 2)
    assert await world.cloud.flavor(mine.id) == cloud.Flavor(**grown(mine))


async def test_what_somebody_else_has_made_of_it_is_left_alone(world: World, mine: cloud.Flavor) -> None:
    theirs = world.sandbox.cloud.compute.flavors[mine.id]
    world.fault({"service": "compute", "method": "GET", "path": "/v2.1/flavors/{id}"}, {"latency": 0.2})
    accepted = await world.accept(BIGGER, command="server_type.change", server_type="mine")
    theirs.ram = 4711
    ended = (await world.end(accepted.id)).task
    assert ended.error is not None
    assert (ended.state, ended.error.code) == (task.State.ABORTED, CloudConflict.code)
    assert (await world.cloud.flavor(mine.id)).memory_mb == 4711


async def test_everyones_is_shared_with_nobody_and_a_private_one_belongs_to_somebody(
    world: World, mine: cloud.Flavor
) -> None:
    me = await world.cloud.identity()
    assert (await change(world, {"visibility": "PUBLIC"})).state is task.State.COMPLETED
    public = await world.cloud.flavor(mine.id)
    assert (public.public, public.marks.users, public.marks.guests) == (True, (), ())
    assert (public.marks.tags, public.marks.extra) == (mine.marks.tags, mine.marks.extra)
    assert (await change(world, {"visibility": "PRIVATE"})).state is task.State.COMPLETED
    private = await world.cloud.flavor(mine.id)
    assert (private.public, private.projects) == (False, (me.project_id,))


async def test_what_cannot_be_is_refused_before_anything_is_done(world: World, mine: cloud.Flavor) -> None:
    with pytest.raises(NameTaken):
        await world.accept({"name": "m1.tiny"}, command="server_type.change", server_type="mine")
    with pytest.raises(Exception, match="Name what is to be different"):
        await world.accept({}, command="server_type.change", server_type="mine")
    with pytest.raises(NotFound):
        await world.accept(BIGGER, command="server_type.change", server_type="none")
    assert await world.cloud.flavor(mine.id) == mine


class TestAsAMember:
    @pytest.fixture
    def entry(self) -> str:
        return "sandbox"

    async def test_changing_takes_a_role(self, world: World) -> None:
        with pytest.raises(Forbidden, match="admin") as refused:
            await world.accept({"visibility": "PUBLIC"}, command="server_type.change", server_type="m1.tiny")
        assert refused.value.data["role"] == "admin"
