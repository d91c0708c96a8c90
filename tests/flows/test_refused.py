"""Creations that are refused although the cloud, or a proxy before it, has carried them out."""

from typing import Any

import pytest

from enamel.model import task
from tests.flows.test_cloud_faults import EQUAL, RICH, WRITES
from tests.flows.world import World

BOOT_VOLUME: dict[str, Any] = {**RICH, "boot_volume": {"size_gb": 2}}
UNMARKED = {"network", "keypair"}
REFUSALS: dict[str, dict[str, Any]] = {
    "409": {"status": 409},
    "400": {"status": 400},
    "403": {"status": 403},
    "302": {"status": 302, "headers": {"Location": "http://elsewhere.example/"}},
    "404": {"status": 404},
    "413": {"status": 413},
}


@pytest.mark.sampled(8)
@pytest.mark.parametrize(("service", "path"), WRITES, ids=[path.split("/")[-1] for _, path in WRITES])
@pytest.mark.parametrize("refusal", REFUSALS)
@pytest.mark.parametrize("body", [BOOT_VOLUME, EQUAL], ids=["ports first", "together"])
async def test_what_was_made_although_it_was_refused_goes_in_the_rollback(
    world: World, service: str, path: str, refusal: str, body: dict[str, Any]
) -> None:
    match = {"service": service, "method": "POST", "path": path}
    rule = world.fault(match, {**REFUSALS[refusal], "effect": True})
    after = await world.run(body)
    world.sandbox.faults.remove(rule.id)
    if not any(call.fault for call in world.sandbox.cloud.calls.log):
        pytest.skip("the plan has no such call")
    # Ports that a refused request has made are found by their mark, and taken.
    may_go_on = ("keypairs", "rules", "ports")
    assert after.state is task.State.ABORTED or path.endswith(may_go_on), after.task.error
    if after.state is task.State.ABORTED:
        assert after.task.error is not None and after.task.error.left == ()
        assert after.count() == {}
        await world.check()


@pytest.mark.sampled(4)
@pytest.mark.parametrize(("service", "path"), WRITES, ids=[path.split("/")[-1] for _, path in WRITES])
@pytest.mark.parametrize("refusal", ["409", "302"])
@pytest.mark.parametrize("body", [BOOT_VOLUME, EQUAL], ids=["ports first", "together"])
async def test_what_was_made_although_it_was_refused_shows_where_it_is_kept(
    world: World, service: str, path: str, refusal: str, body: dict[str, Any]
) -> None:
    match = {"service": service, "method": "POST", "path": path}
    rule = world.fault(match, {**REFUSALS[refusal], "effect": True})
    after = await world.run({**body, "on_failure": "KEEP"})
    world.sandbox.faults.remove(rule.id)
    if not any(call.fault for call in world.sandbox.cloud.calls.log):
        pytest.skip("the plan has no such call")
    made = {thing.id for things in after.task.result.made.values() for thing in things}
    nova = {row["id"] for row in after.cloud["port"] if not row["description"]}
    # Keypairs carry no marks: one that was there when it was imported may be another launch's.
    there = {row["id"] for kind, rows in after.cloud.items() if kind not in UNMARKED for row in rows}
    assert there - nova == made - {"me"}
    back = await world.revert(after)
    assert back.state is task.State.COMPLETED and set(back.count()) <= {"keypair"}
