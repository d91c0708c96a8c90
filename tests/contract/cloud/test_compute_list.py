"""Lists of servers: filters, order, pages, deleted ones."""

import pytest

from tests.contract.cloud import servers


@pytest.fixture(scope="module")
def three(lasting):
    """Three servers whose names share a beginning: -1 and -2 equal, -3 with a tag and in az1."""
    prefix = lasting.name()
    wish = servers.wish(lasting, name=prefix, min_count=2, max_count=2, return_reservation_id=True)
    answer = lasting.call("POST", "compute", "/servers", wish, microversion=servers.NEWEST)
    reservation = answer.body["reservation_id"]
    booted = lasting.call("GET", "compute", f"/servers?reservation_id={reservation}").body["servers"]
    for server in booted:
        servers.remove(lasting, server["id"])
        servers.settle(lasting, server["id"])
    servers.make(lasting, name=f"{prefix}-3", tags=["red", "blue"], availability_zone="az1")
    return prefix


def names(cloud, query, *, path="/servers", microversion="2.26"):
    answer = cloud.call("GET", "compute", f"{path}?{query}", microversion=microversion)
    assert answer.status == 200, answer.text
    return [server["name"].rpartition("-")[2] for server in answer.body["servers"]]


def test_latest_first(cloud, three):
    assert names(cloud, f"name={three}")[0] == "3"
    assert sorted(names(cloud, f"name={three}", path="/servers/detail")) == ["1", "2", "3"]


def test_a_name_is_a_regular_expression(cloud, three):
    assert sorted(names(cloud, f"name={three}-[12]")) == ["1", "2"]


def test_order_by_name(cloud, three):
    assert names(cloud, f"name={three}&sort_key=display_name&sort_dir=asc") == ["1", "2", "3"]
    assert names(cloud, f"name={three}&sort_key=display_name&sort_dir=desc") == ["3", "2", "1"]


def test_tags(cloud, three):
    assert names(cloud, f"name={three}&tags=red,blue") == ["3"]
    assert names(cloud, f"name={three}&tags=red,green") == []
    assert names(cloud, f"name={three}&tags-any=red,green") == ["3"]
    assert sorted(names(cloud, f"name={three}&not-tags=red,blue")) == ["1", "2"]
    assert sorted(names(cloud, f"name={three}&not-tags-any=red,green")) == ["1", "2"]


def test_status(cloud, three):
    assert len(names(cloud, f"name={three}&status=ACTIVE")) == 3
    assert names(cloud, f"name={three}&status=ERROR") == []


def test_pages(cloud, three):
    order = f"name={three}&sort_key=display_name&sort_dir=asc"
    first = cloud.call("GET", "compute", f"/servers?{order}&limit=2").body
    assert [link["rel"] for link in first["servers_links"]] == ["next"]
    assert f"marker={first['servers'][-1]['id']}" in first["servers_links"][0]["href"]
    assert names(cloud, f"{order}&limit=2&marker={first['servers'][-1]['id']}") == ["3"]
    wrong = cloud.call("GET", "compute", "/servers?marker=nowhere")
    assert (wrong.status, servers.message(wrong)) == (400, "marker [nowhere] not found")
    assert cloud.call("GET", "compute", "/servers?limit=-1").status == 400


def test_changes_since_tells_of_deleted_ones(cloud):
    server = servers.make(cloud)
    start = server["updated"]
    assert servers.act(cloud, server["id"], "forceDelete").status == 202
    cloud.until(lambda: servers.get(cloud, server["id"]) is None)
    listed = cloud.call("GET", "compute", f"/servers/detail?changes-since={start}&name={server['name']}")
    (line,) = listed.body["servers"]
    assert (line["id"], line["status"]) == (server["id"], "DELETED")
    assert line["OS-SRV-USG:terminated_at"]
    assert cloud.call("GET", "compute", f"/servers?name={server['name']}").body["servers"] == []
    later = cloud.call("GET", "compute", f"/servers?changes-since=2099-01-01T00:00:00Z&name={server['name']}")
    assert later.body["servers"] == []
    assert cloud.call("GET", "compute", "/servers?changes-since=yesterday").status == 400


def test_only_admins_look_everywhere(cloud, three):
    assert cloud.call("GET", "compute", "/servers?all_tenants=1").status == 403
    everywhere = cloud.admin.call("GET", "compute", f"/servers?all_tenants=1&name={three}").body["servers"]
    assert len(everywhere) == 3
    assert cloud.admin.call("GET", "compute", f"/servers?name={three}").body["servers"] == []
    assert cloud.other.call("GET", "compute", f"/servers?name={three}").body["servers"] == []


def test_filters_that_do_not_count_are_passed_over(cloud, three):
    assert len(names(cloud, f"name={three}&nonsense=1&host=elsewhere")) == 3


def test_strangers_among_the_filters_are_refused_since_2_75(cloud):
    answer = cloud.call("GET", "compute", "/servers?nonsense=1", microversion="2.75")
    assert answer.status == 400
    assert servers.message(answer) == "'nonsense' does not match any of the regexes: '^_'"


def test_an_unknown_status(cloud):
    assert names(cloud, "status=nonsense") == []
    answer = cloud.call("GET", "compute", "/servers?status=nonsense", microversion="2.38")
    assert (answer.status, servers.message(answer)) == (400, "Invalid status value")
    assert cloud.call("GET", "compute", "/servers?status=DELETED").status == 403
