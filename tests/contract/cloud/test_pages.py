"""Pages: how each service says that a list goes on, and how the rest of it is asked for."""

from urllib.parse import parse_qs, urlsplit

import pytest

LISTS = {
    "flavors": ("compute", "/flavors/detail", "flavors", "flavors_links"),
    "types": ("volume", "/types", "volume_types", "volume_type_links"),
    "groups": ("network", "/security-groups", "security_groups", "security_groups_links"),
    "rules": ("network", "/security-group-rules", "security_group_rules", "security_group_rules_links"),
    "networks": ("network", "/networks", "networks", "networks_links"),
    "images": ("image", "/images", "images", "next"),
}


@pytest.mark.parametrize("name", LISTS)
def test_a_full_page_has_a_link_to_the_next_one(cloud, name):
    service, path, key, links = LISTS[name]
    whole = cloud.call("GET", service, path).body[key]
    ids, query = [], "?limit=1"
    while query:
        body = cloud.call("GET", service, f"{path}{query}").body
        assert len(body[key]) <= 1
        ids += [entry["id"] for entry in body[key]]
        link = body.get(links)
        if isinstance(link, list):
            link = next((one["href"] for one in link if one["rel"] == "next"), None)
        asked = parse_qs(urlsplit(link).query) if link else {}
        assert not link or (asked["limit"], asked["marker"]) == (["1"], [ids[-1]])
        query = f"?{urlsplit(link).query}" if link else ""
    assert len(ids) == len(set(ids))
    assert {entry["id"] for entry in whole} <= set(ids)


def test_server_groups_are_paged_by_offset_and_have_no_link(cloud):
    made = [
        cloud.call(
            "POST",
            "compute",
            "/os-server-groups",
            {"server_group": {"name": f"{cloud.name()}-{number}", "policies": ["anti-affinity"]}},
        ).body["server_group"]["id"]
        for number in range(2)
    ]
    try:
        ids = []
        while page := cloud.call("GET", "compute", f"/os-server-groups?limit=1&offset={len(ids)}").body[
            "server_groups"
        ]:
            assert len(page) == 1
            ids.append(page[0]["id"])
        assert set(made) <= set(ids)
        assert "server_groups_links" not in cloud.call("GET", "compute", "/os-server-groups?limit=1").body
    finally:
        for id in made:
            cloud.call("DELETE", "compute", f"/os-server-groups/{id}")
