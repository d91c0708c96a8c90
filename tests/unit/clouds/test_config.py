"""Where the clouds are, and what is said when they are not there."""

from pathlib import Path

import pytest

from enamel.clouds import registry
from enamel.clouds.openstack import config, driver
from enamel.model.errors import CloudUnauthorized, CloudUnknown
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
