"""The one user of a local service, while the default cloud does not say who that is."""

import pytest

from enamel.model.caller import Caller
from enamel.model.errors import CloudUnusable
from tests.unit.api import fakes
from tests.unit.api.conftest import Web

SOUTH = "b" * 32
HEADERS = {"host": "127.0.0.1"}


@pytest.fixture
def south(web: Web) -> fakes.Cloud:
    """A second cloud; the first one, which is the default, is down."""
    web.services.clouds.north.down = True
    return web.services.clouds.add(fakes.Cloud("south", project=SOUTH, roles=("admin",)))


async def asked(web: Web) -> Caller:
    return await web.services.callers.authenticate(HEADERS)


async def test_the_default_cloud_says_who_the_user_is(web: Web, south: fakes.Cloud) -> None:
    web.services.clouds.north.down = False
    south.down = True
    user = await asked(web)
    assert (user.project_id, user.roles, user.local) == (fakes.ME.project_id, ("member",), True)


async def test_the_first_cloud_that_answers_stands_in_for_it(web: Web, south: fakes.Cloud) -> None:
    server = south.add("two")
    user = await asked(web)
    assert (user.project_id, user.roles, user.local) == (SOUTH, ("admin",), True)
    assert (await web.get(f"/servers/{server.id}", params={"cloud": "south"})).status == 200
    # Whoever has begun something is the same user when the default cloud is back.
    web.services.clouds.north.down = False
    assert await asked(web) == user


async def test_tasks_that_are_there_are_still_the_users(web: Web, south: fakes.Cloud) -> None:
    known = await fakes.add(web.services.store)
    assert [task["id"] for task in (await web.get("/tasks")).body["tasks"]] == [known.id]
    assert (await web.get(f"/tasks/{known.id}")).status == 200
    user = await asked(web)
    assert (user.project_id, user.roles) == (known.project_id, ("admin",))


async def test_what_needs_the_silent_cloud_names_it(web: Web, south: fakes.Cloud) -> None:
    server = web.services.clouds.north.add("one")
    reply = await web.get(f"/servers/{server.id}", params={"cloud": "north"})
    assert (reply.status, reply.errors[0]["code"]) == (503, "enamel.cloud.unreachable")
    assert "north" in reply.errors[0]["detail"]


async def test_tasks_can_be_read_while_no_cloud_answers(web: Web, south: fakes.Cloud) -> None:
    south.down = True
    assert (await web.get("/tasks")).body["tasks"] == []
    # That is nobody for good.
    south.down = False
    assert (await asked(web)).project_id == SOUTH


async def test_only_tasks_tell_while_no_cloud_answers(web: Web, south: fakes.Cloud) -> None:
    south.down = True
    known = await fakes.add(web.services.store)
    assert [task["id"] for task in (await web.get("/tasks")).body["tasks"]] == [known.id]


async def test_an_entry_that_cannot_be_used_is_passed_over(
    web: Web, south: fakes.Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Clouds(fakes.Clouds):
        def get(self, name: str, *, project: str | None = None) -> fakes.Cloud:
            if name == "north":
                raise CloudUnusable("its entry is empty", cloud=name)
            return super().get(name)

    monkeypatch.setattr(web.services.clouds, "__class__", Clouds)
    assert (await asked(web)).project_id == SOUTH
