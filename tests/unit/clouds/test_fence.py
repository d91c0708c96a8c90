"""The fence: no change without a lease."""

import pytest

from enamel.clouds.calls import fence
from enamel.clouds.openstack import cloud as openstack
from enamel.model.errors import LeaseLost
from tests.unit.clouds.stage import Say, Stage

PORTS = "/network/v2.0/ports"
ONE, OTHER = (f"00000000-0000-4000-8000-{number:012}" for number in (1, 2))


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
    stage.on("DELETE", f"{PORTS}/{ONE}", Say(status=204))
    stage.on("DELETE", f"{PORTS}/{OTHER}", Say(status=204))
    await there.delete_port(ONE)
    if not connections:
        await there.close()
    answers = iter([True, False])
    with fence.within(lambda: next(answers)), pytest.raises(LeaseLost):
        await there.delete_port(OTHER)
    assert stage.count("DELETE", f"{PORTS}/{OTHER}") == 0
    await there.delete_port(OTHER)
    assert stage.count("DELETE", f"{PORTS}/{OTHER}") == 1
