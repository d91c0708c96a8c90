"""Metadata and tags of servers."""

from __future__ import annotations

from enamel.sandbox import http, kernel
from enamel.sandbox.compute import schema
from enamel.sandbox.compute import server as compute_server

MOST_TAGS = 50

_METADATA = schema.checker(schema.obj(("metadata",), metadata=schema.METADATA))
_ITEM = schema.checker(schema.obj(("meta",), meta={**schema.METADATA, "maxProperties": 1}))
_TAGS = schema.checker(schema.obj(("tags",), tags=schema.TAGS))
_TAG = schema.checker(schema.TAG)


def _server(request: http.Request) -> compute_server.Server:
    """Return the server in the path."""
    return request.cloud.compute.find(request.caller, request.params["id"])


def _unlocked(request: http.Request) -> compute_server.Server:
    """Return the server in the path, if its state allows a change."""
    server = _server(request)
    if server.locked_by is not None and not request.caller.admin:
        raise kernel.Refusal(409, f"Instance {server.id} is locked")
    return server


def _store(request: http.Request, server: compute_server.Server, metadata: dict[str, str]) -> None:
    """Set a server's metadata, within the quota."""
    allowed = request.cloud.compute.limit(server.project_id, "metadata_items")
    if 0 <= allowed < len(metadata):
        raise kernel.Refusal(403, f"Maximum number of metadata items exceeds {allowed}")
    server.metadata = metadata


def metadata(request: http.Request) -> kernel.Reply:
    """Answer with a server's metadata."""
    return kernel.Reply(body={"metadata": _server(request).metadata})


def merge_metadata(request: http.Request) -> kernel.Reply:
    """Add to a server's metadata."""
    body, server = request.body(), _unlocked(request)
    schema.check(body, _METADATA)
    _store(request, server, server.metadata | body["metadata"])
    return kernel.Reply(body={"metadata": server.metadata})


def replace_metadata(request: http.Request) -> kernel.Reply:
    """Replace a server's metadata."""
    body, server = request.body(), _unlocked(request)
    schema.check(body, _METADATA)
    _store(request, server, dict(body["metadata"]))
    return kernel.Reply(body={"metadata": server.metadata})


def _key(request: http.Request, server: compute_server.Server) -> str:
    """Return the key in the path, when the server has it."""
    key = request.params["key"]
    if key not in server.metadata:
        raise kernel.Refusal(404, "Metadata item was not found")
    return key


def item(request: http.Request) -> kernel.Reply:
    """Answer with one item of a server's metadata."""
    server = _server(request)
    key = _key(request, server)
    return kernel.Reply(body={"meta": {key: server.metadata[key]}})


def put_item(request: http.Request) -> kernel.Reply:
    """Set one item of a server's metadata."""
    body, server, key = request.body(), _unlocked(request), request.params["key"]
    schema.check(body, _ITEM)
    if key not in body["meta"]:
        raise kernel.Refusal(400, "Request body and URI mismatch")
    _store(request, server, server.metadata | body["meta"])
    return kernel.Reply(body={"meta": body["meta"]})


def drop_item(request: http.Request) -> kernel.Reply:
    """Delete one item of a server's metadata."""
    server = _unlocked(request)
    key = _key(request, server)
    server.metadata = {name: value for name, value in server.metadata.items() if name != key}
    return kernel.Reply(status=204)


def _taggable(request: http.Request) -> compute_server.Server:
    """Return the server in the path; tags came with 2.26."""
    if request.version < (2, 26):
        raise kernel.Refusal(404, "The resource could not be found.")
    return _server(request)


def _tag(request: http.Request) -> str:
    """Return the tag in the path as Nova sees it: WSGI decodes the bytes as Latin-1."""
    return request.params["tag"].encode().decode("latin-1")


def tags(request: http.Request) -> kernel.Reply:
    """Answer with a server's tags."""
    return kernel.Reply(body={"tags": _taggable(request).tags})


def replace_tags(request: http.Request) -> kernel.Reply:
    """Replace a server's tags."""
    server, body = _taggable(request), request.body()
    schema.check(body, _TAGS)
    server.tags = list(dict.fromkeys(body["tags"]))
    server.updated = request.cloud.now()
    return kernel.Reply(body={"tags": server.tags})


def drop_tags(request: http.Request) -> kernel.Reply:
    """Delete all of a server's tags."""
    _taggable(request).tags = []
    return kernel.Reply(status=204)


def has_tag(request: http.Request) -> kernel.Reply:
    """Return whether a server has a tag."""
    server, tag = _taggable(request), _tag(request)
    if tag not in server.tags:
        raise kernel.Refusal(404, f"Server {server.id} has no tag '{tag}'")
    return kernel.Reply(status=204)


def put_tag(request: http.Request) -> kernel.Reply:
    """Add a tag to a server."""
    server, tag = _taggable(request), _tag(request)
    if not _TAG.is_valid(tag):
        raise kernel.Refusal(
            400,
            f"Tag '{tag}' is invalid. It must be a non empty string without characters '/' and ',', with 60"
            " characters at most.",
        )
    if tag in server.tags:
        return kernel.Reply(status=204)
    if len(server.tags) >= MOST_TAGS:
        raise kernel.Refusal(400, f"The number of tags exceeded the per-server limit {MOST_TAGS}")
    server.tags = [*server.tags, tag]
    href = f"{request.root}/v2.1/servers/{server.id}/tags/{tag}"
    return kernel.Reply(status=201, headers={"Location": href})


def drop_tag(request: http.Request) -> kernel.Reply:
    """Remove a tag from a server."""
    server, tag = _taggable(request), _tag(request)
    if tag not in server.tags:
        raise kernel.Refusal(404, f"Instance {server.id} has no tag '{tag}'")
    server.tags = [name for name in server.tags if name != tag]
    return kernel.Reply(status=204)


ROUTES = (
    http.Route("GET", "/v2.1/servers/{id}/metadata", metadata),
    http.Route("POST", "/v2.1/servers/{id}/metadata", merge_metadata),
    http.Route("PUT", "/v2.1/servers/{id}/metadata", replace_metadata),
    http.Route("GET", "/v2.1/servers/{id}/metadata/{key}", item),
    http.Route("PUT", "/v2.1/servers/{id}/metadata/{key}", put_item),
    http.Route("DELETE", "/v2.1/servers/{id}/metadata/{key}", drop_item),
    http.Route("GET", "/v2.1/servers/{id}/tags", tags),
    http.Route("PUT", "/v2.1/servers/{id}/tags", replace_tags),
    http.Route("DELETE", "/v2.1/servers/{id}/tags", drop_tags),
    http.Route("GET", "/v2.1/servers/{id}/tags/{tag}", has_tag),
    http.Route("PUT", "/v2.1/servers/{id}/tags/{tag}", put_tag),
    http.Route("DELETE", "/v2.1/servers/{id}/tags/{tag}", drop_tag),
)
