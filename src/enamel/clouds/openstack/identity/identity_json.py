"""Tokens, catalogues and version documents, made to fit what keystoneauth expects of them.

keystoneauth gives up the whole document where one entry of it is not as it should be.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from enamel.clouds.calls import decoder

LIFETIME = timedelta(hours=1)
"""How long a token is used that does not tell when it expires."""

_Number = Annotated[str, Meta(pattern=r"^v?\d+(\.\d+)*\Z")]


class _Endpoint(Struct):
    url: decoder.Id
    interface: decoder.Id
    id: str | None = None
    region: str | None = None
    region_id: str | None = None


class _Service(Struct):
    type: decoder.Id
    id: str | None = None
    name: str | None = None
    endpoints: list[_Endpoint] = []


class _OldService(Struct):
    """As the second version of Keystone's API has it."""

    type: decoder.Id
    name: str | None = None
    endpoints: list[dict[str, str]] = []


class _Role(Struct):
    name: decoder.Id


class _Account(Struct):
    id: str = ""
    name: str = ""


class _OldUser(_Account):
    roles: list[_Role] = []


class _Time(Struct):
    expires_at: datetime | None = None
    expires: datetime | None = None


class _Link(Struct):
    rel: decoder.Id
    href: decoder.Id


class _Version(Struct):
    id: _Number
    status: decoder.Id = "CURRENT"
    links: list[_Link] = []
    min_version: _Number | None = None
    max_version: _Number | None = None
    version: _Number | None = None
    next_min_version: _Number | None = None
    not_before: str | None = None


def fitted(document: Any) -> tuple[Any, list[decoder.Misfit]]:
    """Return a document with what can be used of it, and what was left out."""
    if not isinstance(document, Mapping):
        return document, []
    fitting = _Fitting(dict(document))
    for name in ("token", "access"):
        if document.get(name) and isinstance(document[name], Mapping):
            fitting.document[name] = fitting.inside(document[name], name)
    versions = document.get("versions")
    if isinstance(versions, Mapping):
        fitting.part("versions", dict[str, list[_Version]], least={})
    elif "versions" in document:
        fitting.part("versions", list[_Version], least=[])
    if isinstance(document.get("version"), Mapping):
        fitting.part("version", _Version, least={})
    return fitting.document, fitting.misfits


class _Fitting:
    """A document that is being made to fit."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.misfits: list[decoder.Misfit] = []

    def part(self, name: str, type: Any, *, least: Any) -> None:
        """Make a part of the document fit; one that cannot is replaced by the least that there may be."""
        given = self.document[name]
        try:
            value, misfits = decoder.fit(given, type, name=name)
        except decoder.Unusable as exc:
            if given is not None:
                self.misfits.append(decoder.Misfit(field=name, record="", why=str(exc), left_out=False))
            self.document[name] = least
            return
        self.misfits += misfits
        fit = msgspec.to_builtins(value)
        self.document[name] = {**given, **fit} if isinstance(value, Struct) else fit

    def inside(self, token: Mapping[str, Any], name: str) -> dict[str, Any]:
        """Return a token, or what came with one of the second version, with what can be used of it."""
        inner = _Fitting(dict(token))
        old = name == "access"
        parts = {
            "catalog": (list[_Service], []),
            "serviceCatalog": (list[_OldService], []),
            "roles": (list[_Role], []),
            "user": (_OldUser if old else _Account, {"id": "", "name": ""}),
            "project": (_Account, None),
            "tenant": (_Account, {}),
        }
        for part, (type, least) in parts.items():
            if part in token or part == "user":
                inner.document.setdefault(part, None)
                inner.part(part, type, least=least)
        if old and isinstance(token.get("token"), Mapping):
            inner.document["token"] = inner.inside(token["token"], "token")
        self.misfits += inner.misfits
        return _expiring(inner.document)


def _expiring(token: dict[str, Any]) -> dict[str, Any]:
    """Return a token that tells when it expires."""
    times, _ = decoder.fit(token, _Time, name="token")
    later = (datetime.now(UTC) + LIFETIME).strftime("%Y-%m-%dT%H:%M:%SZ")
    return token | {name: later for name in ("expires_at", "expires") if getattr(times, name) is None}
