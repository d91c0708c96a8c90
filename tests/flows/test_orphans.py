"""Orphans: what belongs to nobody is found, proposed after two looks, and goes when somebody asks for it."""

from typing import Any

import pytest

from enamel.clouds.calls import record
from enamel.model import cloud, ids, task
from enamel.model.errors import Invalid
from enamel.model.orphan import Kind, Orphan, Why
from enamel.model.states import VolumeState
from enamel.store import tasks
from tests.flows.after import After
from tests.flows.world import World

SMALL = {"name": "web", "template": "cirros", "type": "m1.small"}
ADDRESSED = {
    **SMALL,
    "public_address": True,
    "volumes": [{"size_gb": 1}],
    "allow": ["tcp/22"],
    "placement": "sandbox",
}


async def look(world: World, **wanted: Any) -> dict[Kind, list[Orphan]]:
    found: dict[Kind, list[Orphan]] = {}
    for one in await world.services.orphans.look(world.ctx, world.cloud, **wanted):
        found.setdefault(one.kind, []).append(one)
    return found


async def clean(world: World, **wish: Any) -> tuple[After, dict[str, set[str]]]:
    """Clean up, and return what has become of what."""
    after = await world.run(wish, command="orphans.clean")
    assert after.state is task.State.COMPLETED, after.task.error
    data = after.task.result.data
    return after, {word: {one["id"] for one in data[word]} for word in data}


async def port(world: World, mark: str, name: str = "stray") -> str:
    inside = next(one.id for one in await world.cloud.networks() if one.name == "private")
    (made,) = await world.cloud.create_ports([cloud.PortSpec(network_id=inside, name=name, mark=mark)])
    return made.id


async def address(world: World, mark: str = "") -> str:
    outside = next(one.id for one in await world.cloud.networks() if one.external)
    return (await world.cloud.create_address(network_id=outside, mark=mark)).id


async def disk(world: World, mark: str = "") -> str:
    made = await world.cloud.create_volume(cloud.VolumeSpec(size_gb=1, name="stray", mark=mark))
    await world.cloud.volumes.until(
        made.id, lambda one: one is not None and one.state is VolumeState.AVAILABLE
    )
    return made.id


async def test_what_a_task_stands_by_is_no_orphan(world: World) -> None:
    launched = await world.run(ADDRESSED)
    assert launched.state is task.State.COMPLETED, launched.task.error
    kept = await world.run(command="address.create")
    volume = await world.run({"name": "data", "size_gb": 1}, command="volume.create")
    assert kept.state is volume.state is task.State.COMPLETED
    assert await look(world, foreign=True) == {}


async def test_what_a_running_task_makes_is_no_orphan(world: World) -> None:
    world.fault({"service": "compute", "method": "POST", "path": "/servers"}, {"latency": 0.3})
    running = await world.accept(ADDRESSED)
    await world.until(running.id, "item.completed", item="port-create")
    assert await look(world, foreign=True) == {}
    await world.end(running.id)


async def test_the_late_fruit_of_a_failed_task_goes_after_two_looks(world: World) -> None:
    world.fault({"kind": "server"}, {"error": "broken"})
    failed = await world.run(ADDRESSED)
    assert failed.state is task.State.ABORTED and not failed.count()
    mark = f"enamel:{failed.task.id}/port-create"
    one, two = await port(world, mark), await disk(world, mark)
    first = await look(world)
    assert [(found.id, found.why, found.proposed) for found in first[Kind.PORT]] == [
        (one, Why.LEFT_BEHIND, False)
    ]
    assert first[Kind.PORT][0].waits_for == "a second look"
    with pytest.raises(Invalid, match="not proposed yet"):
        await clean(world, ids=[one])
    assert (await clean(world))[1] == {}
    with record.calls() as calls:
        second = await look(world)
    assert len(calls) <= 6
    assert [(found.id, found.proposed, found.looks) for found in second[Kind.VOLUME]] == [(two, True, 2)]
    after, told = await clean(world)
    assert told == {"removed": {one, two}}
    assert {found.kind for found in after.items} == {"orphan.remove"} and len(after.items) == 2
    assert await look(world) == {}
    await world.check()


async def test_an_empty_server_group_of_a_launch_goes_and_no_other_does(world: World) -> None:
    ours = await world.cloud.create_server_group("enamel-0123abcd", policy="anti-affinity")
    theirs = await world.cloud.create_server_group("shop", policy="anti-affinity")
    spread = await world.run({**SMALL, "count": 2, "spread": True})
    assert spread.state is task.State.COMPLETED
    [found] = (await look(world))[Kind.SERVER_GROUP]
    assert (found.id, found.why, found.would) == (ours.id, Why.UNUSED, "delete the server group")
    await look(world)
    assert (await clean(world, kinds=["SERVER_GROUP"]))[1] == {"removed": {ours.id}}
    assert {one.id for one in await world.cloud.server_groups()} >= {theirs.id}
    assert len(await world.cloud.server_groups()) == 2


async def test_the_server_group_of_a_launch_that_is_under_way_is_no_orphan(world: World) -> None:
    world.fault({"service": "compute", "method": "POST", "path": "/v2.1/servers"}, {"latency": 0.5})
    running = await world.accept({**SMALL, "count": 2, "spread": True})
    await world.until(running.id, "item.completed", item="server_group-create")
    assert await look(world) == {}
    await world.end(running.id)


async def test_what_a_revert_has_missed_goes(world: World) -> None:
    launched = await world.run(SMALL)
    await world.revert(launched)
    left = await port(world, f"enamel:{launched.task.id}/port-create")
    await look(world)
    assert [one.why for one in (await look(world))[Kind.PORT]] == [Why.REVERTED]
    assert (await clean(world))[1] == {"removed": {left}}


async def test_what_was_thrown_away_with_its_store_is_a_strangers(world: World) -> None:
    launched = await world.run(ADDRESSED)
    server = launched.task.servers[0].id
    await world.store.run(tasks.forget, launched.task.id)
    world.accepted.remove(launched.task.id)
    for _ in range(2):
        assert await look(world) == {}
        found = await look(world, foreign=True)
    assert {kind: len(ones) for kind, ones in found.items()} == {
        Kind.SERVER: 1,
        Kind.PORT: 1,
        Kind.ADDRESS: 1,
        Kind.VOLUME: 1,
        Kind.SECURITY_GROUP: 1,
    }
    assert {one.why for ones in found.values() for one in ones} == {Why.UNKNOWN_TASK}
    assert found[Kind.SERVER][0].used and found[Kind.SERVER][0].proposed
    # Somebody may be at work with it: it goes only when it is named.
    assert (await clean(world))[1] == {}
    everything = [one.id for ones in found.values() for one in ones]
    with pytest.raises(Invalid):
        await clean(world, ids=everything)
    _, told = await clean(world, ids=everything, foreign=True)
    # The volume goes with its server.
    assert told["removed"] | told["gone"] == set(everything) and server in told["removed"]
    assert not any(world.there().values())


async def test_what_is_merely_unused_goes_only_where_its_kind_is_named(world: World) -> None:
    loose, kept = await address(world), await disk(world)
    lasting = (await world.run(command="address.create")).task.result.data["address_id"]
    await look(world)
    found = await look(world)
    assert [one.id for one in found[Kind.ADDRESS]] == [loose]
    assert [one.why for one in found[Kind.VOLUME]] == [Why.UNUSED]
    assert (await clean(world))[1] == {}
    assert (await clean(world, kinds=["ADDRESS"]))[1] == {"removed": {loose}}
    assert (await clean(world, ids=[kept]))[1] == {"removed": {kept}}
    assert {row["id"] for row in world.there()["address"]} == {lasting}


async def test_what_is_taken_into_use_meanwhile_stays(world: World) -> None:
    launched = await world.run(SMALL)
    server = launched.task.servers[0].id
    assert server
    (plug,) = await world.cloud.ports_of([server])
    loose, plugged, held = await address(world), await port(world, "by hand"), await disk(world)
    gone = await address(world)
    world.left |= {loose, plugged, held}
    await look(world)
    await look(world)
    await world.stop()
    asked = await world.accept({"ids": [loose, plugged, held, gone]}, command="orphans.clean")
    await world.cloud.move_address(loose, port_id=plug.id)
    await world.cloud.attach_port(server, port_id=plugged)
    await world.cloud.attach_volume(server, volume_id=held)
    await world.cloud.delete_address(gone)
    world.start()
    after = await world.end(asked.id)
    assert after.state is task.State.COMPLETED
    data = after.task.result.data
    assert {one["id"] for one in data["kept"]} == {loose, plugged, held} and "removed" not in data
    assert all("meanwhile" in one["why"] or "state" in one["why"] for one in data["kept"])
    assert [one["id"] for one in data["gone"]] == [gone]
    await world.check()


async def test_a_group_that_others_let_in_stays(world: World) -> None:
    named = await world.cloud.create_security_group("named", mark="by hand")
    other = await world.cloud.create_security_group("other", mark="by hand")
    await world.cloud.add_rules(
        other.id, [cloud.Rule(protocol="tcp", port_min=1, port_max=2, group_id=named.id)]
    )
    await look(world)
    await look(world)
    _, told = await clean(world, ids=[named.id])
    assert told == {"kept": {named.id}}
    _, told = await clean(world, ids=[other.id])
    assert (await clean(world, ids=[named.id]))[1] == {"removed": {named.id}}


async def test_a_half_made_network_goes_with_all_that_is_on_it(world: World) -> None:
    mark = f"enamel:{ids.new_id()}/network-auto"
    before = len(world.sandbox.cloud.network.routers)
    whole = await world.cloud.create_network("enamel", mark=mark)
    assert Kind.NETWORK not in await look(world, foreign=True)
    await world.cloud._put(
        "network", f"/networks/{whole.id}", body={"network": {"name": "enamel-unfinished"}}, answer=dict
    )
    await world.cloud.forget()
    for _ in range(2):
        found = await look(world, foreign=True)
    assert [one.id for one in found[Kind.NETWORK]] == [whole.id]
    assert (await clean(world, foreign=True))[1] == {"removed": {whole.id}}
    assert len(world.sandbox.cloud.network.routers) == before


async def test_what_is_no_orphan_cannot_be_cleaned_up(world: World) -> None:
    launched = await world.run(SMALL)
    with pytest.raises(Invalid, match="belongs to somebody"):
        await clean(world, ids=[launched.task.servers[0].id])
    with pytest.raises(Invalid) as caught:
        await clean(world, min_age="soon")
    assert [one.pointer for one in caught.value.faults] == ["/min_age"]
