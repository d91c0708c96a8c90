"""Limits that the cloud tells are checked before anything is made, with the cloud's numbers."""

import base64
from typing import Any

import msgspec
import pytest

from enamel.model.errors import EnamelError
from tests.flows.test_launch import KEY, WEB, went_well
from tests.flows.world import QUICK, World


async def refused(world: World, wish: dict[str, Any]) -> tuple[str, str]:
    """Return where the one fault of a launch is, and what it says; nothing is made."""
    with pytest.raises(EnamelError) as caught:
        await world.accept({**WEB, **wish})
    (fault,) = caught.value.faults
    assert {kind: rows for kind, rows in world.there().items() if rows} == {}
    return fault.pointer, fault.detail


async def test_user_data_counts_as_base64(world: World) -> None:
    most = base64.b64encode(b"#!/bin/sh\n".ljust(49_149)).decode()
    more = base64.b64encode(b"#!/bin/sh\n".ljust(49_150)).decode()
    pointer, detail = await refused(world, {"user_data": more})
    assert pointer == "/user_data" and "49149 bytes" in detail and "49150" in detail
    went_well(await world.run({**WEB, "user_data": most}))
    await world.check()


async def test_the_mark_is_one_of_the_properties(world: World) -> None:
    properties = {f"p{number}": "x" for number in range(128)}
    pointer, detail = await refused(world, {"properties": properties})
    assert pointer == "/properties" and "128" in detail
    del properties["p0"]
    went_well(await world.run({**WEB, "properties": properties}))
    await world.check()


@pytest.mark.parametrize("settings", [msgspec.structs.replace(QUICK, quotas={"server_group_members": 2})])
async def test_servers_that_are_kept_apart_fit_into_a_group(world: World) -> None:
    pointer, detail = await refused(world, {"count": 3, "spread": True})
    assert pointer == "/spread" and "at most 2" in detail and "3" in detail
    went_well(await world.run({**WEB, "count": 2, "spread": True}))
    await world.check()


@pytest.mark.parametrize(
    ("settings", "wish"),
    [
        (
            msgspec.structs.replace(QUICK, quotas={"key_pairs": 0}),
            {"keypair": {"name": "me", "public_key": KEY}},
        ),
        (msgspec.structs.replace(QUICK, quotas={"server_groups": 0}), {"count": 2, "spread": True}),
    ],
    ids=["keypairs", "server groups"],
)
async def test_quotas_are_checked_before_anything_is_made(world: World, wish: dict[str, Any]) -> None:
    _, detail = await refused(world, wish)
    assert "1" in detail and "limit 0" in detail


async def test_a_key_may_have_the_name_of_a_mailbox(world: World) -> None:
    went_well(await world.run({**WEB, "keypair": {"name": "me@here.org", "public_key": KEY}}))
    await world.check()


@pytest.mark.parametrize("settings", [msgspec.structs.replace(QUICK, era="2018")])
async def test_an_older_cloud_knows_no_such_names(world: World) -> None:
    pointer, detail = await refused(world, {"keypair": {"name": "me@here.org", "public_key": KEY}})
    assert pointer == "/keypair" and "too old" in detail
    went_well(await world.run({**WEB, "keypair": {"name": "me-here", "public_key": KEY}}))
    await world.check()
