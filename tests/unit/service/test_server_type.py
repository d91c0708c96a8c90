"""Server types, as an administrator changes them on the built-in cloud."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec import structs, to_builtins

from enamel.clouds.accounts import LocalAccounts
from enamel.clouds.openstack.driver import OpenStack
from enamel.clouds.registry import Registry
from enamel.model.call_context import CallContext
from enamel.model.caller import Caller
from enamel.model.errors import CloudForbidden, Forbidden, Invalid, NameTaken, NotFound
from enamel.model.server_type import ServerTypeRequest, Shares, TypeSpec, Visibility
from enamel.sandbox import kernel, serve
from enamel.service.access.clouds import CallerClouds
from enamel.service.resources import flavors
from enamel.service.resources.placement import Kind, Placements
from enamel.service.resources.server_type import Filter, Scope, ServerTypes
from enamel.service.resources.server_type_share import TypeShares

SPEC = TypeSpec(memory_mb=512, cpu_units=1, swap_mb=64)
WISH = to_builtins(ServerTypeRequest(name="mine", description="For tests.", spec=SPEC))
ME = CallContext(caller=Caller(user_id="", project_id="", local=True))


def of(clouds: Registry) -> CallerClouds:
    return CallerClouds(LocalAccounts(clouds))


@pytest.fixture
async def clouds(tmp_path: Path) -> AsyncIterator[Registry]:
    async with serve.running(kernel.Settings()) as sandbox:
        file = tmp_path / "clouds.yaml"
        file.write_text(sandbox.clouds_yaml())
        clouds = Registry([OpenStack(file=file)], default="sandbox-admin")
        yield clouds
        await clouds.close()


async def test_a_private_type_is_for_the_project_that_made_it(clouds: Registry) -> None:
    types = ServerTypes(of(clouds))
    made = await types.create(ME, WISH)
    assert (made.visibility, made.spec, made.description) == (Visibility.PRIVATE, SPEC, "For tests.")
    assert await types.get(ME, "mine") == await types.get(ME, made.id) == made
    assert made.id not in {one.id for one in await clouds.get("sandbox").flavors()}
    with pytest.raises(NameTaken):
        await types.create(ME, WISH)
    await types.delete(ME, "mine")
    with pytest.raises(NotFound):
        await types.get(ME, "mine")


async def test_a_type_that_cannot_be_shared_does_not_stay(
    clouds: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(id: str, *, project_id: str) -> None:
        raise CloudForbidden("Not you.")

    where = clouds.get("sandbox-admin")
    monkeypatch.setattr(where, "share_flavor", refuse)
    with pytest.raises(Forbidden, match="admin"):
        await ServerTypes(of(clouds)).create(ME, WISH)
    assert "mine" not in {one.name for one in await where.flavors()}


async def test_a_cloud_that_does_not_answer_is_still_there(
    clouds: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse() -> None:
        raise CloudForbidden("Not now.")

    monkeypatch.setattr(clouds.get("sandbox"), "zones", refuse)
    found = (await Placements(of(clouds)).list(ME)).entries
    [silent] = [one for one in found if one.path == "sandbox"]
    assert (silent.kind, silent.available, silent.children) == (Kind.CLOUD, False, ())
    assert "sandbox-admin/RegionOne/az1" in {one.path for one in found}
    assert {one.id for one in found} == {one.id for one in (await Placements(of(clouds)).list(ME)).entries}


async def test_types_are_listed_by_why_one_can_use_them_and_by_tag(clouds: Registry) -> None:
    types = ServerTypes(of(clouds))
    made = await types.create(ME, WISH)
    assert made.scope is Scope.OWN
    assert await types.set_tags(ME, "mine", {"tags": ["two words", "fast", "fast"]}) == ("fast", "two words")
    await types.add_tag(ME, "mine", "ünï")
    await types.remove_tag(ME, "mine", "fast")
    with pytest.raises(NotFound, match="no tag 'fast'"):
        await types.remove_tag(ME, "mine", "fast")
    with pytest.raises(Invalid):
        await types.add_tag(ME, "mine", "a/b")
    assert await names(types, Filter(scopes=(Scope.OWN,))) == ["mine"]
    assert await names(types, Filter(tags=("fast", "ünï"))) == ["mine"]
    assert await names(types, Filter(scopes=(Scope.SHARED,))) == []
    assert "mine" not in await names(types, Filter(scopes=(Scope.PUBLIC,)))
    assert await types.set_tags(ME, "mine", {"tags": []}) == ()


async def names(types: ServerTypes, matching: Filter) -> list[str]:
    return [type.name for type in (await types.list(ME, matching=matching)).entries]


async def seen(sandbox_of: Registry, entry: str) -> set[str]:
    where = sandbox_of.get(entry)
    await where.forget()
    return {one.name for one in await flavors.usable(where)}


async def test_a_type_is_shared_with_projects_and_with_users(clouds: Registry) -> None:
    types = ServerTypes(of(clouds))
    shares, where = TypeShares(of(clouds)), clouds.get("sandbox-admin")
    made = await types.create(ME, WISH)
    demo, other = await where.user("demo"), await where.project("other")
    assert demo and other
    assert await shares.get(ME, "mine") == Shares()
    await shares.add(ME, "mine", project="other")
    await shares.add(ME, "mine", user=demo.id)
    await shares.add(ME, "mine", user="demo")
    assert await shares.get(ME, "mine") == Shares(users=(demo.id,), projects=(other.id,))
    assert (await types.get(ME, "mine")).shares == await shares.get(ME, "mine")
    assert "mine" in await seen(clouds, "sandbox") & await seen(clouds, "sandbox-other")
    # The cloud lets all of a project in; another user of it is kept out here.
    [theirs] = [one for one in await clouds.get("sandbox").flavors() if one.id == made.id]
    me = await clouds.get("sandbox").identity()
    assert theirs.usable_by(me) and not theirs.usable_by(structs.replace(me, user_id="somebody"))
    assert (await types.get(ME, "mine", cloud="sandbox")).scope is Scope.SHARED
    # With the whole project it is everybody there who can.
    await shares.set(ME, "mine", {"users": ["demo"], "projects": ["demo"]})
    assert (await where.flavor(made.id)).marks.guests == ()
    assert "mine" not in await seen(clouds, "sandbox-other")
    await shares.remove(ME, "mine", project="demo")
    assert (await where.flavor(made.id)).marks.guests == (me.project_id,)
    await shares.clear(ME, "mine")
    assert "mine" not in await seen(clouds, "sandbox") and "mine" in await seen(clouds, "sandbox-admin")
    with pytest.raises(NotFound, match="not shared with 'demo'"):
        await shares.remove(ME, "mine", user="demo")


async def test_a_type_is_shared_only_with_those_who_exist(clouds: Registry) -> None:
    shares = TypeShares(of(clouds))
    await ServerTypes(of(clouds)).create(ME, WISH)
    with pytest.raises(Invalid) as refused:
        await shares.set(ME, "mine", {"users": ["demo", "ghost"], "projects": ["nowhere"]})
    assert [one.pointer for one in refused.value.faults] == ["/users/1", "/projects/0"]
    with pytest.raises(Invalid, match="PUBLIC"):
        await shares.add(ME, "m1.tiny", user="demo")
    assert await shares.get(ME, "mine") == Shares()
