"""Server types, as an administrator changes them on the built-in cloud."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from enamel.clouds.openstack.driver import OpenStack
from enamel.clouds.registry import Registry
from enamel.model.errors import CloudForbidden, Forbidden, NameTaken, NotFound
from enamel.model.server_type import ServerTypeWish, TypeSpec, Visibility
from enamel.sandbox import kernel, serve
from enamel.service.placement import Kind, Placements
from enamel.service.server_type import ServerTypes

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
