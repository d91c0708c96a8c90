"""Keystone: tokens, the catalogue, application credentials."""

import pytest

NEEDS_TOKEN = "The request you have made requires authentication."


def proof(**user):
    return {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}}}


def test_version_document(cloud):
    answer = cloud.call("GET", "identity", "", authenticated=False)
    assert answer.status == 200
    assert answer.body["version"]["id"] == "v3.14"
    assert answer.body["version"]["status"] == "stable"


def test_token_has_project_roles_and_catalogue(cloud):
    identity = proof(name="demo", domain={"name": "Default"}, password="secret")
    identity["auth"]["scope"] = {"project": {"name": "demo", "domain": {"id": "default"}}}
    answer = cloud.call("POST", "identity", "/auth/tokens", identity, authenticated=False)
    assert answer.status == 201
    assert answer.headers["X-Subject-Token"]
    token = answer.body["token"]
    assert set(token) == {
        "methods", "user", "audit_ids", "expires_at", "issued_at", "project", "is_domain", "roles", "catalog",
    }  # fmt: skip
    assert {"reader", "member", "creator"} <= {role["name"] for role in token["roles"]}
    assert {"identity", "compute", "network", "image", "block-storage", "key-manager"} <= {
        entry["type"] for entry in token["catalog"]
    }
    for entry in token["catalog"]:
        assert {endpoint["interface"] for endpoint in entry["endpoints"]} == {"public", "internal", "admin"}
        assert set(entry["endpoints"][0]) == {"id", "interface", "region_id", "url", "region"}


@pytest.mark.parametrize(
    "user",
    [
        {"name": "demo", "domain": {"name": "Default"}, "password": "wrong"},
        {"name": "nobody", "domain": {"name": "Default"}, "password": "secret"},
        {"name": "demo", "domain": {"name": "Elsewhere"}, "password": "secret"},
    ],
)
def test_wrong_credentials(cloud, user):
    answer = cloud.call("POST", "identity", "/auth/tokens", proof(**user), authenticated=False)
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"].startswith("Keystone uri=")
    assert answer.body == {"error": {"code": 401, "message": NEEDS_TOKEN, "title": "Unauthorized"}}


def test_no_token_for_a_project_of_others(cloud):
    identity = proof(name="demo", domain={"name": "Default"}, password="secret")
    identity["auth"]["scope"] = {"project": {"name": "other", "domain": {"id": "default"}}}
    assert cloud.call("POST", "identity", "/auth/tokens", identity, authenticated=False).status == 401


@pytest.mark.parametrize("body", [{}, {"auth": {}}, {"auth": {"identity": {}}}])
def test_malformed_authentication(cloud, body):
    answer = cloud.call("POST", "identity", "/auth/tokens", body, authenticated=False)
    assert answer.status == 400
    assert answer.body["error"]["title"] == "Bad Request"


@pytest.mark.parametrize("service", ["compute", "network", "image", "volume", "key-manager"])
def test_every_service_wants_a_token(cloud, service):
    path = {"compute": "/servers", "network": "/networks", "image": "/images"}.get(service, "/secrets")
    path = "/volumes" if service == "volume" else path
    for headers in ({}, {"X-Auth-Token": "nonsense"}):
        answer = cloud.call("GET", service, path, headers=headers, authenticated=False)
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"].startswith("Keystone uri=")


def test_validate_and_revoke_a_token(cloud):
    identity = proof(name="demo", domain={"name": "Default"}, password="secret")
    token = cloud.call("POST", "identity", "/auth/tokens", identity, authenticated=False).headers[
        "X-Subject-Token"
    ]
    seen = cloud.call("GET", "identity", "/auth/tokens", headers={"X-Subject-Token": token})
    assert seen.status == 200
    assert seen.body["token"]["user"]["name"] == "demo"
    assert cloud.call("DELETE", "identity", "/auth/tokens", headers={"X-Subject-Token": token}).status == 204
    assert cloud.call("GET", "identity", "/auth/tokens", headers={"X-Subject-Token": token}).status == 404


def test_unscoped_token_has_no_catalogue(cloud):
    identity = proof(name="demo", domain={"name": "Default"}, password="secret")
    identity["auth"]["scope"] = "unscoped"
    answer = cloud.call("POST", "identity", "/auth/tokens", identity, authenticated=False)
    assert answer.status == 201
    assert "catalog" not in answer.body["token"]
    token = {"X-Auth-Token": answer.headers["X-Subject-Token"]}
    projects = cloud.call("GET", "identity", "/auth/projects", headers=token, authenticated=False)
    assert [project["name"] for project in projects.body["projects"]] == ["demo"]


def test_application_credential_lets_in_until_it_is_deleted(cloud):
    path = f"/users/{cloud.user_id}/application_credentials"
    name = cloud.name()
    answer = cloud.call("POST", "identity", path, {"application_credential": {"name": name}})
    assert answer.status == 201
    credential = answer.body["application_credential"]
    assert set(credential) == {
        "id", "name", "description", "user_id", "project_id", "system", "expires_at", "unrestricted", "roles",
        "secret", "links",
    }  # fmt: skip
    cloud.later("DELETE", "identity", f"{path}/{credential['id']}")
    again = cloud.call("POST", "identity", path, {"application_credential": {"name": name}})
    assert again.status == 409
    assert again.body["error"]["message"].endswith(f"Duplicate entry found with name {name}.")
    reread = cloud.call("GET", "identity", f"{path}/{credential['id']}")
    assert "secret" not in reread.body["application_credential"]
    identity = {
        "auth": {
            "identity": {
                "methods": ["application_credential"],
                "application_credential": {"id": credential["id"], "secret": credential["secret"]},
            }
        }
    }
    entered = cloud.call("POST", "identity", "/auth/tokens", identity, authenticated=False)
    assert entered.status == 201
    assert entered.body["token"]["project"]["id"] == cloud.project_id
    token = {"X-Auth-Token": entered.headers["X-Subject-Token"]}
    refused = cloud.call(
        "POST", "identity", path, {"application_credential": {"name": f"{name}-2"}},
        headers=token, authenticated=False,
    )  # fmt: skip
    assert refused.status == 403
    assert cloud.call("DELETE", "identity", f"{path}/{credential['id']}").status == 204
    assert cloud.call("POST", "identity", "/auth/tokens", identity, authenticated=False).status == 404
    assert cloud.call("GET", "identity", f"{path}/{credential['id']}").status == 404


@pytest.mark.parametrize(
    ("path", "status"),
    [("/projects", 403), ("/users", 403), ("/services", 403), ("/regions", 200), ("/roles", 403)],
)
def test_what_a_member_may_list(cloud, path, status):
    assert cloud.call("GET", "identity", path).status == status
    assert cloud.admin.call("GET", "identity", path).status == 200


def test_own_project(cloud):
    project = cloud.call("GET", "identity", f"/projects/{cloud.project_id}").body["project"]
    assert project["name"] == "demo"
    assert cloud.call("GET", "identity", f"/projects/{cloud.other.project_id}").status == 403


def test_the_projects_of_a_user_are_told_to_admins_and_to_themselves(cloud):
    path = f"/users/{cloud.user_id}/projects"
    mine = cloud.call("GET", "identity", path)
    theirs = cloud.admin.call("GET", "identity", path)
    assert cloud.project_id in {project["id"] for project in mine.body["projects"]}
    assert [project["id"] for project in theirs.body["projects"]] == [
        project["id"] for project in mine.body["projects"]
    ]
    assert cloud.call("GET", "identity", f"/users/{cloud.admin.user_id}/projects").status == 403
    assert cloud.admin.call("GET", "identity", "/users/nobody/projects").status == 404
