"""The session with one OpenStack cloud: the account, the token, and where each service answers.

keystoneauth1 knows all the ways to authenticate and all the shapes of catalogues and version documents. It is
synchronous, so it works in a thread, and only here: once per token, and once per service whose versions matter.
"""

import asyncio
import contextlib
import functools
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from keystoneauth1 import discover
from keystoneauth1 import exceptions as keystone_errors
from keystoneauth1 import session as keystone_session
from keystoneauth1.identity.generic import base as generic
from msgspec import Struct

from enamel.clouds.calls import cache, cleaning, context, misfit_log, record
from enamel.clouds.calls.timeouts import Timeouts
from enamel.clouds.openstack import faults
from enamel.clouds.openstack.identity import identity_json, origin
from enamel.clouds.pacing import gate as pacing_gate
from enamel.clouds.pacing.budget import Trouble
from enamel.model import cloud, cloud_state, problem, redaction, secret_names, secret_url
from enamel.model.errors import (
    CapabilityMissing,
    CloudBusy,
    CloudError,
    CloudThrottled,
    CloudUnknown,
    CloudUnreachable,
    EnamelError,
)
from enamel.model.item import Call

T = TypeVar("T")

_asking: ContextVar[str] = ContextVar("enamel_keystone_asking", default="identity")

TIMEOUT = timedelta(seconds=30)
RENEW_BEFORE = timedelta(seconds=60)
"""A token is replaced this long before it expires, so that no call starts with one that is about to."""
TRIES = 4

_LOWEST_VERSION = {"compute": (2, 0), "block-storage": (1, 0)}
# These have had one major version since long: a catalogue that leaves it out needs no question.
_ONLY_VERSION = {"network": "v2.0", "image": "v2", "identity": "v3"}
_HIGHEST_VERSION = {"compute": 2, "block-storage": 3}
_VERSIONED = re.compile(r"/(v\d+(?:\.\d+)?)(?P<project>/[^/]+)?/?$")
"""An address that ends with a version, or with a version and a project. What comes before is the operator's business."""


class Access(Struct, frozen=True, kw_only=True):
    """A token and what came with it."""

    token: str
    identity: cloud.Identity
    since: datetime
    renew_at: datetime
    good_until: float
    """By this process's monotonic clock: no clock that is set, here or there, makes a token too old or too young."""
    catalog: Any
    """keystoneauth's ServiceCatalog."""


class Endpoint(Struct, frozen=True, kw_only=True):
    """Where a service answers."""

    url: str
    version: tuple[int, ...] = ()
    """Of its API, as far as that was asked for."""


def _secrets_of(options: Mapping[str, Any]) -> Iterator[str]:
    """Yield the secrets of the `auth` of an entry of clouds.yaml."""
    for name, value in options.items():
        if secret_names.fits(name) and isinstance(value, str):
            yield value
        elif isinstance(value, str):
            yield from secret_url.secrets(value)
        elif isinstance(value, list | dict):
            yield from redaction.values(value, secret=secret_names.fits(name))


class _RecordedSession(keystone_session.Session):  # type: ignore[misc]  # it has no types
    """keystoneauth's session, with every request on the record."""

    def __init__(self, *, cloud: str, **options: Any) -> None:
        super().__init__(**options)
        self.cloud = cloud
        self._left_out = misfit_log.MisfitLog(cloud=cloud)

    def request(self, url: str, method: str, **options: Any) -> Any:
        started, at = time.perf_counter(), datetime.now(UTC)
        status, request_id = 0, ""
        try:
            response = super().request(url, method, **options)
            status, request_id = response.status_code, response.headers.get("x-openstack-request-id", "")
            return self._fitted(response)
        except keystone_errors.HttpError as exc:
            status, request_id = exc.http_status, exc.request_id or ""
            raise
        finally:
            call = Call(
                method=method,
                service=_asking.get(),
                path="/" + url.split("://")[-1].partition("/")[2].partition("?")[0],
                status=status,
                request_id=cleaning.request_id(request_id),
                ms=(time.perf_counter() - started) * 1000,
                at=at,
            )
            record.add(call, cloud=self.cloud)

    def _fitted(self, response: Any) -> Any:
        """Return an answer whose JSON keystoneauth can read, whatever of it does not fit."""
        try:
            document, misfits = identity_json.fitted(response.json())
        except (ValueError, RecursionError):
            return response
        self._left_out.add(misfits, service=_asking.get())
        response.json = lambda **_: document
        return response


class Session:
    """One project's session with one cloud."""

    def __init__(
        self,
        region: Any,
        *,
        name: str,
        timeouts: Timeouts | None = None,
        gates: pacing_gate.Pace | None = None,
    ) -> None:
        self._region = region
        self._timeouts = timeouts or Timeouts()
        self._pace = gates or pacing_gate.Pace(cloud=name)
        self._name = name
        self._flights = cache.Flights()
        self._access: Access | None = None
        self.unusable: cloud_state.Unusable | None = None
        """Why the last authentication failed."""
        self._endpoints: dict[str, Endpoint] = {}
        self._offered: dict[str, tuple[Access, bool]] = {}
        verify, cert = region.get_requests_verify_args()
        self._keystone = _RecordedSession(
            cloud=name,
            session=origin.OriginSession(cloud=name),
            verify=verify,
            cert=cert,
            timeout=TIMEOUT.total_seconds(),
            user_agent="enamel",
        )
        self._plugin: Any = region.get_auth()
        self._credentials = tuple(_secrets_of(region.config.get("auth", {})))
        # The generic plugins ask Keystone for its versions first, which an address that names one makes idle.
        if isinstance(self._plugin, generic.BaseGenericPlugin) and self._plugin.auth_url.rstrip("/").endswith(
            "/v3"
        ):
            self._plugin = (
                self._plugin.create_plugin(self._keystone, (3, 0), self._plugin.auth_url) or self._plugin
            )

    @property
    def token(self) -> cloud_state.Token | None:
        """Return how old the token is; None where there is none."""
        known = self._access
        return None if known is None else cloud_state.Token(since=known.since, renew_at=known.renew_at)

    @property
    def versions(self) -> dict[str, str]:
        """Return the versions of the services that were called yet, as far as their addresses tell them."""
        matches = {service: _VERSIONED.search(known.url) for service, known in self._endpoints.items()}
        return {service: match[1] for service, match in sorted(matches.items()) if match}

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return what the cloud is sent that nobody else may see: the credentials, and the token."""
        return self._credentials if self._access is None else (*self._credentials, self._access.token)

    @property
    def in_use(self) -> bool:
        """Whether Keystone is being asked."""
        return self._flights.under_way

    @property
    def rescopes(self) -> bool:
        """Tell whether these credentials can be used for other projects, too."""
        return "applicationcredential" not in str(self._region.config.get("auth_type", ""))

    async def access(self) -> Access:
        """Return a token that is good for a while; however many ask, one is fetched."""
        known = self._access
        if known is not None and time.monotonic() < known.good_until:
            return known
        return await self._flights.join("access", self._authenticate)

    async def renew(self, refused: str) -> None:
        """Fetch another token, unless the one that was refused has been replaced already."""
        if self._access is not None and self._access.token == refused:
            self._access = None
        await self.access()

    async def offers(self, service: str) -> bool:
        """Tell whether the cloud has a service for this account."""
        access = await self.access()
        asked, offered = self._offered.get(service, (None, False))
        # The configuration and the catalogue stay as they are for as long as the token; reading them is dear.
        if asked is not access:
            try:
                self._catalogued(access, service=service)
                offered = True
            except CapabilityMissing:
                offered = False
            self._offered[service] = access, offered
        return offered

    async def endpoint(self, service: str) -> Endpoint:
        """Return where a service answers; asked of the cloud once, and only where the catalogue does not say it."""
        known = self._endpoints.get(service)
        if known is not None:
            return known
        return await self._flights.join(service, lambda: self._find(service))

    async def ask_versions(self, service: str) -> Endpoint:
        """Ask a service where its newest version answers, because it is not there where such services mostly are."""
        access = await self.access()
        data = self._catalogued(access, service=service)
        _asking.set(service)
        self._keystone.auth = self._plugin
        answer = await self._asked(
            lambda: data.get_versioned_data(
                self._keystone,
                project_id=access.identity.project_id,
                min_version=(1, 0),
                max_version=(2, discover.LATEST),
                discover_versions=True,
            )
        )
        self._endpoints[service] = Endpoint(
            url=answer.url.rstrip("/"), version=tuple(answer.api_version or ())
        )
        return self._endpoints[service]

    async def close(self) -> None:
        """Stop what is under way."""
        await self._flights.close()
        self._keystone.session.close()

    async def _authenticate(self) -> Access:
        self._plugin.invalidate()
        try:
            access = await self._asked(lambda: self._access_of(self._plugin.get_access(self._keystone)))
        except CloudError as failure:
            since = datetime.now(UTC) if self.unusable is None else self.unusable.since
            self.unusable = cloud_state.Unusable(since=since, problem=problem.of(failure))
            raise
        self._access, self.unusable = access, None
        return access

    def _access_of(self, access: Any) -> Access:
        """Return what keystoneauth has found, in Enamel's words."""
        now = datetime.now(UTC)
        lasts = access.expires - access.issued if access.expires and access.issued else timedelta(hours=1)
        # A token that lives for less than two minutes is used for half of its life.
        good_for = max(lasts - RENEW_BEFORE, lasts / 2)
        return Access(
            token=access.auth_token,
            identity=cloud.Identity(
                user_id=access.user_id or "",
                user_name=access.username or "",
                project_id=access.project_id or "",
                project_name=access.project_name or "",
                roles=tuple(access.role_names or ()),
                region=self._region_of(access.service_catalog),
            ),
            since=now,
            renew_at=now + good_for,
            good_until=time.monotonic() + good_for.total_seconds(),
            catalog=access.service_catalog,
        )

    def _region_of(self, catalog: Any) -> str:
        """Return the region that is used. Raises CloudUnknown where the catalogue does not have the configured one."""
        named: str | None = self._region.get_region_name()
        if not named:
            return self._first_region(catalog)
        endpoints = [endpoint for service in catalog.normalize_catalog() for endpoint in service["endpoints"]]
        known = {str(endpoint.get("region_id") or endpoint.get("region") or "") for endpoint in endpoints} - {
            ""
        }
        if known and named not in known:
            raise CloudUnknown(
                f"Cloud '{self._name}' has no region '{named}'; its catalogue has: {', '.join(sorted(known))}.",
                cloud=self._name,
                remedy="Correct `region_name` in its entry of clouds.yaml.",
            )
        return named

    def _first_region(self, catalog: Any) -> str:
        """Return the region that is used where the configuration names none: the one of the first compute service."""
        try:
            data = catalog.endpoint_data_for(
                service_type=self._region.get_service_type("compute") or "compute",
                interface=self._region.get_interface("compute") or "public",
            )
        except (keystone_errors.EndpointNotFound, keystone_errors.EmptyCatalog):
            return ""
        return str(data.region_name or "")

    async def _find(self, service: str) -> Endpoint:
        access = await self.access()
        data = self._catalogued(access, service=service)
        _asking.set(service)
        # Not before there is a token: to ask for versions in the middle of the authentication, keystoneauth would
        # authenticate first, and wait for itself.
        self._keystone.auth = self._plugin
        if service in _ONLY_VERSION:
            url = data.url.rstrip("/")
            if service == "identity":
                # Catalogues of old clouds lead to the second version, which knows nothing of what is asked here.
                url = url.removesuffix("/v2.0")
            if _version_of(url) is None:
                url = f"{url}/{_ONLY_VERSION[service]}"
            endpoint = Endpoint(url=url)
        else:
            if _version_of(data.url, project=access.identity.project_id) is None:
                # keystoneauth takes any part of an address that looks like a version for one.
                data.api_version = None
            versioned = await self._asked(
                lambda: data.get_versioned_data(
                    self._keystone,
                    project_id=access.identity.project_id,
                    min_version=_LOWEST_VERSION[service],
                    max_version=(_HIGHEST_VERSION[service], discover.LATEST),
                    # Only where the catalogue names no version is there anything to ask.
                    discover_versions=False,
                ),
                service=service,
            )
            endpoint = Endpoint(url=versioned.url.rstrip("/"), version=tuple(versioned.api_version or ()))
        self._endpoints[service] = endpoint
        return endpoint

    def _catalogued(self, access: Access, *, service: str) -> Any:
        override = self._region.get_endpoint(service)
        if override:
            return discover.EndpointData(catalog_url=override, service_type=service)
        named = self._region.get_region_name(service) or None
        interface = self._region.get_interface(service) or "public"
        service_type = self._region.get_service_type(service) or service
        find = functools.partial(
            access.catalog.endpoint_data_for, service_type=service_type, interface=interface
        )
        # Services of one region belong together, also where the configuration names none; some have no region.
        regions = (named,) if named else (access.identity.region or None, None)
        try:
            with contextlib.suppress(keystone_errors.EndpointNotFound):
                return find(region_name=regions[0])
            return find(region_name=regions[-1])
        except (keystone_errors.EndpointNotFound, keystone_errors.EmptyCatalog) as exc:
            within = f" in region {named}" if named else ""
            raise CapabilityMissing(
                f"Cloud {self._name} offers no {service} service to this account{within} ({interface} endpoints).",
                cloud=self._name,
                remedy="Check `region_name` and `interface` of its entry in clouds.yaml, and the cloud's catalogue.",
            ) from exc

    async def _asked(self, question: Callable[[], T], *, service: str = "identity") -> T:
        """Have keystoneauth ask something, in a thread; ask again where that may help."""
        with redaction.keeping(redaction.Redactor(self.secrets)):
            return await self._ask(question, service=service)

    async def _ask(self, question: Callable[[], T], *, service: str) -> T:
        # All of it are reads and requests for tokens: asking once more does no harm.
        gate = self._pace.gate(service)
        begun, failures = time.monotonic(), 0
        while True:
            error: EnamelError
            try:
                async with gate.turn(
                    reads=True, account=self._name, now_within=self._timeouts.throttled_now
                ) as began:
                    try:
                        answer = await asyncio.to_thread(question)
                        gate.went_well((service, "keystoneauth"), seconds=time.monotonic() - began)
                        return answer
                    except (
                        keystone_errors.ClientException,
                        OSError,
                        ValueError,
                        AttributeError,  # JSON of another shape than Keystone's
                        KeyError,
                        TypeError,
                        RecursionError,
                    ) as exc:
                        error = faults.of_keystone(exc, cloud=self._name)
                        if not isinstance(error, CloudUnreachable | CloudBusy | CloudThrottled):
                            raise error from exc
                    finally:
                        # Keystone is next needed in an hour: no connection is kept until then.
                        with contextlib.suppress(Exception):
                            self._keystone.session.close()
                    self._complain(gate, error, began=began)
            except pacing_gate.Down as exc:
                error = CloudUnreachable(f"Cloud {self._name} does not answer: {exc}", cloud=self._name)
            if isinstance(error, CloudThrottled) or "retry_after" in error.data:
                # The gate keeps the pause, for everybody.
                longest = self._timeouts.with_throttling(patient=context.current().patient)
                if time.monotonic() - begun > longest:
                    raise error
                continue
            failures += 1
            if failures == TRIES:
                raise error
            await asyncio.sleep(self._timeouts.first_pause * 2 ** (failures - 1))

    @staticmethod
    def _complain(gate: pacing_gate.Gate, error: EnamelError, *, began: float) -> None:
        """Let the gate know what has gone wrong, for everybody."""
        status = int(error.data.get("status", 0))
        if isinstance(error, CloudThrottled):
            trouble = Trouble.TOO_MANY
        else:
            trouble = Trouble.BUSY if isinstance(error, CloudBusy) else Trouble.SILENT
        if status != 500:
            gate.complained(trouble, began=began, status=status, pause=error.data.get("retry_after"))


def _version_of(url: str, *, project: str = "") -> str | None:
    """Return the version that an address ends with, before the project if there is one."""
    match = _VERSIONED.search(url)
    if match is None or (match["project"] and (not project or project not in match["project"])):
        return None
    return match[1]
