"""The eras of the sandbox: each supports what its release did, and refuses the rest in the same way."""

import contextlib
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from keystoneauth1 import session as keystone_session
from openstack import warnings as sdk_warnings
from openstack.config import OpenStackConfig

from enamel.cli.process.sandbox import sandbox as sandbox_command
from enamel.sandbox import era, kernel, serve

NEUTRON = [name for name, one in era.ERAS.items() if not one.nova_network]


class EraCloud:
    """A cloud of some era, called with keystoneauth only."""

    def __init__(self, sandbox: serve.Sandbox, session: keystone_session.Session) -> None:
        self.sandbox = sandbox
        self.era = sandbox.cloud.era
        self.session = session

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        url = path if path.startswith("http") else self.sandbox.url + path
        answer = self.session.request(url, method, json=body, headers=headers, raise_exc=False)
        content = answer.json() if "json" in answer.headers.get("Content-Type", "") else answer.text
        return answer.status_code, content

    def at(self, *services: str) -> str:
        urls = (self.session.get_endpoint(service_type=service, interface="public") for service in services)
        return str(next(filter(None, urls), ""))


@contextlib.contextmanager
def opened(place: Path, name: str) -> Iterator[EraCloud]:
    with serve.in_thread(kernel.Settings(era=name, guests=False)) as sandbox:
        file = place / f"{name}.yaml"
        file.write_text(sandbox.clouds_yaml())
        with warnings.catch_warnings():
            # The SDK warns of its own InfluxDB support, which these tests do not use.
            warnings.simplefilter("ignore", sdk_warnings.RemovedInSDK60Warning)
            region = OpenStackConfig(config_files=[str(file)], load_envvars=False).get_one("sandbox")
        session = region.get_session()
        yield EraCloud(sandbox, session)
        session.session.close()


@pytest.fixture(scope="module")
def eras(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, EraCloud]]:
    place = tmp_path_factory.mktemp("eras")
    with contextlib.ExitStack() as stack:
        yield {name: stack.enter_context(opened(place, name)) for name in era.ERAS}


@pytest.mark.parametrize("name", era.ERAS)
def test_whoever_has_its_clouds_yaml_gets_in_and_sees_flavors(eras: dict[str, EraCloud], name: str) -> None:
    cloud = eras[name]
    status, body = cloud.ask("GET", cloud.at("compute") + "/flavors")
    assert status == 200 and len(body["flavors"]) == 4


@pytest.mark.parametrize("name", era.ERAS)
def test_no_microversion_beyond_the_era_is_understood(eras: dict[str, EraCloud], name: str) -> None:
    cloud = eras[name]
    status, body = cloud.ask(
        "GET", cloud.at("compute") + "/flavors", **{"OpenStack-API-Version": "compute 2.999"}
    )
    if cloud.era.compute is None:
        assert status == 200
    else:
        lowest, highest = (f"{major}.{minor}" for major, minor in cloud.era.compute)
        assert status == 406
        assert f"Minimum is {lowest} and maximum is {highest}." in body["computeFault"]["message"]


@pytest.mark.parametrize("name", era.ERAS)
def test_there_are_no_other_versions_than_the_eras(eras: dict[str, EraCloud], name: str) -> None:
    cloud = eras[name]
    for service, first in {
        "identity": ("v2.0", "v3"),
        "image": ("v1", "v2"),
        "volume": ("v1", "v2", "v3"),
    }.items():
        for version in first:
            if version not in cloud.era.versions[service]:
                status, _ = cloud.ask("GET", f"/{service}/{version}/{cloud.session.get_project_id()}/types")
                assert status == 404, (service, version)


@pytest.mark.parametrize("name", NEUTRON)
def test_attributes_of_later_extensions_are_unknown(eras: dict[str, EraCloud], name: str) -> None:
    cloud = eras[name]
    _, listed = cloud.ask("GET", "/network/v2.0/extensions")
    described = "standard-attr-description" in {extension["alias"] for extension in listed["extensions"]}
    body = {"network": {"name": "mine", "description": "a mark"}}
    status, answer = cloud.ask("POST", "/network/v2.0/networks", body)
    if described:
        assert status == 201 and answer["network"]["description"] == "a mark"
    else:
        assert status == 400
        assert answer["NeutronError"]["message"] == "Unrecognized attribute(s) 'description'"
    _, networks = cloud.ask("GET", "/network/v2.0/networks?description=nobodys")
    assert bool(networks["networks"]) is not described


@pytest.mark.parametrize("name", NEUTRON)
def test_paths_of_later_extensions_are_not_there(eras: dict[str, EraCloud], name: str) -> None:
    cloud = eras[name]
    project = cloud.session.get_project_id()
    for alias, path in {
        "auto-allocated-topology": f"auto-allocated-topology/{project}",
        "quota_details": f"quotas/{project}/details",
    }.items():
        status, _ = cloud.ask("GET", f"/network/v2.0/{path}")
        assert (status == 404) is (alias in cloud.era.without), path


def test_an_era_that_never_was_is_refused() -> None:
    with (
        pytest.raises(ValueError, match="expected one of 2012, 2015"),
        serve.in_thread(kernel.Settings(era="1999")),
    ):
        pass


def test_the_command_line_offers_every_era() -> None:
    (option,) = (parameter for parameter in sandbox_command.params if parameter.name == "era")
    assert isinstance(option.type, click.Choice)
    assert list(option.type.choices) == list(era.ERAS) and option.default == era.TODAY.name
