"""Clouds that keep deleted servers for a while: what such a server had is free, and goes where somebody asks for that."""

from typing import Any

import msgspec
import pytest

from enamel.model import errors, states, task
from enamel.model.orphan import Kind
from enamel.sandbox import kernel
from tests.flows.after import After
from tests.flows.test_launch import WEB, went_well
from tests.flows.test_orphans import ADDRESSED, clean, look
from tests.flows.world import QUICK, World

ONE: dict[str, Any] = {
    **WEB,
    "public_address": True,
    "allow": ["tcp/22"],
    "placement": "sandbox",
}
"""A server with a port of its own."""
NO_FORCE = {
    "service": "compute",
    "method": "POST",
    "path": "/v2.1/servers/{id}/action",
    "body": "forceDelete",
}
"""The policy of many clouds keeps the forced deletion to operators."""


@pytest.fixture
def settings() -> kernel.Settings:
    return msgspec.structs.replace(QUICK, reclaim_seconds=600.0)


async def softly_deleted(world: World, after: After) -> str:
    """Delete a server as another tool does, and return its id."""
    (made,) = after.task.result.made["server"]
    await world.cloud.delete_server(made.id)
    await world.cloud.servers.until(made.id, lambda server: server is None or server.state in states.DELETED)
    (row,) = (row for row in world.there()["server"] if row["id"] == made.id)
    assert row["status"] == "SOFT_DELETED"
    return made.id


async def test_the_address_of_a_deleted_server_is_free(world: World) -> None:
    made = await world.run({}, command="address.create")
    id = str(made.task.result.data["address_id"])
    named = {"public_address": {"address": made.task.result.data["address"]}}
    first = went_well(await world.run({**WEB, **named}))
    with pytest.raises(errors.Invalid, match="is in use"):
        await world.accept({**WEB, "name": "next", **named})
    await softly_deleted(world, first)
    assert not (await world.services.addresses.get(world.ctx, id)).used
    second = went_well(await world.run({**WEB, "name": "next", **named}))
    assert second.task.servers[0].public_address == made.task.result.data["address"]
    await softly_deleted(world, second)
    third = went_well(await world.run({**WEB, "name": "third"}))
    server = third.task.result.made["server"][0].id
    attached = await world.run({"server": server}, command="address.attach", address=id)
    assert attached.state is task.State.COMPLETED, attached.task.error
    await softly_deleted(world, third)
    deleted = await world.run(command="address.delete", address=id)
    assert deleted.state is task.State.COMPLETED and not deleted.cloud["address"], deleted.task.error


async def test_an_address_on_a_port_without_a_server_is_in_use(world: World) -> None:
    made = await world.run({}, command="address.create")
    id = str(made.task.result.data["address_id"])
    network = next(one for one in await world.cloud.networks() if one.name == "private")
    body = {"port": {"network_id": network.id, "name": "mine"}}
    port = (await world.cloud._post("network", "/ports", body=body, answer=dict[str, Any]))["port"]["id"]
    await world.cloud.move_address(id, port_id=port)
    with pytest.raises(errors.WrongState, match="in use"):
        await world.accept(command="address.delete", address=id)


@pytest.mark.parametrize("body", [ONE, {**WEB, "public_address": True}], ids=["own port", "port of Nova"])
async def test_everything_of_a_softly_deleted_server_goes(world: World, body: dict[str, Any]) -> None:
    after = went_well(await world.run(body))
    server = await softly_deleted(world, after)
    ended = await world.run(command="server.terminate", server=server, **{"with": "everything"})
    assert ended.state is task.State.COMPLETED, ended.task.error
    assert ended.count() == {}


async def test_a_cloud_that_forbids_to_force_a_deletion_keeps_the_server(world: World) -> None:
    """Nobody waits until it is reclaimed, which may take days."""
    after = went_well(await world.run({**WEB, "public_address": True}))
    world.fault(NO_FORCE, {"status": 403})
    (server,) = after.task.result.made["server"]
    ended = await world.run(command="server.terminate", server=server.id)
    assert ended.state is task.State.COMPLETED, ended.task.error
    assert ended.count() == {"server": 1, "port": 1}
    assert [row["status"] for row in ended.cloud["server"]] == ["SOFT_DELETED"]


async def test_an_orphaned_server_goes_with_its_port_and_address(world: World) -> None:
    launched = went_well(await world.run(ADDRESSED))
    await world.forget(launched.task.id)
    await look(world, foreign=True)
    orphans = await look(world, foreign=True)
    assert {Kind.SERVER, Kind.ADDRESS} <= orphans.keys()
    ids = [one.id for many in orphans.values() for one in many]
    after, outcome = await clean(world, ids=ids, foreign=True)
    assert outcome.keys() <= {"removed", "gone"}, after.task.result.data
    assert after.count() == {}
