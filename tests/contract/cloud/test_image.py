"""Glance: images, their bytes, patches, tags and members."""

import json

import pytest

NOWHERE = "00000000-0000-0000-0000-000000000000"
IMAGE = {
    "name", "disk_format", "container_format", "visibility", "size", "virtual_size", "status", "checksum", "protected",
    "min_ram", "min_disk", "owner", "os_hidden", "os_hash_algo", "os_hash_value", "id", "created_at", "updated_at",
    "tags", "self", "file", "schema",
}  # fmt: skip
JSON = {"Accept": "application/json"}
OCTETS = {"Content-Type": "application/octet-stream"}
PATCH = {"Content-Type": "application/openstack-images-v2.1-json-patch"}


def ask(account, method, path, body=None, headers=None, **more):
    return account.call(method, "image", path, body, headers=JSON | (headers or {}), **more)


def refusal(answer):
    assert set(answer.body) == {"message", "code", "title"}
    return answer.status, answer.body["message"].partition("<br />")[0].rstrip(), answer.body["title"]


def patch(cloud, path, *changes):
    return ask(cloud, "PATCH", path, data=json.dumps(changes).encode(), headers=PATCH)


@pytest.fixture
def make(cloud):
    def image(data=None, **wish):
        wish = {"name": cloud.name(), "disk_format": "raw", "container_format": "bare"} | wish
        answer = ask(cloud, "POST", "/images", wish)
        assert answer.status == 201, answer.text
        path = f"/images/{answer.body['id']}"
        cloud.later("DELETE", "image", path)
        if data is not None:
            assert ask(cloud, "PUT", f"{path}/file", data=data, headers=OCTETS).status == 204
        return answer.body

    return image


def test_the_images_of_every_cloud(cloud):
    images = {image["name"]: image for image in ask(cloud, "GET", "/images").body["images"]}
    assert {"cirros", "ubuntu"} <= set(images)
    assert set(images["cirros"]) >= IMAGE
    assert (images["cirros"]["disk_format"], images["ubuntu"]["disk_format"]) == ("raw", "qcow2")
    assert images["cirros"]["status"] == "active"
    assert images["cirros"]["visibility"] == "public"


def test_an_image_is_made_filled_and_read(cloud, make):
    image = make(enamel_mark="x", tags=["t"], min_disk=1)
    path = f"/images/{image['id']}"
    assert set(image) == IMAGE | {"enamel_mark"}
    assert (image["status"], image["size"], image["visibility"]) == ("queued", None, "shared")
    assert ask(cloud, "GET", f"{path}/file").status == 204
    assert ask(cloud, "PUT", f"{path}/file", data=b"hello world", headers=OCTETS).status == 204
    body = ask(cloud, "GET", path).body
    assert set(body) == IMAGE | {"enamel_mark", "stores"}
    assert (body["status"], body["size"]) == ("active", 11)
    assert body["checksum"] == "5eb63bbbe01eeed093cb22bb8f5acdc3"
    assert ask(cloud, "GET", f"{path}/file").text == "hello world"
    again = ask(cloud, "PUT", f"{path}/file", data=b"x", headers=OCTETS)
    assert refusal(again) == (409, "Image status transition from active to saving is not allowed", "Conflict")


def test_bytes_of_the_wrong_kind_or_too_early(cloud, make):
    image = make()
    wrong = ask(
        cloud, "PUT", f"/images/{image['id']}/file", data=b"x", headers={"Content-Type": "text/plain"}
    )
    assert refusal(wrong)[::2] == (415, "Unsupported Media Type")
    bare = make(disk_format=None, container_format=None)
    early = ask(cloud, "PUT", f"/images/{bare['id']}/file", data=b"x", headers=OCTETS)
    message = "Properties disk_format, container_format must be set prior to saving data."
    assert refusal(early) == (400, message, "Bad Request")


def test_patches(cloud, make):
    path = f"/images/{make(b'x')['id']}"
    answer = patch(
        cloud,
        path,
        {"op": "replace", "path": "/name", "value": "renamed"},
        {"op": "add", "path": "/foo", "value": "bar"},
        {"op": "replace", "path": "/tags", "value": ["a", "b"]},
    )
    assert (answer.status, answer.body["name"], answer.body["foo"]) == (200, "renamed", "bar")
    assert sorted(answer.body["tags"]) == ["a", "b"]
    assert "foo" not in patch(cloud, path, {"op": "remove", "path": "/foo"}).body
    assert patch(cloud, path, {"op": "remove", "path": "/foo"}).status == 409
    assert refusal(patch(cloud, path, {"op": "replace", "path": "/status", "value": "x"})) == (
        403,
        "Attribute 'status' is read-only.",
        "Forbidden",
    )
    assert refusal(patch(cloud, path, {"op": "replace", "path": "/visibility", "value": "public"})) == (
        403,
        "You are not authorized to complete publicize_image action.",
        "Forbidden",
    )
    assert ask(cloud, "PATCH", path, []).status == 415
    broken = ask(cloud, "PATCH", path, data=b"[x", headers=PATCH)
    assert refusal(broken) == (400, "Malformed JSON in request body.", "Bad Request")


def test_tags(cloud, make):
    image = make()
    path = f"/images/{image['id']}/tags/{image['name']}"
    assert ask(cloud, "PUT", path).status == 204
    images = ask(cloud, "GET", f"/images?tag={image['name']}").body["images"]
    assert [tagged["id"] for tagged in images] == [image["id"]]
    assert ask(cloud, "DELETE", path).status == 204
    assert ask(cloud, "DELETE", path).status == 404


def test_filters_order_and_pages(cloud, make):
    image = make(b"x", mark="m")
    name = image["name"]

    def ids(query):
        return [image["id"] for image in ask(cloud, "GET", f"/images?{query}").body["images"]]

    assert ids(f"name={name}") == [image["id"]]
    assert ids(f"name={name}&status=active&visibility=shared") == [image["id"]]
    assert ids(f"name={name}&status=queued") == []
    assert ids(f"name={name}&mark=m") == [image["id"]]
    assert ids(f"name={name}&mark=other") == []
    assert image["id"] in ids(f"name=in:{name},cirros")
    assert image["id"] in ids("owner=" + cloud.project_id)
    first = ask(cloud, "GET", "/images?limit=1&sort=name:asc").body
    assert set(first) == {"images", "first", "schema", "next"}
    assert first["next"].startswith("/v2/images?")
    second = ask(cloud, "GET", first["next"].removeprefix("/v2")).body
    assert first["images"][0]["name"] <= second["images"][0]["name"]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("limit=x", "limit param must be an integer"),
        ("visibility=bad", "Invalid visibility value: bad"),
        (f"marker={NOWHERE}", f"No image found with ID {NOWHERE}"),
        (
            "sort_key=bogus",
            "Invalid sort key: bogus. It must be one of the following: name, status, container_format, disk_format,"
            " size, id, created_at, updated_at.",
        ),
    ],
)
def test_refused_lists(cloud, query, message):
    assert refusal(ask(cloud, "GET", f"/images?{query}")) == (400, message, "Bad Request")


@pytest.mark.parametrize(
    ("wish", "status"),
    [
        ({"disk_format": "zz"}, 400),
        ({"id": "x"}, 400),
        ({"name": 5}, 400),
        ({"mark": 5}, 400),
        ({"visibility": "public"}, 403),
        ({"status": "active"}, 403),
    ],
)
def test_refused_images(cloud, wish, status):
    answer = ask(cloud, "POST", "/images", wish)
    assert refusal(answer)[0] == status


def test_sharing(cloud, make):
    image = make(b"x")
    path, project = f"/images/{image['id']}", cloud.other.project_id
    missing = (404, f"No image found with ID {image['id']}", "Not Found")
    assert refusal(ask(cloud.other, "GET", path)) == missing
    answer = ask(cloud, "POST", f"{path}/members", {"member": project})
    assert answer.status == 200
    assert set(answer.body) == {"member_id", "image_id", "status", "created_at", "updated_at", "schema"}
    assert answer.body["status"] == "pending"
    twice = ask(cloud, "POST", f"{path}/members", {"member": project})
    assert refusal(twice) == (409, f"Member {project} is duplicated for image {image['id']}", "Conflict")
    assert ask(cloud.other, "GET", path).status == 200

    def listed():
        return [image["id"] for image in ask(cloud.other, "GET", "/images?visibility=shared").body["images"]]

    assert image["id"] not in listed()
    assert ask(cloud, "PUT", f"{path}/members/{project}", {"status": "accepted"}).status == 403
    assert ask(cloud.other, "PUT", f"{path}/members/{project}", {"status": "accepted"}).status == 200
    assert image["id"] in listed()
    forbidden = "You are not authorized to complete delete_image action."
    assert refusal(ask(cloud.other, "DELETE", path)) == (403, forbidden, "Forbidden")
    assert ask(cloud, "DELETE", f"{path}/members/{project}").status == 204
    assert ask(cloud.other, "GET", path).status == 404


def test_deactivated_images_are_not_handed_out(cloud, make):
    path = f"/images/{make(b'x')['id']}"
    assert ask(cloud, "POST", f"{path}/actions/deactivate").status == 204
    assert ask(cloud, "GET", path).body["status"] == "deactivated"
    message = "The requested image has been deactivated. Image data download is forbidden."
    assert refusal(ask(cloud, "GET", f"{path}/file")) == (403, message, "Forbidden")
    assert ask(cloud.admin, "POST", f"{path}/actions/reactivate").status == 204
    assert ask(cloud, "GET", path).body["status"] == "active"


def test_protected_images_stay(cloud, make):
    image = make()
    path = f"/images/{image['id']}"
    cloud.afterwards(lambda: patch(cloud, path, {"op": "replace", "path": "/protected", "value": False}))
    assert patch(cloud, path, {"op": "replace", "path": "/protected", "value": True}).status == 200
    message = f"Image {image['id']} is protected and cannot be deleted."
    assert refusal(ask(cloud, "DELETE", path)) == (403, message, "Forbidden")
    patch(cloud, path, {"op": "replace", "path": "/protected", "value": False})
    assert ask(cloud, "DELETE", path).status == 204
    assert refusal(ask(cloud, "DELETE", path)) == (
        404,
        f"Failed to find image {image['id']} to delete",
        "Not Found",
    )


def test_import_of_staged_bytes(cloud, make):
    path = f"/images/{make()['id']}"
    assert "glance-direct" in ask(cloud, "GET", "/info/import").body["import-methods"]["value"]
    assert ask(cloud, "PUT", f"{path}/stage", data=b"abc", headers=OCTETS).status == 204
    assert ask(cloud, "GET", path).body["status"] == "uploading"
    assert ask(cloud, "POST", f"{path}/import", {"method": {"name": "glance-direct"}}).status == 202
    cloud.until(lambda: ask(cloud, "GET", path).body["status"] == "active")
    assert ask(cloud, "GET", f"{path}/file").text == "abc"


def test_schemas(cloud):
    for name in ("image", "images", "member", "members"):
        answer = ask(cloud, "GET", f"/schemas/{name}")
        assert (answer.status, answer.body["name"]) == (200, name)


def test_paths_that_lead_nowhere(cloud):
    assert refusal(ask(cloud, "GET", "/bogus")) == (
        404,
        "The resource could not be found.",
        "Not Found",
    )
    missing = f"No image found with ID {NOWHERE}"
    assert refusal(ask(cloud, "GET", f"/images/{NOWHERE}")) == (404, missing, "Not Found")


def test_who_does_not_ask_for_json_gets_a_page(cloud):
    answer = cloud.call("GET", "image", f"/images/{NOWHERE}", headers={"Accept": "*/*"})
    assert answer.headers["Content-Type"] == "text/html; charset=UTF-8"
    assert f"<h1>404 Not Found</h1>\n  No image found with ID {NOWHERE}<br /><br />" in answer.text
