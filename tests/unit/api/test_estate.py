"""Servers on several clouds, in several projects, and for operators."""

from enamel.model.placement import id_of
from tests.unit.api import fakes
from tests.unit.api.conftest import Web

AWAY = "c" * 32
"""The caller's project on the other cloud."""


def south(web: Web, **rest: object) -> fakes.Cloud:
    return web.services.clouds.add(fakes.Cloud("south", project=AWAY, **rest))  # type: ignore[arg-type]


async def test_the_servers_of_all_clouds_are_listed_with_where_they_are(web: Web) -> None:
    here, there = web.services.clouds.north, south(web)
    one = here.add("one")
    two = there.add("two", id="00000000-0000-4000-8000-00000000aaaa", project_id=AWAY)
    there.add("theirs", id="00000000-0000-4000-8000-00000000bbbb", project_id=fakes.THEIRS)
    body = (await web.get("/servers")).body
    assert {server["id"]: server["placement"] for server in body["servers"]} == {
        one.id: "north/az1",
        two.id: "south/az1",
    }
    assert body["silent"] == []
    shown = (await web.get(f"/servers/{two.id}")).body
    assert (shown["hostname"], shown["placement_id"]) == ("two", id_of("south/az1"))


async def test_a_cloud_that_is_down_does_not_take_the_list_with_it(web: Web) -> None:
    one, there = web.services.clouds.north.add("one"), south(web)
    there.down = True
    body = (await web.get("/servers")).body
    assert [server["id"] for server in body["servers"]] == [one.id]
    [silent] = body["silent"]
    assert (silent["cloud"], silent["code"]) == ("north", "enamel.cloud.unreachable")
    # Nobody can say whether the other cloud has it.
    assert (await web.get("/servers/00000000-0000-4000-8000-00000000aaaa")).status == 503
    web.services.clouds.north.down = True
    assert (await web.get("/servers")).status == 503


async def test_other_accounts_on_the_same_cloud_are_passed_over(web: Web) -> None:
    here, there = web.services.clouds.north, south(web)
    here.add("one")
    there.site = here.site
    there.add("two", id="00000000-0000-4000-8000-00000000aaaa", project_id=AWAY)
    body = (await web.get("/servers")).body
    assert [server["hostname"] for server in body["servers"]] == ["one"]


async def test_a_foreign_project_is_for_operators(web: Web) -> None:
    web.services.clouds.north.add("theirs", project_id=fakes.THEIRS, host="compute1", inner={"node": "n1"})
    for query in (f"?project={fakes.THEIRS}", "?project=nothing"):
        reply = await web.get(f"/servers{query}")
        assert (reply.status, [one["pointer"] for one in reply.errors]) == (400, ["?project"])
    assert (await web.get(f"/projects/{fakes.THEIRS}/servers")).status == 404
    north = web.services.clouds.north
    north.me = fakes.Cloud(roles=("member", "admin")).me
    for path in (f"/servers?project={fakes.THEIRS}", f"/projects/{fakes.THEIRS}/servers"):
        [shown] = (await web.get(path)).body["servers"]
        assert (shown["hostname"], shown["_elevated"]) == (
            *("theirs",),
            {"compute_host": "compute1", "node": "n1"},
        )
    assert (await web.get(f"/servers/{shown['id']}")).status == 200


async def test_only_operators_see_what_is_elevated(web: Web) -> None:
    made = web.services.clouds.north.add("web", host="compute1")
    assert (await web.get(f"/servers/{made.id}")).body["_elevated"] == {}


async def test_a_project_links_to_what_belongs_to_it(web: Web) -> None:
    mine = fakes.ME.project_id
    web.services.clouds.north.add("web")
    body = (await web.get(f"/projects/{mine}")).body
    assert (body["name"], body["clouds"]) == ("mine", ["north"])
    listed = (await web.get(body["_links"]["servers"]["href"])).body
    assert [server["hostname"] for server in listed["servers"]] == ["web"]
    assert (await web.get(f"/projects/{fakes.THEIRS}")).status == 404


async def test_a_server_is_found_by_its_name(web: Web) -> None:
    here = f"/projects/{fakes.ME.project_id}/servers"
    made = web.services.clouds.north.add("web")
    assert (await web.get(f"{here}/web")).body["id"] == made.id
    assert (await web.get(f"{here}/nothing")).status == 404
    twin = web.services.clouds.north.add("web")
    reply = await web.get(f"{here}/web")
    assert reply.status == 400 and made.id in reply.text and twin.id in reply.text


async def test_servers_are_launched_in_ones_own_project(web: Web) -> None:
    wish = {"name": "web"}
    assert (await web.post(f"/projects/{fakes.ME.project_id}/servers", json=wish)).status == 202
    assert (await web.post(f"/projects/{fakes.THEIRS}/servers", json=wish)).status == 404
