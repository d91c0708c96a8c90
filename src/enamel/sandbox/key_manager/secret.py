"""The sandbox's Barbican: secrets with payloads and metadata, private to the project that made them."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any, cast
from urllib.parse import urlencode

from enamel.sandbox import http, kernel, state, table
from enamel.sandbox.http import Route

TYPES = ("symmetric", "passphrase", "private", "public", "certificate", "opaque")
TEXTS = ("name", "algorithm", "mode", "expiration", "secret_type", "payload_content_type")
TEXT, OCTETS = "text/plain", "application/octet-stream"
PAGE, LONGEST_PAGE, LONGEST_PAYLOAD = 10, 100, 20_000
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Secrets:
    """All secrets."""

    def __init__(self, cloud: state.Cloud) -> None:
        """Start without any."""
        self.cloud = cloud
        self.rows = table.Table()

    def inventory(self) -> dict[str, list[table.Row]]:
        """Return everything that exists, by kind, without payloads."""
        return {"secrets": [{name: row[name] for name in ("id", "project_id", "name")} for row in self.rows]}

    def stamp(self) -> str:
        """Return the time as the key manager writes it."""
        return self.cloud.now().strftime("%Y-%m-%dT%H:%M:%S")


def of(request: http.Request) -> Secrets:
    """Return the secrets of the cloud that a request is for."""
    return cast(Secrets, request.cloud.secret)


def versions(request: http.Request) -> kernel.Reply:
    """List the versions of the API."""
    return kernel.Reply(status=300, body={"versions": {"values": [_version(request)]}})


def version(request: http.Request) -> kernel.Reply:
    """Describe the only version."""
    return kernel.Reply(body={"version": _version(request)})


def listing(request: http.Request) -> kernel.Reply:
    """List the project's secrets."""
    rows = [row for row in of(request).rows.of(request.caller.project_id) if _matches(request, row)]
    offset, limit = (
        _number(request, "offset", usual=0),
        min(_number(request, "limit", usual=PAGE), LONGEST_PAGE),
    )
    body: kernel.Json = {
        "secrets": [_view(request, row) for row in rows[offset : offset + limit]],
        "total": len(rows),
    }
    if offset + limit < len(rows):
        body["next"] = _page(request, limit=limit, offset=offset + limit)
    if offset:
        body["previous"] = _page(request, limit=limit, offset=max(offset - limit, 0))
    return kernel.Reply(body=body)


def create(request: http.Request) -> kernel.Reply:
    """Store a secret, with or without its payload."""
    _creators(request, "Secret creation")
    wish = _body(request)
    _check(wish)
    payload, kind = _payload(wish)
    secrets = of(request)
    row = secrets.rows.add(
        {
            "id": request.cloud.new_id(),
            "project_id": request.caller.project_id,
            "creator_id": request.caller.user_id,
            "created": secrets.stamp(),
            "updated": secrets.stamp(),
            "name": wish.get("name") or "",
            "secret_type": wish.get("secret_type", "opaque"),
            "algorithm": wish.get("algorithm"),
            "bit_length": wish.get("bit_length"),
            "mode": wish.get("mode"),
            "expiration": wish.get("expiration"),
            "payload": payload,
            "content_type": kind,
            "metadata": {},
        }
    )
    row["name"] = row["name"] or row["id"]
    reference = _reference(request, row)
    return kernel.Reply(status=201, body={"secret_ref": reference}, headers={"Location": reference})


def show(request: http.Request) -> kernel.Reply:
    """Show a secret's metadata; older clients read its payload here as well."""
    row = _named(request)
    media = request.headers.get("accept", "").partition(";")[0]
    if media in (TEXT, OCTETS) and row["payload"] is not None:
        return payload(request)
    return kernel.Reply(body=_view(request, row))


def payload(request: http.Request) -> kernel.Reply:
    """Return a secret's payload in its content type."""
    row = _named(request)
    if row["payload"] is None:
        raise kernel.Refusal(404, "Not Found. Sorry but your secret has no payload.")
    media = request.headers.get("accept", "*/*").partition(";")[0].strip()
    if media not in (row["content_type"], "*/*", ""):
        raise kernel.Refusal(406, "Secret payload retrieval issue seen - Wrong payload content-type.")
    return kernel.Reply(body=row["payload"], media=row["content_type"])


def fill(request: http.Request) -> kernel.Reply:
    """Set a secret's payload, once."""
    _creators(request, "Secret update")
    row = _named(request)
    if row["payload"] is not None:
        raise kernel.Refusal(409, f"Secret {row['id']} already has data, cannot modify it.")
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    if kind not in (TEXT, OCTETS):
        raise kernel.Refusal(415, f"Content-Type of '{kind}' is not supported for PUT.")
    data = request.content
    if request.headers.get("content-encoding") == "base64":
        data = _decoded(data)
    if not data:
        raise _bad("No data supplied to process.")
    row.update(payload=data, content_type=kind, updated=of(request).stamp())
    return kernel.Reply(status=204)


def delete(request: http.Request) -> kernel.Reply:
    """Delete a secret."""
    _creators(request, "Secret deletion")
    of(request).rows.drop(_named(request)["id"])
    return kernel.Reply(status=204)


def show_metadata(request: http.Request) -> kernel.Reply:
    """Show a secret's user metadata."""
    return kernel.Reply(body={"metadata": _named(request)["metadata"]})


def replace_metadata(request: http.Request) -> kernel.Reply:
    """Replace a secret's user metadata."""
    row = _named(request)
    wish = _body(request).get("metadata")
    if not isinstance(wish, dict) or not all(isinstance(value, str) for value in wish.values()):
        raise _bad(
            "Provided object does not match schema 'SecretMetadata': 'metadata' must be an object of strings."
        )
    row["metadata"] = {name.lower(): value for name, value in wish.items()}
    reference = f"{_reference(request, row)}/metadata"
    return kernel.Reply(status=201, body={"metadata_ref": reference}, headers={"Location": reference})


def add_item(request: http.Request) -> kernel.Reply:
    """Add one item to a secret's user metadata."""
    row, (key, value) = _named(request), _item(request)
    if key in row["metadata"]:
        raise kernel.Refusal(409, f"Conflict. Key in request is already in the secret metadata: {key}")
    row["metadata"][key] = value
    reference = f"{_reference(request, row)}/metadata/{key}"
    return kernel.Reply(status=201, body={"key": key, "value": value}, headers={"Location": reference})


def show_item(request: http.Request) -> kernel.Reply:
    """Show one item of a secret's metadata."""
    row, key = _named(request), request.params["key"]
    _refuse_missing(row, key)
    return kernel.Reply(body={"key": key, "value": row["metadata"][key]})


def set_item(request: http.Request) -> kernel.Reply:
    """Change one item of a secret's metadata."""
    row, (key, value) = _named(request), _item(request)
    if key != request.params["key"]:
        raise kernel.Refusal(409, "Key in request does not match key in the request url.")
    _refuse_missing(row, key)
    row["metadata"][key] = value
    return kernel.Reply(body={"key": key, "value": value})


def unset_item(request: http.Request) -> kernel.Reply:
    """Delete one item of a secret's user metadata."""
    row, key = _named(request), request.params["key"]
    _refuse_missing(row, key)
    del row["metadata"][key]
    return kernel.Reply(status=204)


def _version(request: http.Request) -> kernel.Json:
    """Return the document of the only version."""
    links = [
        {"rel": "self", "href": f"{request.root}/v1/"},
        {"rel": "describedby", "type": "text/html", "href": "https://docs.openstack.org/"},
    ]
    media = [{"base": "application/json", "type": "application/vnd.openstack.key-manager-v1+json"}]
    return {"id": "v1", "status": "stable", "links": links, "media-types": media}


def _named(request: http.Request) -> table.Row:
    """Return the secret a request names, or refuse those of other projects."""
    secret_id = request.params["id"]
    row = of(request).rows.get(secret_id)
    if row is None:
        known = UUID.fullmatch(secret_id) is not None
        raise kernel.Refusal(
            404, "Secret not found." if known else "Not Found. Provided secret id is invalid."
        )
    if row["project_id"] != request.caller.project_id:
        raise _privileges("Secret retrieval")
    return row


def _creators(request: http.Request, what: str) -> None:
    """Refuse callers with read access only."""
    if not request.caller.roles & {"creator", "admin", "member"}:
        raise _privileges(what)


def _privileges(what: str) -> kernel.Refusal:
    """Refuse what a caller may not do."""
    return kernel.Refusal(403, f"{what} attempt not allowed - please review your user/project privileges")


def _body(request: http.Request) -> kernel.Json:
    """Return the JSON object of a body, or refuse."""
    try:
        return request.body()
    except kernel.Refusal:
        raise _bad("Malformed JSON") from None


def _bad(message: str) -> kernel.Refusal:
    """Refuse a body."""
    return kernel.Refusal(400, message)


def _check(wish: kernel.Json) -> None:
    """Refuse a secret with a wrong value; unknown fields are ignored."""
    bits = wish.get("bit_length")
    if bits is not None and (isinstance(bits, bool) or not isinstance(bits, int)):
        raise _invalid("bit_length", f"{bits!r} is not of type 'integer', 'null'")
    if bits is not None and bits < 1:
        raise _invalid("bit_length", f"{bits!r} is less than the minimum of 1")
    for name in TEXTS:
        value = wish.get(name)
        if value is not None and not isinstance(value, str):
            raise _invalid(name, f"{value!r} is not of type 'string', 'null'")
    kind = wish.get("secret_type", "opaque")
    if kind not in TYPES:
        raise _invalid("secret_type", f"{kind!r} is not one of {list(TYPES)}")


def _invalid(name: str, reason: str) -> kernel.Refusal:
    """Refuse an invalid body."""
    return _bad(f"Provided object does not match schema 'Secret': {reason}. Invalid property: '{name}'")


def _payload(wish: kernel.Json) -> tuple[bytes | None, str | None]:
    """Return the payload of a request and its content type, or refuse."""
    given, kind = wish.get("payload"), wish.get("payload_content_type")
    if given is None:
        if kind:
            reason = "payload must be provided when payload_content_type is supplied."
            raise _invalid("payload", reason)
        return None, None
    if not isinstance(given, str) or not given.strip():
        raise _invalid("payload", "If 'payload' specified, must be non empty")
    if len(given) > LONGEST_PAYLOAD:
        raise kernel.Refusal(413, "Provided information too large to process.")
    if not kind:
        reason = "If 'payload' is supplied, 'payload_content_type' must also be supplied."
        raise _invalid("payload_content_type", reason)
    if kind.replace(" ", "").lower() in (TEXT, f"{TEXT};charset=utf-8"):
        return given.encode(), TEXT
    if kind != OCTETS:
        raise _invalid("payload_content_type", f"payload_content_type is not one of {[TEXT, OCTETS]}")
    if wish.get("payload_content_encoding") != "base64":
        raise _invalid(
            "payload_content_encoding", "payload_content_encoding is not one of ['base64', 'binary']"
        )
    return _decoded(given.encode()), OCTETS


def _decoded(data: bytes) -> bytes:
    """Decode base64, or refuse."""
    try:
        return base64.b64decode(data, validate=True)
    except binascii.Error:
        raise _bad("Invalid payload for payload_content_encoding: it is not base64.") from None


def _view(request: http.Request, row: table.Row) -> kernel.Json:
    """Return a secret as it is shown."""
    body: dict[str, Any] = {
        "created": row["created"],
        "updated": row["updated"],
        "status": "ACTIVE",
        "name": row["name"],
        "secret_type": row["secret_type"],
        "expiration": row["expiration"],
        "algorithm": row["algorithm"],
        "bit_length": row["bit_length"],
        "mode": row["mode"],
        "creator_id": row["creator_id"],
    }
    if row["content_type"]:
        body["content_types"] = {"default": row["content_type"]}
    body["secret_ref"] = _reference(request, row)
    return body


def _reference(request: http.Request, row: table.Row) -> str:
    """Return the URL of a secret."""
    return f"{request.root}/v1/secrets/{row['id']}"


def _matches(request: http.Request, row: table.Row) -> bool:
    """Return whether a secret passes a list's filters."""
    places = {
        "name": "name",
        "alg": "algorithm",
        "mode": "mode",
        "bits": "bit_length",
        "secret_type": "secret_type",
    }
    return all(
        str(row[place]) == request.first(name)
        for name, place in places.items()
        if request.first(name) is not None
    )


def _number(request: http.Request, name: str, *, usual: int) -> int:
    """Return a numeric parameter; Barbican ignores anything else."""
    given = request.first(name) or ""
    return int(given) if given.isdecimal() else usual


def _page(request: http.Request, *, limit: int, offset: int) -> str:
    """Return the URL of another page."""
    return f"{request.root}/v1/secrets?{urlencode({'limit': limit, 'offset': offset})}"


def _item(request: http.Request) -> tuple[str, str]:
    """Return the key and the value in a body, or refuse."""
    wish = _body(request)
    if not isinstance(wish.get("key"), str) or not isinstance(wish.get("value"), str):
        raise _bad("Provided object does not match schema 'SecretMetadatum': key and value must be strings.")
    return wish["key"].lower(), wish["value"]


def _refuse_missing(row: table.Row, key: str) -> None:
    """Refuse an item the metadata does not have."""
    if key not in row["metadata"]:
        raise kernel.Refusal(404, "Not Found. Secret metadata not found.")


ROUTES = (
    Route("GET", "/", versions, open=True),
    Route("GET", "/v1", version, open=True),
    Route("GET", "/v1/secrets", listing),
    Route("POST", "/v1/secrets", create),
    Route("GET", "/v1/secrets/{id}", show),
    Route("PUT", "/v1/secrets/{id}", fill),
    Route("DELETE", "/v1/secrets/{id}", delete),
    Route("GET", "/v1/secrets/{id}/payload", payload),
    Route("GET", "/v1/secrets/{id}/metadata", show_metadata),
    Route("PUT", "/v1/secrets/{id}/metadata", replace_metadata),
    Route("POST", "/v1/secrets/{id}/metadata", add_item),
    Route("GET", "/v1/secrets/{id}/metadata/{key}", show_item),
    Route("PUT", "/v1/secrets/{id}/metadata/{key}", set_item),
    Route("DELETE", "/v1/secrets/{id}/metadata/{key}", unset_item),
)

TITLES = {
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    406: "Not Acceptable",
    409: "Conflict",
    413: "Request Entity Too Large",
    415: "Unsupported Media Type",
}


def word(refusal: kernel.Refusal) -> kernel.Reply:
    """Render a refusal the way Barbican does."""
    title = TITLES.get(refusal.status, "Error")
    body = {"code": refusal.status, "title": title, "description": refusal.message}
    return kernel.Reply(status=refusal.status, body=body, headers=refusal.headers)


SERVICE = http.Service(
    name="key-manager",
    prefix="/key-manager",
    routes=ROUTES,
    word=word,
    lowest=(1, 0),
    microversion_types=("key-manager",),
    not_found=word(kernel.Refusal(404, "")),
)
"""Barbican: its routes and the format of its refusals."""
