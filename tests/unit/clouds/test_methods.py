"""The table of a driver's methods, the defaults behind it, and OpenStack's driver before it."""

import inspect

import pytest

from enamel.clouds import capability, driver
from enamel.clouds.capability import METHODS, Capability
from enamel.clouds.methods.base import Unwatched
from enamel.clouds.openstack.cloud import OpenStackCloud
from enamel.model.action import Action
from enamel.model.errors import CapabilityMissing

WATCHERS = {"servers", "ports", "volumes", "volume_snapshots", "snapshots"}
EVERY_DRIVER = {
    *("name", "site", "in_use", "identity", "capabilities", "actions", "quota", "why_failed", "state"),
    *("forget", "refresh", "successors", "close", "missing"),
}
LISTED = [method for methods in METHODS.values() for method in methods]


class Bare(driver.Cloud):
    """A driver that can do nothing."""

    name = "bare"
    site = "bare"


def test_each_method_stands_in_the_table_once() -> None:
    public = {name for name in dir(driver.Cloud) if not name.startswith("_")} | {"name", "site"}
    assert len(LISTED) == len(set(LISTED))
    assert set(LISTED) == public - EVERY_DRIVER


@pytest.mark.parametrize("method", [name for name in LISTED if name not in WATCHERS])
async def test_what_a_driver_lacks_is_refused_by_the_name_of_its_capability(method: str) -> None:
    bound = getattr(Bare(), method)
    wanted = {
        name: [] if name in {"names", "wanted"} else name
        for name, one in inspect.signature(bound).parameters.items()
        if one.default is inspect.Parameter.empty
    }
    named = {
        name for name, one in inspect.signature(bound).parameters.items() if one.kind is one.KEYWORD_ONLY
    }
    places = [value for name, value in wanted.items() if name not in named]
    with pytest.raises(CapabilityMissing) as caught:
        await bound(*places, **{name: value for name, value in wanted.items() if name in named})
    assert caught.value.data["capability"] in {one.value for one in METHODS}


@pytest.mark.parametrize("watcher", sorted(WATCHERS))
async def test_what_is_not_there_is_not_waited_for(watcher: str) -> None:
    there = getattr(Bare(), watcher)
    assert isinstance(there, Unwatched)
    with pytest.raises(CapabilityMissing):
        await there.until("x", lambda one: True)


async def test_a_driver_without_more_can_still_be_asked_what_it_is() -> None:
    bare = Bare()
    assert bare.state().name == "bare" and bare.actions() == {Action.TERMINATE}
    assert await bare.quota(["servers"]) == {} and await bare.successors(["x"]) == {}
    assert not await bare.refresh() and await bare.why_failed("x") is None


@pytest.mark.parametrize("method", [name for name in LISTED if name not in {*WATCHERS, "images_named"}])
def test_openstack_has_every_method_itself(method: str) -> None:
    assert getattr(OpenStackCloud, method).__module__.startswith("enamel.clouds.openstack.")


def test_every_action_of_a_capability_is_openstacks() -> None:
    assert set().union(*capability.ACTIONS.values()) < OpenStackCloud.actions(
        OpenStackCloud.__new__(OpenStackCloud)
    )
    assert Capability.COMPUTE not in capability.ACTIONS
