"""Every list is read to its end, and a list without an end is given up."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from enamel.clouds.openstack import cloud as openstack
from enamel.model.errors import CloudUnusable
from tests.unit.clouds.stage import VERSION, Say, Stage

ID = "00000000-0000-4000-8000-00000000000"
Ask = Callable[[openstack.OpenStackCloud], Awaitable[Any]]

LINKED: dict[str, tuple[str, str, str, Ask, dict[str, Any]]] = {
    "flavors": (
        "/compute/v2.1/flavors/detail",
        "flavors",
        "flavors_links",
        lambda there: there.flavors(),
        {"ram": 1, "vcpus": 1, "disk": 1},
    ),
    "servers": (
        "/compute/v2.1/servers/detail",
        "servers",
        "servers_links",
        lambda there: there.servers_list(),
        {},
    ),
    "history": (
        f"/compute/v2.1/servers/{ID}9/os-instance-actions",
        "instanceActions",
        "links",
        lambda there: there.server_history(f"{ID}9"),
        {"request_id": None},
    ),
    "networks": ("/network/v2.0/networks", "networks", "networks_links", lambda there: there.networks(), {}),
    "subnets": (
        "/network/v2.0/subnets",
        "subnets",
        "subnets_links",
        lambda there: there.subnets(),
        {"network_id": "n", "cidr": "10.0.0.0/24"},
    ),
    "ports": ("/network/v2.0/ports", "ports", "ports_links", lambda there: there.ports_list(), {}),
    "addresses": (
        "/network/v2.0/floatingips",
        "floatingips",
        "floatingips_links",
        lambda there: there.addresses_list(),
        {"floating_ip_address": "203.0.113.9"},
    ),
    "groups": (
        "/network/v2.0/security-groups",
        "security_groups",
        "security_groups_links",
        lambda there: there.security_groups(),
        {},
    ),
    "marked groups": (
        "/network/v2.0/security-groups",
        "security_groups",
        "security_groups_links",
        lambda there: there.security_groups_marked("m"),
        {"description": "m"},
    ),
    "rules": (
        "/network/v2.0/security-group-rules",
        "security_group_rules",
        "security_group_rules_links",
        lambda there: there.groups_letting_in("mine"),
        {"remote_group_id": "mine", "security_group_id": "other"},
    ),
    "volumes": (
        "/volume/v3/project/volumes/detail",
        "volumes",
        "volumes_links",
        lambda there: there.volumes_list(),
        {},
    ),
    "snapshots": (
        "/volume/v3/project/snapshots/detail",
        "snapshots",
        "snapshots_links",
        lambda there: there.volume_snapshots_list(),
        {},
    ),
    "types": (
        "/volume/v3/project/types",
        "volume_types",
        "volume_type_links",
        lambda there: there.volume_types(),
        {},
    ),
    "images": ("/image/v2/images", "images", "next", lambda there: there.images(), {}),
    "projects": ("/v3/auth/projects", "projects", "links", lambda there: there.own_projects(), {}),
}
"""Lists with links: path, records, links, how they are asked for, and what each record has besides an id."""
COUNTED: dict[str, tuple[str, str, Ask]] = {
    "server groups": ("/compute/v2.1/os-server-groups", "server_groups", lambda there: there.server_groups()),
}
"""Lists without links."""


def record(number: int, more: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": f"{ID}{number}",
        "name": f"{number}",
        **more,
        **({"request_id": f"{ID}{number}"} if "request_id" in more else {}),
    }


def page(records: list[Any], *, key: str, links: str, marker: str | None) -> Say:
    href = f"http://elsewhere/path?marker={marker}&limit=2"
    if links == "next":
        onward: Any = None if marker is None else href
    elif links == "links" and key == "projects":
        onward = {"next": None if marker is None else href, "self": "x"}
    else:
        onward = [] if marker is None else [{"rel": "self"}, {"rel": "next", "href": href}]
    return Say(body={key: records, links: onward}, headers=VERSION if key == "flavors" else {})


@pytest.mark.parametrize("name", LINKED)
async def test_a_list_is_read_to_its_end(stage: Stage, there: openstack.OpenStackCloud, name: str) -> None:
    path, key, links, ask, more = LINKED[name]

    def answer(request: web.Request) -> Say:
        marker = request.query.get("marker")
        # The last record of the first page cannot be used: the link leads on all the same.
        records = [record(1, more), {"name": "odd"}] if marker is None else [record(3, more)]
        return page(records, key=key, links=links, marker="odd" if marker is None else None)

    stage.on("GET", path, answer)
    assert len(await ask(there)) == 2
    asked = [call for call in stage.asked if call.path == path]
    assert ("marker", "odd") in asked[1].query
    # What was asked for on the first page is asked for on the next one, too.
    assert {*asked[0].query} - {("limit", "1000")} <= {*asked[1].query}


@pytest.mark.parametrize("ending", ["the same", "in a circle"])
@pytest.mark.parametrize("name", LINKED)
async def test_a_list_without_an_end_is_given_up(
    stage: Stage, there: openstack.OpenStackCloud, name: str, ending: str
) -> None:
    path, key, links, ask, more = LINKED[name]

    def answer(request: web.Request) -> Say:
        second = request.query.get("marker") == "a" and ending == "in a circle"
        return page([record(2 if second else 1, more)], key=key, links=links, marker="b" if second else "a")

    stage.on("GET", path, answer)
    with pytest.raises(CloudUnusable, match="lead back to each other"):
        await ask(there)
    assert stage.count("GET", path) < 10


@pytest.mark.parametrize("name", LINKED)
async def test_a_last_page_without_records_ends_a_list(
    stage: Stage, there: openstack.OpenStackCloud, name: str
) -> None:
    path, key, links, ask, more = LINKED[name]

    def answer(request: web.Request) -> Say:
        records = [record(1, more)] if "marker" not in request.query else []
        return page(records, key=key, links=links, marker="a")

    stage.on("GET", path, answer)
    assert len(await ask(there)) == 1


@pytest.mark.parametrize("name", COUNTED)
async def test_a_list_without_links_is_read_to_its_end(
    stage: Stage, there: openstack.OpenStackCloud, name: str
) -> None:
    path, key, ask = COUNTED[name]

    def answer(request: web.Request) -> Say:
        offset = int(request.query.get("offset", 0))
        return Say(body={key: [record(number, {}) for number in range(1, 6)][offset : offset + 2]})

    stage.on("GET", path, answer)
    assert [entry.name for entry in await ask(there)] == ["1", "2", "3", "4", "5"]


async def test_a_list_that_knows_no_offset_is_read_once(
    stage: Stage, there: openstack.OpenStackCloud
) -> None:
    path, key, ask = COUNTED["server groups"]
    stage.on("GET", path, Say(body={key: [record(1, {}), record(2, {})]}))
    assert len(await ask(there)) == 2


async def test_the_limits_of_old_networks_are_counted_page_by_page(
    stage: Stage, there: openstack.OpenStackCloud
) -> None:
    def answer(request: web.Request) -> Say:
        first = "marker" not in request.query
        return page(
            [record(1 if first else 2, {})], key="ports", links="ports_links", marker="a" if first else None
        )

    stage.on("GET", "/network/v2.0/quotas/project", Say(body={"quota": {"port": "10"}}))
    stage.on("GET", "/network/v2.0/ports", answer)
    limit = (await there.quota(["ports"]))["ports"]
    assert (limit.limit, limit.used) == (10, 2)
