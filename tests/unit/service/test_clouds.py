"""A caller's clouds: the one that is named, the default one, or whichever has it; and what is remembered of them."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec import structs

from enamel.clouds.accounts import LocalAccounts
from enamel.clouds.calls import context
from enamel.model.call_context import CallContext
from enamel.model.caller import Caller
from enamel.model.cloud import Limit, Zone
from enamel.model.errors import CapabilityMissing, CloudUnknown, CloudUnreachable, Invalid, NotFound
from enamel.model.placement import id_of
from enamel.service.access.clouds import CallerClouds
from enamel.service.planning import quota_cache
from enamel.service.planning.quota_cache import QuotaCache
from enamel.service.resources.placement import Placements
from tests.unit.api import fakes

ANNA = CallContext(caller=Caller(user_id="anna", project_id="one"), request_id="req-anna")
BEN = CallContext(caller=Caller(user_id="ben", project_id="two"))


def clouds(*names: str) -> tuple[CallerClouds, fakes.Clouds]:
    known = fakes.Clouds()
    for name in names:
        known.add(fakes.Cloud(name))
    return CallerClouds(LocalAccounts(known)), known  # type: ignore[arg-type]


def test_the_default_cloud_is_the_first_one() -> None:
    own, _ = clouds("south")
    assert own.names(ANNA) == ("north", "south")
    assert own.chosen(ANNA).name == "north"
    assert own.chosen(ANNA, "south").name == "south"
    with pytest.raises(
        Invalid, match="No cloud 'mars' is configured; configured are: north, south"
    ) as refused:
        own.chosen(ANNA, "mars")
    assert [(fault.pointer, fault.code) for fault in refused.value.faults] == [("?cloud", "unknown")]


def test_without_clouds_there_is_no_default() -> None:
    class Nowhere:
        def names(self) -> tuple[str, ...]:
            return ()

    with pytest.raises(CloudUnknown):
        CallerClouds(LocalAccounts(Nowhere())).chosen(ANNA)  # type: ignore[arg-type]


def test_of_several_accounts_on_one_site_the_first_is_asked() -> None:
    own, known = clouds("south", "north-too")
    known.get("north-too").site = "north"
    assert [account.name for account in own.sites(ANNA)[0]] == ["north", "south"]
    assert [account.name for account in own.sites(ANNA, "north-too")[0]] == ["north-too"]


def test_calls_are_made_in_the_context_of_the_use_case() -> None:
    own, _ = clouds()
    own.of(ANNA)
    assert context.current() is ANNA
    own.of(BEN)
    assert context.current() is BEN


@pytest.mark.parametrize(
    ("raised", "found"),
    [
        ({"north": NotFound("no")}, "south"),
        ({"north": CapabilityMissing("no")}, "south"),
        ({"north": CloudUnreachable("no")}, "south"),
        ({"north": NotFound("first"), "south": NotFound("second")}, NotFound("first")),
        ({"north": NotFound("no"), "south": CloudUnreachable("silent")}, CloudUnreachable("silent")),
        ({"north": CloudUnreachable("silent"), "south": NotFound("no")}, CloudUnreachable("silent")),
    ],
)
async def test_what_has_an_id_is_looked_for_everywhere(
    raised: Mapping[str, Exception], found: str | Exception
) -> None:
    own, _ = clouds("south")

    async def look(account: Any) -> str:
        if account.name in raised:
            raise raised[account.name]
        return f"it, on {account.name}"

    if isinstance(found, str):
        value, account = await own.holding(ANNA, None, look)
        assert (value, account.name) == (f"it, on {found}", found)
    else:
        with pytest.raises(type(found), match=str(found)):
            await own.holding(ANNA, None, look)
    if "north" in raised:
        with pytest.raises(type(raised["north"])):
            await own.holding(ANNA, "north", look)


class Account:
    """A project on a cloud, with a quota of servers."""

    def __init__(self, used: int, *, name: str = "north") -> None:
        self.name = name
        self.used = used

    async def quota(self, kinds: Collection[str]) -> dict[str, Limit]:
        return {kind: Limit(limit=10, used=self.used) for kind in kinds}


async def test_a_quota_is_remembered_for_its_project_and_cloud_alone() -> None:
    now = datetime(2026, 1, 31, tzinfo=UTC)
    cache = QuotaCache(now=lambda: now)
    await cache.fetch(ANNA, Account(3), ["servers"])  # type: ignore[arg-type]
    await cache.fetch(ANNA, Account(5, name="south"), ["servers"])  # type: ignore[arg-type]
    cache.accepted(ANNA, "north", {"servers": 2})
    cache.accepted(BEN, "north", {"servers": 4})
    assert cache.remembered(BEN, "north", ["servers"]) is None
    assert cache.remembered(ANNA, "north", ["servers"]) == {"servers": Limit(limit=10, used=5)}
    assert cache.remembered(ANNA, "south", ["servers"]) == {"servers": Limit(limit=10, used=5)}
    assert cache.remembered(ANNA, "north", ["servers", "cores"]) is None
    now += quota_cache.BELIEVED_FOR + timedelta(seconds=1)
    assert cache.remembered(ANNA, "north", ["servers"]) is None


async def test_quotas_are_remembered_of_so_many_projects_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quota_cache, "MOST", 1)
    cache = QuotaCache(now=lambda: datetime(2026, 1, 31, tzinfo=UTC))
    await cache.fetch(ANNA, Account(3), ["servers"])  # type: ignore[arg-type]
    await cache.fetch(BEN, Account(5), ["servers"])  # type: ignore[arg-type]
    assert cache.remembered(ANNA, "north", ["servers"]) is None
    assert cache.remembered(BEN, "north", ["servers"]) == {"servers": Limit(limit=10, used=5)}


def test_an_entry_with_regions_means_all_of_them() -> None:
    own, _ = clouds("wide/east", "wide/west", "wider")
    assert own.names(ANNA, "wide") == ("wide/east", "wide/west")
    assert own.names(ANNA, "wide/west") == ("wide/west",)
    assert own.chosen(ANNA, "wide").name == "wide/east"
    for unknown in ("wid", "wide/", "wide/east/", "east"):
        with pytest.raises(Invalid, match="No cloud"):
            own.names(ANNA, unknown)


async def test_the_regions_of_an_entry_are_placements_below_it() -> None:
    own, known = clouds("wide/east", "wide/west")

    async def zones() -> list[Zone]:
        return [Zone(name="az1")]

    async def no_zones() -> list[Zone]:
        return []

    for name, region, listed in (
        ("north", "", no_zones),
        ("wide/east", "east", zones),
        ("wide/west", "west", zones),
    ):
        known.get(name).me = structs.replace(known.get(name).me, region=region)
        known.get(name).zones = listed  # type: ignore[attr-defined]
    places = Placements(own)
    reader = CallContext(caller=Caller(user_id="anna", project_id="one", local=True))
    page = await places.list(reader)
    kinds = {place.path: place.kind.name for place in page.entries}
    assert kinds == {
        "north": "CLOUD",
        "wide": "CLOUD",
        "wide/east": "REGION",
        "wide/east/az1": "ZONE",
        "wide/west": "REGION",
        "wide/west/az1": "ZONE",
    }
    wide = next(place for place in page.entries if place.path == "wide")
    assert wide.children == (id_of("wide/east"), id_of("wide/west"))
    assert {place.path for place in (await places.list(reader, cloud="wide/west")).entries} == {
        "wide",
        "wide/west",
        "wide/west/az1",
    }
