"""Server types, as an administrator changes them on the built-in cloud."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec import structs

from enamel.clouds.openstack.driver import OpenStack
from enamel.clouds.registry import Registry
from enamel.model.errors import CloudForbidden, Forbidden, Invalid, NameTaken, NotFound
from enamel.model.server_type import ServerTypeWish, Shares, TypeSpec, Visibility
from enamel.sandbox import kernel, serve
from enamel.service.resources import server_type
from enamel.service.resources.placement import Kind, Placements
from enamel.service.resources.server_type import Scope, ServerTypes, told
from enamel.service.resources.server_type_share import TypeShares

WISH = ServerTypeWish(
    name="mine", description="For tests.", spec=TypeSpec(memory_mb=512, cpu_units=1, swap_mb=64)
)


@pytest.fixture
async def clouds(tmp_path: Path) -> AsyncIterator[Registry]:
    async with serve.running(kernel.Settings()) as sandbox:
        file = tmp_path / "clouds.yaml"
        file.write_text(sandbox.clouds_yaml())
        clouds = Registry([OpenStack(file=file)], default="sandbox-admin")
        yield clouds
        await clouds.close()


async def test_a_private_type_is_for_the_project_that_made_it(clouds: Registry) -> None:
    types = ServerTypes(clouds)
    made = await types.create(WISH)
    assert (made.visibility, made.spec, made.description) == (Visibility.PRIVATE, WISH.spec, "For tests.")
    assert await types.one("mine") == await types.one(made.id) == made
    assert made.id not in {one.id for one in await clouds.get("sandbox").flavors()}
    with pytest.raises(NameTaken):
        await types.create(WISH)
    await types.delete("mine")
    with pytest.raises(NotFound):
        await types.one("mine")


async def test_a_type_that_cannot_be_shared_does_not_stay(
    clouds: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(id: str, *, project_id: str) -> None:
        raise CloudForbidden("Not you.")

    where = clouds.get("sandbox-admin")
    monkeypatch.setattr(where, "share_flavor", refuse)
    with pytest.raises(Forbidden, match="admin"):
        await ServerTypes(clouds).create(WISH)
    assert "mine" not in {one.name for one in await where.flavors()}


async def test_a_cloud_that_does_not_answer_is_still_there(
    clouds: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse() -> None:
        raise CloudForbidden("Not now.")

    monkeypatch.setattr(clouds.get("sandbox"), "zones", refuse)
    found = await Placements(clouds).all()
    [silent] = [one for one in found if one.path == "sandbox"]
    assert (silent.kind, silent.available, silent.children) == (Kind.CLOUD, False, ())
    assert "sandbox-admin/RegionOne/az1" in {one.path for one in found}
    assert {one.id for one in found} == {one.id for one in await Placements(clouds).all()}


async def test_types_are_listed_by_why_one_can_use_them_and_by_tag(clouds: Registry) -> None:
    types = ServerTypes(clouds)
    made = await types.create(WISH)
    assert made.scope is Scope.OWN
    assert await types.set_tags("mine", ["two words", "fast", "fast"]) == ("fast", "two words")
    await types.add_tag("mine", "ünï")
    await types.remove_tag("mine", "fast")
    with pytest.raises(NotFound, match="no tag 'fast'"):
        await types.remove_tag("mine", "fast")
    with pytest.raises(Invalid):
        await types.add_tag("mine", "a/b")
    assert [one.name for one in await types.all(scopes=[Scope.OWN])] == ["mine"]
    assert [one.name for one in await types.all(tags=["fast", "ünï"])] == ["mine"]
    assert await types.all(scopes=[Scope.SHARED]) == []
    assert "mine" not in {one.name for one in await types.all(scopes=[Scope.PUBLIC])}
    assert await types.set_tags("mine", []) == ()


async def seen(sandbox_of: Registry, entry: str) -> set[str]:
    where = sandbox_of.get(entry)
    await where.forget()
    return {one.name for one in await server_type.usable(where)}


async def test_a_type_is_shared_with_projects_and_with_users(clouds: Registry) -> None:
    types = ServerTypes(clouds)
    shares, where = TypeShares(types), clouds.get("sandbox-admin")
    made = await types.create(WISH)
    demo, other = await where.user("demo"), await where.project("other")
    assert demo and other
    assert await shares.of("mine") == Shares()
    await shares.add("mine", project="other")
    await shares.add("mine", user=demo.id)
    await shares.add("mine", user="demo")
    assert await shares.of("mine") == Shares(users=(demo.id,), projects=(other.id,))
    assert (await types.one("mine")).shares == await shares.of("mine")
    assert "mine" in await seen(clouds, "sandbox") & await seen(clouds, "sandbox-other")
    # The cloud lets all of a project in; another user of it is kept out here.
    [theirs] = [one for one in await clouds.get("sandbox").flavors() if one.id == made.id]
    me = await clouds.get("sandbox").identity()
    assert theirs.usable_by(me) and not theirs.usable_by(structs.replace(me, user_id="somebody"))
    assert told(theirs, me).scope is Scope.SHARED
    # With the whole project it is everybody there who can.
    await shares.put("mine", Shares(users=("demo",), projects=("demo",)))
    assert (await where.flavor(made.id)).marks.guests == ()
    assert "mine" not in await seen(clouds, "sandbox-other")
    await shares.remove("mine", project="demo")
    assert (await where.flavor(made.id)).marks.guests == (me.project_id,)
    await shares.clear("mine")
    assert "mine" not in await seen(clouds, "sandbox") and "mine" in await seen(clouds, "sandbox-admin")
    with pytest.raises(NotFound, match="not shared with 'demo'"):
        await shares.remove("mine", user="demo")


async def test_a_type_is_shared_only_with_those_who_exist(clouds: Registry) -> None:
    shares = TypeShares(ServerTypes(clouds))
    await ServerTypes(clouds).create(WISH)
    with pytest.raises(Invalid) as refused:
        await shares.put("mine", Shares(users=("demo", "ghost"), projects=("nowhere",)))
    assert [one.pointer for one in refused.value.faults] == ["/users/1", "/projects/0"]
    with pytest.raises(Invalid, match="PUBLIC"):
        await shares.add("m1.tiny", user="demo")
    assert await shares.of("mine") == Shares()
