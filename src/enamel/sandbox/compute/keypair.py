"""Keypairs over HTTP."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Any

from cryptography import exceptions
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from enamel.sandbox import http, kernel
from enamel.sandbox.compute import schema as compute_schema
from enamel.sandbox.compute import state

_NAME = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"^[_\- a-zA-Z0-9]+$"}
_NEW_NAME = {**_NAME, "pattern": r"^[a-zA-Z0-9 _\-@.]+$"}
"""From 2.92 on."""


def _new(version: kernel.Version) -> compute_schema.Schema:
    """Return the schema of a new keypair at a microversion."""
    properties: dict[str, compute_schema.Schema] = {
        "name": _NEW_NAME if version >= (2, 92) else _NAME,
        "public_key": compute_schema.TEXT,
    }
    required = ["name"]
    if version >= (2, 2):
        properties["type"] = {"enum": ["ssh", "x509"]}
    if version >= (2, 10):
        properties["user_id"] = compute_schema.TEXT
    if version >= (2, 92):
        required.append("public_key")
    return compute_schema.obj(
        ("keypair",),
        keypair={
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": False,
        },
    )


_SCHEMAS = {turn: compute_schema.checker(_new(turn)) for turn in ((2, 92), (2, 10), (2, 2), (2, 1))}


def _user(request: http.Request, asked: str | None) -> str:
    """Return whose keypairs a call is about: the caller's, or for an admin anyone's from 2.10."""
    if asked is None or asked == request.caller.user_id or request.version < (2, 10):
        return request.caller.user_id
    if not request.caller.admin:
        raise kernel.Refusal(403, "Policy doesn't allow os_compute_api:os-keypairs:index to be performed.")
    return asked


def _brief(request: http.Request, keypair: state.Keypair) -> dict[str, Any]:
    """Return a keypair as lists show it."""
    body = {
        "name": keypair.name,
        "public_key": keypair.public_key,
        "fingerprint": keypair.fingerprint,
    }
    if request.version >= (2, 2):
        body["type"] = keypair.type
    return body


def listed(request: http.Request) -> kernel.Reply:
    """Answer with a user's keypairs, by name; in pages from 2.35."""
    user_id = _user(request, request.first("user_id"))
    mine = [keypair for (owner, _), keypair in request.cloud.compute.keypairs.items() if owner == user_id]
    mine.sort(key=lambda keypair: keypair.name)
    body: dict[str, Any] = {}
    if request.version >= (2, 35):
        marker, limit = request.first("marker"), request.first("limit")
        if marker is not None:
            if marker not in (keypair.name for keypair in mine):
                raise kernel.Refusal(400, f"marker [{marker}] not found")
            mine = [keypair for keypair in mine if keypair.name > marker]
        if limit is not None and limit.isdigit() and int(limit):
            mine = mine[: int(limit)]
            if len(mine) == int(limit):
                href = f"{request.root}{request.path}?limit={limit}&marker={mine[-1].name}"
                body["keypairs_links"] = [{"rel": "next", "href": href}]
    body["keypairs"] = [{"keypair": _brief(request, keypair)} for keypair in mine]
    return kernel.Reply(body=body)


def _keypair(request: http.Request) -> state.Keypair:
    """Return the keypair in the path."""
    user_id, name = _user(request, request.first("user_id")), request.params["name"]
    keypair = request.cloud.compute.keypairs.get((user_id, name))
    if keypair is None:
        raise kernel.Refusal(404, f"Keypair {name} not found for user {user_id}")
    return keypair


def show(request: http.Request) -> kernel.Reply:
    """Answer with one keypair."""
    keypair = _keypair(request)
    body = _brief(request, keypair) | {
        "user_id": keypair.user_id,
        "id": keypair.id,
        "created_at": keypair.created.strftime("%Y-%m-%dT%H:%M:%S.%f"),
        "deleted": False,
        "deleted_at": None,
        "updated_at": None,
    }
    return kernel.Reply(body={"keypair": body})


def fingerprint(public_key: str) -> str:
    """Return the fingerprint of an SSH key, or refuse an invalid one."""
    parts = public_key.split()
    try:
        raw = base64.b64decode(parts[1], validate=True)
        serialization.load_ssh_public_key(" ".join(parts[:2]).encode())
    except (IndexError, binascii.Error, ValueError, exceptions.UnsupportedAlgorithm):
        raise kernel.Refusal(400, "Keypair data is invalid: failed to generate fingerprint") from None
    digest = hashlib.md5(raw, usedforsecurity=False).hexdigest()
    return ":".join(digest[place : place + 2] for place in range(0, len(digest), 2))


def create(request: http.Request) -> kernel.Reply:
    """Import a public key, or generate a pair where the microversion still allows that."""
    body = request.body()
    compute_schema.check(body, next(schema for turn, schema in _SCHEMAS.items() if turn <= request.version))
    asked, nova = body["keypair"], request.cloud.compute
    user_id, name = _user(request, asked.get("user_id")), asked["name"].strip()
    limit = nova.limit(request.caller.project_id, "key_pairs")
    if 0 <= limit <= sum(owner == user_id for owner, _ in nova.keypairs):
        raise kernel.Refusal(403, "Quota exceeded, too many key pairs.")
    if (user_id, name) in nova.keypairs:
        raise kernel.Refusal(409, f"Key pair '{name}' already exists.")
    private = ""
    public = asked.get("public_key")
    if public is None:
        public, private = _generate()
    nova.keys_made += 1
    keypair = state.Keypair(
        id=nova.keys_made,
        name=name,
        type=asked.get("type", "ssh"),
        public_key=public,
        fingerprint=fingerprint(public) if asked.get("type", "ssh") == "ssh" else "",
        user_id=user_id,
        created=request.cloud.now(),
    )
    nova.keypairs[user_id, name] = keypair
    answer = _brief(request, keypair) | {"user_id": user_id}
    if private:
        answer["private_key"] = private
    return kernel.Reply(status=201 if request.version >= (2, 2) else 200, body={"keypair": answer})


def _generate() -> tuple[str, str]:
    """Generate a pair and return its public and private halves."""
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    return f"{public.decode()} Generated-by-Nova", private.decode()


def delete(request: http.Request) -> kernel.Reply:
    """Delete a keypair; existing servers keep the key."""
    keypair = _keypair(request)
    del request.cloud.compute.keypairs[keypair.user_id, keypair.name]
    return kernel.Reply(status=204 if request.version >= (2, 2) else 202)


ROUTES = (
    http.Route("GET", "/v2.1/os-keypairs", listed),
    http.Route("POST", "/v2.1/os-keypairs", create),
    http.Route("GET", "/v2.1/os-keypairs/{name}", show),
    http.Route("DELETE", "/v2.1/os-keypairs/{name}", delete),
)
