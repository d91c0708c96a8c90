"""Answers that show what another launch has made: nothing of it is taken over, and nothing of it is deleted."""

import json
from typing import Any

import pytest
import sqlalchemy as sa

from enamel.model import item, task
from enamel.store import schema
from tests.flows.after import After
from tests.flows.test_cloud_faults import EQUAL, RICH
from tests.flows.test_launch import KEY, WEB, went_well
from tests.flows.world import World

OTHER: dict[str, Any] = {**EQUAL, "name": "other"}
OTHER_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB+oiyjqjhxlCbpxmbgLrL2pJmx0PEzKzpj1PmTTrsJB other@here"
RESERVATION = {"method": "GET", "path": "/v2.1/servers/detail", "query": "reservation_id="}
RESERVATION_LOOKS = 5
"""How often the list of a reservation is read."""


def ids(after: After, kind: str) -> set[str]:
    return {made.id for made in after.task.result.made.get(kind, ())}


async def stand(world: World, *launches: After) -> None:
    """Hold the launches to having what they have made, and the cloud to having nothing else."""
    for kind in ("server", "port", "address", "volume", "security_group"):
        made = [ids(after, kind) for after in launches]
        assert sum(map(len, made)) == len(set().union(*made)), "two launches claim the same thing"
        assert set().union(*made) <= {row["id"] for row in world.there()[kind]}
    await world.check()


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    "wrong",
    [
        {"unfiltered": True},
        {"unfiltered": True, "omit": "^web-[12]$"},
        {"unfiltered": True, "omit": "^web-"},
        {"omit": "^web-3$"},
        {"body": {"servers": []}},
    ],
    ids=["unfiltered", "others in place of some", "others alone", "too few", "none"],
)
@pytest.mark.parametrize("times", [1, RESERVATION_LOOKS, None], ids=["once", "in all of them", "for ever"])
async def test_the_list_of_a_reservation_shows_others(
    world: World, wrong: dict[str, Any], times: int | None
) -> None:
    other = went_well(await world.run(OTHER))
    rule = world.fault({**RESERVATION, "times": times}, wrong)
    after = went_well(await world.run(EQUAL))
    world.sandbox.faults.remove(rule.id)
    assert {entry.hostname for entry in after.task.servers} == {"web-1", "web-2", "web-3"}
    names = {row["id"]: row["name"] for row in after.cloud["server"]}
    assert {names[id] for id in ids(after, "server")} == {"web-1", "web-2", "web-3"}
    await stand(world, other, after)
    assert (await world.revert(after)).state is task.State.COMPLETED
    await stand(world, other)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v2.1/servers", {**WEB, "volumes": [{"size_gb": 1}]}),
        ("/v2.0/ports", {**WEB, "volumes": [{"size_gb": 1}]}),
        ("/v3/volumes", {**WEB, "volumes": [{"size_gb": 1}]}),
        ("/v2.0/floatingips", {**WEB, "public_address": True}),
        ("/v2.0/security-groups", {**WEB, "allow": ["tcp/22"]}),
    ],
)
async def test_a_create_is_answered_with_what_another_launch_has_made(
    world: World, path: str, body: dict[str, Any]
) -> None:
    rule = world.fault({"method": "POST", "path": path, "times": 2}, {"stale": True})
    other = went_well(await world.run({**body, "name": "other"}))
    after = went_well(await world.run(body))
    world.sandbox.faults.remove(rule.id)
    await stand(world, other, after)
    assert (await world.revert(after)).state is task.State.COMPLETED
    await stand(world, other)


def adopted(world: World, after: After, other: After, *, marks: bool) -> None:
    """Write another launch's ids into the record of a launch, as earlier releases did, which believed every list."""
    theirs = {step.name.replace("other", "web"): step for step in other.items}
    with sa.create_engine(f"sqlite:///{world.database}").begin() as connection:
        for step in after.items:
            text = json.dumps(step.outputs)
            for old, new in zip(_ids(step), _ids(theirs[step.name]), strict=True):
                text = text.replace(old, new)
            outputs = json.loads(text)
            if not marks:
                outputs.pop("mark", None)
            values = {"outputs": outputs}
            row = (schema.items.c.task == after.task.id) & (schema.items.c.name == step.name)
            connection.execute(sa.update(schema.items).where(row).values(values))


def _ids(step: item.Item) -> list[str]:
    many = step.outputs.get("servers") or step.outputs.get("ports") or [step.outputs]
    return [thing["id"] for thing in many if "id" in thing]


@pytest.mark.parametrize("body", [RICH, EQUAL], ids=["ports first", "together"])
@pytest.mark.parametrize("marks", [True, False], ids=["recorded", "by an earlier release"])
async def test_a_revert_looks_at_the_mark_of_everything_before_it_deletes_it(
    world: World, body: dict[str, Any], marks: bool
) -> None:
    body = {name: value for name, value in body.items() if name != "keypair"}
    other = went_well(await world.run({**body, "name": "other"}))
    after = went_well(await world.run(body))
    adopted(world, after, other, marks=marks)
    back = await world.revert(after)
    assert back.state is task.State.COMPLETED, back.task.error
    await stand(world, other)
    notes = " ".join(step.note for step in back.items)
    for kind in after.task.result.made:
        assert kind == "server_group" or f"The {kind.replace('_', ' ')} " in notes, notes


async def test_a_revert_takes_what_has_lost_its_mark_and_kept_its_name(world: World) -> None:
    after = went_well(await world.run({**WEB, "volumes": [{"size_gb": 1}], "public_address": True}))
    cloud = world.sandbox.cloud
    for server in cloud.compute.servers.values():
        server.metadata.clear()
    for volume in cloud.volume.volumes:
        volume["metadata"] = {}
    for port in cloud.network.ports:
        port["description"] = "the port of the shop"
    for address in cloud.network.floatingips:
        address["description"] = ""
    back = await world.revert(after)
    assert back.state is task.State.COMPLETED and back.count() == {}
    await world.check()


@pytest.mark.parametrize(
    ("path", "query"),
    [("/v2.0/ports", "device_id="), ("/v2.0/floatingips", "port_id="), ("/v2.0/security-groups", "")],
)
async def test_a_termination_takes_nothing_of_other_servers_where_lists_are_unfiltered(
    world: World, path: str, query: str
) -> None:
    body = {**RICH, "keypair": None, "spread": False}
    other = went_well(await world.run({**body, "name": "other"}))
    after = went_well(await world.run(body))
    world.fault({"method": "GET", "path": path, "query": query}, {"unfiltered": True})
    for server in ids(after, "server"):
        ended = await world.run(command="server.terminate", server=server)
        assert ended.state is task.State.COMPLETED, ended.task.error
    await world.check(deleted=True)
    for kind in ("server", "port", "address", "volume", "security_group"):
        assert ids(other, kind) == {row["id"] for row in world.there()[kind]}


async def test_a_keypair_that_somebody_has_replaced_stays(world: World) -> None:
    after = went_well(await world.run({**WEB, "keypair": {"name": "me", "public_key": KEY}}))
    await world.cloud.delete_keypair("me")
    await world.cloud.create_keypair("me", public_key=OTHER_KEY)
    back = await world.revert(after)
    assert back.state is task.State.COMPLETED and back.count() == {"keypair": 1}
