"""The eras of the sandbox: each understands what its release did, and refuses the rest as that did."""

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


class There:
    """A cloud of some era, asked with nothing but keystoneauth."""

    def __init__(self, sandbox: serve.Sandbox, session: keystone_session.Session) -> None:
        self.sandbox = sandbox
        self.era = sandbox.cloud.era
        self.session = session

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        url = path if path.startswith("http") else self.sandbox.url + path
        answer = self.session.request(url, method, json=body, headers=headers, raise_exc=False)
        found = answer.json() if "json" in answer.headers.get("Content-Type", "") else answer.text
        return answer.status_code, found

    def at(self, *services: str) -> str:
        found = (self.session.get_endpoint(service_type=one, interface="public") for one in services)
        return str(next(filter(None, found), ""))


@contextlib.contextmanager
def opened(place: Path, name: str) -> Iterator[There]:
    with serve.in_thread(kernel.Settings(era=name, guests=False)) as sandbox:
        file = place / f"{name}.yaml"
        file.write_text(sandbox.clouds_yaml())
        with warnings.catch_warnings():
            # The SDK warns of its own InfluxDB support, which nobody asked for.
            warnings.simplefilter("ignore", sdk_warnings.RemovedInSDK60Warning)
            region = OpenStackConfig(config_files=[str(file)], load_envvars=False).get_one("sandbox")
        session = region.get_session()
        yield There(sandbox, session)
        session.session.close()


@pytest.fixture(scope="module")
def eras(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, There]]:
    place = tmp_path_factory.mktemp("eras")
    with contextlib.ExitStack() as stack:
        yield {name: stack.enter_context(opened(place, name)) for name in era.ERAS}


@pytest.mark.parametrize("name", era.ERAS)
def test_whoever_has_its_clouds_yaml_gets_in_and_sees_flavors(eras: dict[str, There], name: str) -> None:
    there = eras[name]
    status, found = there.ask("GET", there.at("compute") + "/flavors")
    assert status == 200 and len(found["flavors"]) == 4


@pytest.mark.parametrize("name", era.ERAS)
def test_no_microversion_beyond_the_era_is_understood(eras: dict[str, There], name: str) -> None:
    there = eras[name]
    status, found = there.ask(
        "GET", there.at("compute") + "/flavors", **{"OpenStack-API-Version": "compute 2.999"}
    )
    if there.era.compute is None:
        assert status == 200
    else:
        lowest, highest = (f"{major}.{minor}" for major, minor in there.era.compute)
        assert status == 406
        assert f"Minimum is {lowest} and maximum is {highest}." in found["computeFault"]["message"]


@pytest.mark.parametrize("name", era.ERAS)
def test_there_are_no_other_versions_than_the_eras(eras: dict[str, There], name: str) -> None:
    there = eras[name]
    for service, first in {
        "identity": ("v2.0", "v3"),
        "image": ("v1", "v2"),
        "volume": ("v1", "v2", "v3"),
    }.items():
        for version in first:
            if version not in there.era.versions[service]:
                status, _ = there.ask("GET", f"/{service}/{version}/{there.session.get_project_id()}/types")
                assert status == 404, (service, version)


@pytest.mark.parametrize("name", NEUTRON)
def test_attributes_of_later_extensions_are_unknown(eras: dict[str, There], name: str) -> None:
    there = eras[name]
    _, listed = there.ask("GET", "/network/v2.0/extensions")
    described = "standard-attr-description" in {one["alias"] for one in listed["extensions"]}
    body = {"network": {"name": "mine", "description": "a mark"}}
    status, answer = there.ask("POST", "/network/v2.0/networks", body)
    if described:
        assert status == 201 and answer["network"]["description"] == "a mark"
    else:
        assert status == 400
        assert answer["NeutronError"]["message"] == "Unrecognized attribute(s) 'description'"
    _, found = there.ask("GET", "/network/v2.0/networks?description=nobodys")
    assert bool(found["networks"]) is not described


@pytest.mark.parametrize("name", NEUTRON)
def test_paths_of_later_extensions_are_not_there(eras: dict[str, There], name: str) -> None:
    there = eras[name]
    project = there.session.get_project_id()
    for alias, path in {
        "auto-allocated-topology": f"auto-allocated-topology/{project}",
        "quota_details": f"quotas/{project}/details",
    }.items():
        status, _ = there.ask("GET", f"/network/v2.0/{path}")
        assert (status == 404) is (alias in there.era.without), path


def test_an_era_that_never_was_is_refused() -> None:
    with (
        pytest.raises(ValueError, match="expected one of 2012, 2015"),
        serve.in_thread(kernel.Settings(era="1999")),
    ):
        pass


def test_the_command_line_offers_every_era() -> None:
    (option,) = (one for one in sandbox_command.params if one.name == "era")
    assert isinstance(option.type, click.Choice)
    assert list(option.type.choices) == list(era.ERAS) and option.default == era.TODAY.name
