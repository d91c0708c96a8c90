"""The fence: no change without a lease."""

import pytest

from enamel.clouds.calls import fence
from enamel.clouds.openstack import cloud as openstack
from enamel.model.errors import LeaseLost
from tests.unit.clouds.stage import Say, Stage

PORTS = "/network/v2.0/ports"


def test_a_change_needs_the_lease_where_there_is_one() -> None:
    fence.check()
    with fence.within(lambda: True):
        fence.check()
    with fence.within(lambda: False), pytest.raises(LeaseLost):
        fence.check()
    fence.check()


@pytest.mark.parametrize("connections", [0, 1])
async def test_a_lease_that_ends_while_a_connection_is_made_ends_the_call(
    stage: Stage, there: openstack.OpenStackCloud, connections: int
) -> None:
    stage.on("DELETE", f"{PORTS}/p1", Say(status=204))
    stage.on("DELETE", f"{PORTS}/p2", Say(status=204))
    await there.delete_port("p1")
    if not connections:
        await there.close()
    answers = iter([True, False])
    with fence.within(lambda: next(answers)), pytest.raises(LeaseLost):
        await there.delete_port("p2")
    assert stage.count("DELETE", f"{PORTS}/p2") == 0
    await there.delete_port("p2")
    assert stage.count("DELETE", f"{PORTS}/p2") == 1
