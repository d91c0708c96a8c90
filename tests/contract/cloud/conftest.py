"""One suite for two clouds: the sandbox always, and a real OpenStack when the environment names one.

`ENAMEL_TEST_CLOUD=lab` selects the entry `lab` of clouds.yaml, with `lab-other` and `lab-admin` beside it. Tests of
newer features are skipped on an older cloud, such as `old`, or the sandbox with `ENAMEL_TEST_ERA=2022`.
"""

import contextlib
import copy
import itertools
import os
import secrets
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Self

import pytest
from keystoneauth1 import session as keystone_session
from openstack import warnings as sdk_warnings
from openstack.config import OpenStackConfig

from enamel.sandbox import era, kernel, serve
from tests import real_cloud

TODAY: dict[str, tuple[int, ...]] = {"compute": (2, 104), "volume": (3, 71), "key-manager": (1, 1)}
"""The newest microversions that the tests know of."""


class Answer(NamedTuple):
    """What a cloud answered."""

    status: int
    headers: Any
    body: Any
    text: str


class Account:
    """A user of the cloud under test, with raw HTTP requests."""

    def __init__(self, region: Any, prefix: Callable[[], str]) -> None:
        self._session: keystone_session.Session = region.get_session()
        self._session.user_agent = "enamel-contract"
        self._prefix = prefix
        self._undo: list[Callable[[], Any]] = []
        self._newest: dict[str, tuple[int, ...]] = {}

    @property
    def project_id(self) -> str:
        return self._session.get_project_id()

    @property
    def user_id(self) -> str:
        return self._session.get_user_id()

    def name(self) -> str:
        """Return a name that nothing else in the cloud has."""
        return self._prefix()

    def call(
        self,
        method: str,
        service: str,
        path: str,
        body: Any = None,
        *,
        microversion: str | None = None,
        headers: dict[str, str] | None = None,
        data: bytes | None = None,
        authenticated: bool = True,
    ) -> Answer:
        """Send one request below the service's catalogue entry and return the answer, whatever it is."""
        sent = dict(headers or {})
        microversion = microversion and self._understood(service, microversion)
        if microversion and service == "compute":
            sent["OpenStack-API-Version"] = f"compute {microversion}"
            sent["X-OpenStack-Nova-API-Version"] = microversion
        elif microversion:
            sent["OpenStack-API-Version"] = f"volume {microversion}"
        extra: dict[str, Any] = {}
        if body is not None:
            extra["json"] = body
        if data is not None:
            extra["data"] = data
        response = self._session.request(
            self.url(service) + path,
            method,
            headers=sent,
            authenticated=authenticated,
            raise_exc=False,
            redirect=False,
            **extra,
        )
        try:
            decoded = response.json() if response.content else None
        except ValueError:
            decoded = None
        return Answer(response.status_code, response.headers, decoded, response.text)

    def _understood(self, service: str, requested: str) -> str:
        """Return a microversion, or the newest one of a cloud that is older than the tests."""
        if service not in self._newest:
            kind = "block-storage" if service == "volume" else service
            data = self._session.get_endpoint_data(service_type=kind, interface="public")
            newest = data.max_microversion if data is not None else None
            self._newest[service] = tuple(newest or TODAY[service])
        number = tuple(int(part) for part in requested.split(".")) if requested[0].isdigit() else ()
        # A microversion that no cloud has is requested as it is.
        if number <= self._newest[service] or number > TODAY[service]:
            return requested
        return ".".join(map(str, self._newest[service]))

    def url(self, service: str) -> str:
        """Return a service's URL in the catalogue; types: identity, compute, network, image, volume, key-manager."""
        kind = "block-storage" if service == "volume" else service
        url = self._session.get_endpoint(service_type=kind, interface="public")
        assert url, f"no {service} in the catalogue"
        url = url.rstrip("/")
        if service == "network" and not url.endswith("/v2.0"):
            url += "/v2.0"
        if service == "image" and not url.endswith("/v2"):
            url += "/v2"
        if service == "key-manager" and not url.endswith("/v1"):
            url += "/v1"
        if service == "volume" and not url.endswith(self.project_id):
            url += f"/{self.project_id}"
        return url

    def later(self, method: str, service: str, path: str, body: Any = None) -> None:
        """Clean up with this call when the test is over, last things first."""
        self.afterwards(lambda: self.call(method, service, path, body))

    def afterwards(self, undo: Callable[[], Any]) -> None:
        """Clean up like this when the test is over, last things first."""
        self._undo.append(undo)

    def apart(self) -> Self:
        """Return the same account with a clean-up of its own."""
        twin = copy.copy(self)
        twin._undo = []
        return twin

    def clean_up(self) -> None:
        for undo in reversed(self._undo):
            with contextlib.suppress(Exception):
                undo()
        self._undo.clear()

    def until(self, condition: Callable[[], Any], *, seconds: float = 60.0) -> Any:
        """Call the condition until it returns something true, and return that."""
        for _ in range(max(int(seconds / 0.1), 1)):
            value = condition()
            if value:
                return value
            time.sleep(0.1)
        pytest.fail(f"did not come true within {seconds} s")

    def close(self) -> None:
        self._session.session.close()


def region(config: OpenStackConfig, entry: str) -> Any:
    """Return what clouds.yaml says of an account."""
    with warnings.catch_warnings():
        # The SDK warns of its own InfluxDB support, which these tests do not use.
        warnings.simplefilter("ignore", sdk_warnings.RemovedInSDK60Warning)
        return config.get_one(entry)


class Cloud(Account):
    """The usual account (`demo`), with the others beside it."""

    def __init__(self, config: OpenStackConfig, *, entry: str) -> None:
        run, numbers = secrets.token_hex(3), itertools.count(1)

        def prefix() -> str:
            return f"contract-{run}-{next(numbers)}"

        super().__init__(region(config, entry), prefix)
        self.entry = entry
        self.real = entry != "sandbox"
        self.other = Account(region(config, f"{entry}-other"), prefix)
        self.admin = Account(region(config, f"{entry}-admin"), prefix)
        self.accounts = (self, self.other, self.admin)


@pytest.fixture(scope="session", params=["sandbox", pytest.param("lab", marks=pytest.mark.lab)])
def each_cloud(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with contextlib.ExitStack() as stack:
        if request.param == "sandbox":
            year = os.environ.get("ENAMEL_TEST_ERA", era.TODAY.name)
            settings = kernel.Settings(boot_seconds=(0.2, 0.3), pace=0.3, guests=False, era=year)
            sandbox = stack.enter_context(serve.in_thread(settings))
            path = tmp_path_factory.mktemp("sandbox") / "clouds.yaml"
            path.write_text(sandbox.clouds_yaml())
            cloud = Cloud(OpenStackConfig(config_files=[str(path)], load_envvars=False), entry="sandbox")
        else:
            entry = os.environ.get("ENAMEL_TEST_CLOUD")
            if not entry:
                pytest.skip(real_cloud.NEEDED)
            cloud = Cloud(OpenStackConfig(), entry=entry)
        for account in cloud.accounts:
            stack.callback(account.close)
        yield cloud


@pytest.fixture(scope="module")
def lasting(each_cloud: Cloud) -> Iterator[Cloud]:
    """The cloud under test, for fixtures of a whole module."""
    account = each_cloud.apart()
    yield account
    account.clean_up()


@pytest.fixture
def cloud(each_cloud: Cloud) -> Iterator[Cloud]:
    """The cloud under test; what a test registered with `later` is cleaned up after it."""
    yield each_cloud
    for account in each_cloud.accounts:
        account.clean_up()
