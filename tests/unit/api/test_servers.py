"""The routes of servers, as `spec/compute-vnext.md` has them."""

import pytest

from enamel.api.resources import server_body
from enamel.model import cloud
from enamel.model.call_context import CallContext
from enamel.model.caller import Caller
from enamel.model.placement import id_of
from enamel.model.states import PowerState, ServerState
from enamel.service.resources import server, server_list
from tests.unit.api import fakes
from tests.unit.api.conftest import Web

MAC = "fa:16:3e:00:00:01"
AWAY = "c" * 32
"""The caller's project on another cloud."""


async def test_a_server_shows_in_the_words_of_this_api(web: Web) -> None:
    made = web.services.clouds.north.add(
        "web",
        launched_at=fakes.START,
        key_name="me",
        image_id="11111111-0000-4000-8000-000000000000",
        memory_mb=512,
        vcpus=1,
        disk_gb=10,
        floating_addresses=("127.77.0.5", "fd00::5"),
        flavor_name="m1.tiny",
        flavor_id="1",
        interfaces=(
            cloud.ServerInterface(network="private", mac=MAC, addresses=("10.0.0.5", "fd00::a", "10.0.0.6")),
        ),
        volumes=("22222222-0000-4000-8000-000000000000",),
        metadata={"enamel": "enamel:1/boot", "team": "blue"},
        tags=("a",),
    )
    body = (await web.get(f"/servers/{made.id}")).body
    links, actions = body.pop("_links"), body.pop("actions")
    assert body == {
        "id": made.id,
        "hostname": "web",
        "project_id": fakes.ME.project_id,
        "launched_at": "2026-01-31T12:00:00.000000Z",
        "launched_by": fakes.ME.user_id,
        "keypair": "me",
        "template_id": "11111111-0000-4000-8000-000000000000",
        "placement_id": id_of("north/az1"),
        "placement": "north/az1",
        "cloud": "north",
        "type": "m1.tiny",
        "type_id": "1",
        "spec": {"memory_mb": 512, "root_disk_gb": 10, "cpu_units": 1},
        "power_state": "RUNNING",
        "virt_state": "ACTIVE",
        "block_devices": [
            {"type": "EPHEMERAL", "device": "root"},
            {"type": "PERSISTENT", "device": "22222222-0000-4000-8000-000000000000"},
        ],
        "networking": {
            "access": {"ip4": ["127.77.0.5"], "ip6": ["fd00::5"]},
            "interfaces": {
                "private": {
                    "network": "private",
                    "ip4": "10.0.0.5",
                    "ip6": "fd00::a",
                    "addresses": ["10.0.0.5", "fd00::a", "10.0.0.6"],
                    "mac": MAC,
                }
            },
        },
        "properties": {"team": "blue"},
        "tags": ["a"],
        "fault": None,
        "created_at": "2026-01-31T12:00:00.000000Z",
        "updated_at": "2026-01-31T12:00:00.000000Z",
        "locked": False,
        "_elevated": {},
    }
    assert links["describedby"] == {"href": "/schemas/server"}
    assert links["terminate"] == {"href": f"/servers/{made.id}", "method": "DELETE"}
    assert {"REBOOT", "RESIZE", "POWER_OFF"} <= set(actions)
    assert links["reboot"] == {"href": f"/servers/{made.id}/tasks", "method": "POST"}
    assert not {"POWER_ON", "UNLOCK"} & set(actions) and "power_on" not in links


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("virt_state=active", "Did you mean 'ACTIVE'?"),
        ("power_state=Shutdown", "Did you mean 'SHUTDOWN'?"),
        ("virt_state=STOPED", "Did you mean 'STOPPED'?"),
    ],
)
async def test_a_state_in_another_case_is_named(web: Web, query: str, sentence: str) -> None:
    reply = await web.get(f"/servers?{query}")
    assert (reply.status, reply.errors[0]["detail"].endswith(sentence)) == (400, True)


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "PATCH"])
async def test_a_server_is_named_in_a_path(web: Web, method: str) -> None:
    made = web.services.clouds.north.add("web")
    web.services.clouds.north.add("web-theirs", project_id=fakes.THEIRS)
    body = {"json": {"hostname": "web"}} if method == "PATCH" else {}
    reply = await web.call(method, "/servers/web", **body)
    assert reply.status in {200, 202}
    if method == "GET":
        assert reply.body["id"] == made.id
    assert (await web.call(method, "/servers/web-theirs", **body)).status == 404


async def test_a_project_is_named_in_a_path(web: Web) -> None:
    made = web.services.clouds.north.add("web")
    assert (await web.get("/projects/mine")).body["id"] == fakes.ME.project_id
    listed = (await web.get("/projects/mine/servers")).body["servers"]
    assert [server["id"] for server in listed] == [made.id]
    assert (await web.get("/projects/mine/servers/web")).body["id"] == made.id
    assert (await web.get("/projects/theirs/servers")).status == 404


async def test_a_name_of_several_servers_is_refused_with_their_ids(web: Web) -> None:
    twins = [web.services.clouds.north.add("twin").id for _ in range(2)]
    for path in ("/servers/twin", "/servers/twin/tasks", "/servers/twin/tags"):
        reply = await web.get(path)
        assert (reply.status, reply.errors[0]["rule"]) == (400, "ambiguous")
        assert all(id in reply.errors[0]["detail"] for id in twins)


async def test_interfaces_on_one_network_have_keys_of_their_own(web: Web) -> None:
    ends = [
        ("lan", "10.0.0.5"),
        ("lan", "10.0.0.6"),
        ("lan-2", "10.0.1.5"),
        ("lan", ""),
        ("lan-2", "10.0.1.6"),
    ]
    made = web.services.clouds.north.add(
        "web",
        interfaces=tuple(
            cloud.ServerInterface(network=network, addresses=(address,) if address else ())
            for network, address in ends
        ),
    )
    interfaces = (await web.get(f"/servers/{made.id}")).body["networking"]["interfaces"]
    assert {key: (end["network"], end["ip4"] or "") for key, end in interfaces.items()} == {
        "lan": ("lan", "10.0.0.5"),
        "lan-3": ("lan", "10.0.0.6"),
        "lan-2": ("lan-2", "10.0.1.5"),
        "lan-4": ("lan", ""),
        "lan-2-2": ("lan-2", "10.0.1.6"),
    }


async def test_what_the_cloud_does_not_tell_of_a_type_is_null(web: Web) -> None:
    made = web.services.clouds.north.add("web", flavor_id="1")
    body = (await web.get(f"/servers/{made.id}")).body
    assert (body["type"], body["type_id"]) == (None, "1")


@pytest.mark.parametrize(("roles", "operator"), [(("member",), False), (("member", "admin"), True)])
async def test_only_operators_are_offered_what_is_theirs(
    web: Web, roles: tuple[str, ...], operator: bool
) -> None:
    north = web.services.clouds.north
    north.me = fakes.Cloud(roles=roles).me
    made = north.add("web", host="compute-1")
    shelved = north.add("shelved", state=ServerState.SHELVED)
    listed = {body["id"]: body for body in (await web.get("/servers")).body["servers"]}
    for body in (listed[made.id], (await web.get(f"/servers/{made.id}")).body):
        assert ("MOVE" in body["actions"]) == operator
        assert ("move" in body["_links"]) == ("diagnostics" in body["_links"]) == operator
        assert "REBOOT" in body["actions"]
    assert ("SHELVE_OFFLOAD" in listed[shelved.id]["actions"]) == operator


async def test_readers_are_offered_nothing_that_changes(web: Web) -> None:
    ctx = CallContext(caller=Caller(user_id="u", project_id="p", roles=("reader",)), request_id="req-1")
    me = cloud.Identity(user_id="u", user_name="u", project_id="p", project_name="p", roles=("reader",))
    account = fakes.Cloud()
    offered = server_list.offered(ctx, account, me)  # type: ignore[arg-type]
    body = server_body.of(server.record(account.add("web"), cloud="north", me=me, offered=offered), ctx)
    assert not body.actions
    assert set(body.links) == {"self", "describedby", "tasks", "tags"}


async def test_head_tells_the_states_and_no_more(web: Web) -> None:
    made = web.services.clouds.north.add("web", state=ServerState.STOPPED, power=PowerState.SHUTDOWN)
    reply = await web.call("HEAD", f"/servers/{made.id}")
    assert (reply.status, reply.text) == (200, "")
    assert reply.headers["X-OpenStack-Compute-Server-Virt-State"] == "STOPPED"
    assert reply.headers["X-OpenStack-Compute-Server-Power-State"] == "SHUTDOWN"


async def test_head_of_a_list_has_no_body(web: Web) -> None:
    reply = await web.call("HEAD", "/servers")
    assert (reply.status, reply.text) == (200, "")


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
@pytest.mark.parametrize("id", ["ffffffff-0000-4000-8000-000000000000", "web", "x" * 300])
async def test_unknown_servers_answer_404(web: Web, method: str, id: str) -> None:
    assert (await web.call(method, f"/servers/{id}")).status == 404


async def test_servers_of_other_projects_are_not_shown(web: Web) -> None:
    theirs = web.services.clouds.north.add("theirs", project_id=fakes.THEIRS)
    mine = web.services.clouds.north.add("mine")
    assert (await web.get(f"/servers/{theirs.id}")).status == 404
    listed = (await web.get("/servers")).body["servers"]
    assert [server["id"] for server in listed] == [mine.id]


async def test_servers_are_filtered_by_what_they_do(web: Web) -> None:
    north = web.services.clouds.north
    north.add("on")
    north.add("off", state=ServerState.STOPPED, power=PowerState.SHUTDOWN)
    north.add("broken", state=ServerState.ERROR, fault=cloud.Failure(text="No valid host"), power=None)
    north.add("other", user_id="o" * 32)

    async def listed(query: str) -> set[str]:
        return {server["hostname"] for server in (await web.get(f"/servers{query}")).body["servers"]}

    assert await listed("") == {"on", "off", "broken", "other"}
    assert await listed("?virt_state=ERROR,STOPPED") == {"off", "broken"}
    assert await listed("?power_state=SHUTDOWN") == {"off"}
    assert await listed(f"?launched_by={'o' * 32}") == {"other"}
    assert await listed("?since=2026-01-31T12:00:02Z") == {"broken", "other"}


async def test_pages_follow_each_other_by_links_alone(web: Web) -> None:
    names = [web.services.clouds.north.add(f"web-{number}").name for number in range(5)]
    seen: list[str] = []
    path = "/servers?limit=2&virt_state=ACTIVE"
    while path:
        body = (await web.get(path)).body
        seen += [server["hostname"] for server in body["servers"]]
        path = body["_links"].get("next", {}).get("href", "")
    assert seen == names[::-1]


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("?marker=00000000-0000-4000-8000-000000000099", "?marker"),
        ("?marker=x", "?marker"),
        ("?virt_state=FINE", "?virt_state"),
        ("?status=ACTIVE", "?status"),
    ],
)
async def test_malformed_parameters_are_named(web: Web, query: str, pointer: str) -> None:
    reply = await web.get(f"/servers{query}")
    assert (reply.status, [error["pointer"] for error in reply.errors]) == (400, [pointer])


async def test_a_server_is_terminated_by_a_task(web: Web) -> None:
    made = web.services.clouds.north.add("web")
    reply = await web.call("DELETE", f"/servers/{made.id}?with=addresses,volumes")
    assert (reply.status, reply.body["type"]) == (202, "server.terminate")
    assert web.services.submit.calls[-1]["params"] == {"server": made.id, "with": "addresses,volumes"}


async def test_what_would_go_with_a_server_can_be_asked(web: Web) -> None:
    made = web.services.clouds.north.add("web")
    reply = await web.call("DELETE", f"/servers/{made.id}?dry_run=true")
    assert (reply.status, reply.body["plan"]["calls"]) == (200, 4)
    assert web.services.submit.calls[-1]["params"] == {"server": made.id}


# -- on several clouds, in several projects


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
