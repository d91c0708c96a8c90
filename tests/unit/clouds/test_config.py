"""Where the clouds are, and what is said when they are not there."""

from pathlib import Path
from typing import Any

import pytest

from enamel.clouds import registry
from enamel.clouds.openstack import config, driver
from enamel.model.errors import CloudError, CloudUnauthorized, CloudUnknown
from tests.unit.clouds.stage import clouds_yaml

TWO = """
clouds:
  north: {auth: {auth_url: "http://127.0.0.1:1/v3", username: u, password: p, project_name: n}}
  south: {auth: {auth_url: "http://127.0.0.1:1/v3", username: u, password: p, project_name: s}}
"""


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import os

    for name in [name for name in os.environ if name.startswith("OS_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("openstack.config.loader.CONFIG_FILES", [str(tmp_path / "clouds.yaml")])


def written(folder: Path, text: str) -> Path:
    path = folder / "clouds.yaml"
    path.write_text(text)
    return path


def test_no_configuration_is_no_cloud() -> None:
    found = config.Configuration()
    assert found.names() == [] and found.default() is None
    with pytest.raises(CloudUnknown, match="no configured cloud at all"):
        found.region("defaults")


def test_the_only_cloud_is_the_default(tmp_path: Path) -> None:
    clouds_yaml(tmp_path, "http://127.0.0.1:1")
    assert config.Configuration().default() == "stage"


def test_os_cloud_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, TWO)
    assert config.Configuration().default() is None
    assert config.Configuration().names() == ["north", "south"]
    monkeypatch.setenv("OS_CLOUD", "south")
    assert config.Configuration().names() == ["south", "north"]


def test_variables_make_a_cloud(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AUTH_URL", "USERNAME", "PASSWORD", "PROJECT_NAME"):
        monkeypatch.setenv(f"OS_{name}", "http://127.0.0.1:1/v3")
    found = config.Configuration()
    assert found.names() == ["envvars"] and found.default() == "envvars"
    assert found.region("envvars").get_auth() is not None


def test_an_unknown_cloud_is_told_with_those_there_are(tmp_path: Path) -> None:
    written(tmp_path, TWO)
    with pytest.raises(CloudUnknown, match="no cloud 'west' in the configuration; there are: north, south"):
        config.Configuration().region("west")


def test_what_is_lacking_is_named(tmp_path: Path) -> None:
    clouds_yaml(tmp_path, "http://127.0.0.1:1", auth={"auth_url": None})
    with pytest.raises(CloudUnauthorized, match=r"cloud stage lacks .*auth_url"):
        config.Configuration().region("stage")


def test_an_unknown_way_to_authenticate(tmp_path: Path) -> None:
    clouds_yaml(tmp_path, "http://127.0.0.1:1", auth_type="v9handshake")
    with pytest.raises(CloudUnknown, match="cannot be used"):
        config.Configuration().region("stage")


@pytest.mark.parametrize("text", ["clouds: [unfinished", "\tclouds:", "- a\n- list\n", "just words"])
def test_a_file_that_is_no_configuration(tmp_path: Path, text: str) -> None:
    written(tmp_path, text)
    with pytest.raises(CloudUnknown, match="cannot be read"):
        config.Configuration()


@pytest.mark.parametrize(
    "text", ["clouds:\n", "clouds: []\n", "clouds: {north: words}\n", "clouds: {north: }\n"]
)
def test_a_configuration_of_another_shape(tmp_path: Path, text: str) -> None:
    written(tmp_path, text)
    try:
        found = config.Configuration()
        names = list(found.names())
    except CloudUnknown:
        return
    for name in names:
        with pytest.raises((CloudUnknown, CloudUnauthorized)):
            found.region(name)


def test_a_file_that_is_named_but_not_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(tmp_path / "gone.yaml"))
    with pytest.raises(CloudUnknown, match=r"gone\.yaml, does not exist"):
        config.Configuration()


async def test_the_registry_opens_each_cloud_once(tmp_path: Path) -> None:
    written(tmp_path, TWO)
    clouds = registry.Registry([driver.OpenStack()], default="south")
    assert clouds.names() == ["south", "north"]
    assert clouds.get("north") is clouds.get("north")
    with pytest.raises(CloudUnknown, match="south, north"):
        clouds.get("west")
    await clouds.close()


def test_a_registry_of_one_entry_offers_no_other(tmp_path: Path) -> None:
    written(tmp_path, TWO)
    clouds = registry.Registry([driver.OpenStack()]).only("north")
    assert clouds.names() == ["north"]
    assert clouds.get("north", project="another-project")
    for project in (None, "north"):
        with pytest.raises(
            CloudUnknown, match=r"no cloud 'south' in the configuration\. Its clouds: north\."
        ):
            clouds.get("south", project=project)
    with pytest.raises(CloudUnknown, match=r"south.*north|north.*south"):
        registry.Registry([driver.OpenStack()]).only("west")


def test_the_driver_is_installed() -> None:
    assert registry.installed().names() == []


def test_an_entry_leads_to_other_projects_of_its_cloud(tmp_path: Path) -> None:
    written(
        tmp_path, TWO + "  east: {auth: {auth_url: 'http://127.0.0.1:2/v3', username: u, project_name: e}}\n"
    )
    found = config.Configuration()
    assert found.sibling("north", "s") == "south"
    assert found.sibling("north", "e") is None and found.sibling("north", "nowhere") is None
    there = found.region("north", project="4711").config["auth"]
    assert (there["project_id"], there.get("project_name"), there["username"]) == ("4711", None, "u")
    assert found.region("north").config["auth"]["project_name"] == "n"
    with pytest.raises(CloudUnknown):
        found.region("north@4711")


SEVERAL = """
clouds:
  north:
    auth: {auth_url: "http://127.0.0.1:1/v3", username: u, password: p, project_name: n}
    regions:
      - east
      - name: west
        values: {dns_api_version: "2"}
  south:
    auth: {auth_url: "http://127.0.0.1:1/v3", username: u, password: p, project_name: s}
    regions: [east]
  comma:
    auth: {auth_url: "http://127.0.0.1:1/v3", username: u, password: p, project_name: s}
    region_name: "one,two"
"""


def test_each_region_of_an_entry_is_a_cloud(tmp_path: Path) -> None:
    written(tmp_path, SEVERAL)
    configuration = config.Configuration()
    assert configuration.names() == ["north/east", "north/west", "south", "comma/one", "comma/two"]
    regions = {name: configuration.region(name).region_name for name in configuration.names()}
    assert regions == {
        "north/east": "east",
        "north/west": "west",
        "south": "east",
        "comma/one": "one",
        "comma/two": "two",
    }
    assert configuration.region("north").region_name == "east"
    assert configuration.region("south").region_name == "east"
    for unknown in ("north/", "north/up", "south/east", "/east", "north/east/1"):
        with pytest.raises(CloudUnknown, match="there are: north/east, north/west, south"):
            configuration.region(unknown)


def test_a_vendors_regions_are_clouds(tmp_path: Path) -> None:
    written(tmp_path, "clouds: {v: {profile: citycloud, auth: {username: u, password: p, project_name: n}}}")
    names = config.Configuration().names()
    assert len(names) > 1 and all(name.startswith("v/") for name in names)


async def test_a_registry_takes_an_entry_for_all_of_its_regions(tmp_path: Path) -> None:
    written(tmp_path, SEVERAL)
    clouds = registry.Registry([driver.OpenStack()], default="south")
    assert clouds.names()[0] == "south"
    assert clouds.only("north").names() == ["north/east", "north/west"]
    assert clouds.only("north/west").names() == ["north/west"]
    assert registry.Registry([driver.OpenStack()], default="north/west").names()[0] == "north/west"
    assert {clouds.get(name).site for name in ("north/east", "south")} == {"http://127.0.0.1:1 east"}
    assert clouds.get("north").site == clouds.get("north/east").site != clouds.get("north/west").site
    await clouds.close()


def test_a_sibling_is_in_the_same_region(tmp_path: Path) -> None:
    written(tmp_path, SEVERAL)
    configuration = config.Configuration()
    assert configuration.sibling("north/east", "s") == "south"
    assert configuration.sibling("north/west", "s") is None


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ({"cacert": "/nowhere/ca.pem"}, "No such file or directory: /nowhere/ca.pem"),
        ({"cacert": "/dev/null"}, "cannot be used"),
        ({"cert": "/nowhere/cert.pem", "key": "/nowhere/key.pem"}, "No such file or directory"),
        ({"auth_type": "v3applicationcredential"}, "lacks what its authentication needs|cannot be used"),
        ({"auth_type": "v3oidcpassword"}, "lacks what its authentication needs|cannot be used"),
        ({"auth_type": "none"}, "."),
        ({"auth": {"auth_url": 5}}, "."),
        ({"auth": {"auth_url": "no address"}}, "."),
        ({"auth": {"username": ["a", "list"]}}, "."),
        ({"verify": "perhaps"}, "."),
        ({"api_timeout": "soon"}, "."),
        ({"interface": 7}, "."),
        ({"regions": 7}, "."),
        ({"regions": [{"values": {}}]}, "."),
        ({"networks": "all"}, "."),
        ({"compute_api_version": {}}, "."),
    ],
)
async def test_an_entry_that_cannot_be_used_is_told_as_such(
    tmp_path: Path, entry: dict[str, Any], sentence: str
) -> None:
    clouds_yaml(tmp_path, "http://127.0.0.1:1", **entry)
    clouds = registry.Registry([driver.OpenStack()])
    (name,) = clouds.names()
    with pytest.raises(CloudError, match=sentence) as told:
        await clouds.get(name).identity()
    assert told.value.advice
    await clouds.close()
