"""The OpenAPI 3.1 document, from the table of routes and the Structs it names."""

import copy
import functools
from http import HTTPStatus
from typing import Any

import msgspec

from enamel.api import headers, problems, schemas, version
from enamel.api.route import Route, Table
from enamel.model import errors, field_docs

EVERYWHERE: tuple[type[errors.EnamelError], ...] = (
    errors.Invalid,
    errors.VersionNotOffered,
    errors.EnamelError,
)
"""The errors of every route."""
WITH_CALLER: tuple[type[errors.EnamelError], ...] = (
    errors.NotAuthenticated,
    errors.Forbidden,
    errors.StoreUnavailable,
)
"""… of those that require authentication."""
WITH_BODY: tuple[type[errors.EnamelError], ...] = (errors.BodyTooLarge, errors.MediaTypeRefused)
"""… and of those with a body."""


_REF = "#/components/schemas/{name}"


@functools.cache
def document(table: Table) -> dict[str, Any]:
    """Return the OpenAPI document of a table of routes."""
    of_queries = _query_types(table)
    # Types are named together: each of two enums `State` gets a name of its own only beside the other one.
    places, named = schemas.components([*of_queries, *schemas.bodies(table)], ref=_REF)
    spelled = dict(zip(of_queries, places, strict=False))
    paths: dict[str, dict[str, Any]] = {}
    for route in table:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, spelled)
    return {
        "openapi": "3.1.0",
        "jsonSchemaDialect": schemas.DIALECT,
        "info": {
            "title": "Enamel",
            "summary": "The porcelain API for OpenStack.",
            "version": version.text(version.NEWEST),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {"schemas": named, "responses": _failures(table), "headers": _HEADERS},
    }


def failures(route: Route) -> dict[int, list[type[errors.EnamelError]]]:
    """Return every error of a route, by status."""
    by_status: dict[int, list[type[errors.EnamelError]]] = {}
    kinds = [
        *EVERYWHERE,
        *(() if route.is_open else WITH_CALLER),
        *(WITH_BODY if route.request is not None else ()),
        *((errors.KeyReused, errors.KeyInFlight) if route.method == "POST" else ()),
        *route.errors,
    ]
    for kind in dict.fromkeys(kinds):
        by_status.setdefault(kind.status, []).append(kind)
    return dict(sorted(by_status.items()))


def _operation(route: Route, spelled: dict[Any, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "tags": [route.path.split("/")[1].split(".")[0] or "service"],
        "x-enamel-since": version.text(route.since),
        "parameters": [*_variables(route), *_query(route, spelled), *_headers(route)],
        "responses": {
            **{str(status): _success(route, status, kinds) for status, kinds in route.responses.items()},
            **{
                str(status): {"$ref": f"#/components/responses/{_failure_name(status)}"}
                for status in failures(route)
            },
        },
    }
    if not route.is_open:
        operation["x-enamel-policy"] = list(route.rules)
    if route.request is not None:
        operation["requestBody"] = {
            "required": route.body_required,
            "content": {"application/json": {"schema": _schema(route.request)}},
        }
    return operation


def _variables(route: Route) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in route.variables
    ]


def _query(route: Route, spelled: dict[Any, Any]) -> list[dict[str, Any]]:
    """Return the parameters in a route's query, with the schemas of their types."""
    parameters: list[dict[str, Any]] = []
    sentences = field_docs.of(route.query)
    for field in msgspec.structs.fields(route.query):
        schema = schemas.dated(field, copy.deepcopy(spelled[field.type]))
        parameter: dict[str, Any] = {"name": field.encode_name, "in": "query", "schema": _present(schema)}
        if field.name in sentences:
            parameter["description"] = sentences[field.name]
        if schema.get("type") == "array":
            items = schema["items"]
            parameter["schema"] |= {
                "items": items if "$ref" in items else {"minLength": 1} | items,
                "minItems": 1,
            }
            parameter |= {"style": "form", "explode": False}
        parameters.append(parameter)
    return parameters


def _headers(route: Route) -> list[dict[str, Any]]:
    parameters = [
        _header(version.HEADER, "The requested version of the API: `enamel X.Y` or `enamel latest`.")
    ]
    if route.method == "POST":
        parameters.append(
            _header(
                "Idempotency-Key",
                "A repeated request with the same key and body gets the first answer again.",
                pattern=headers.KEY,
            )
        )
    if 202 in route.responses or route.name == "get_task":
        parameters.append(_header("Prefer", "`wait=30` waits up to 30 seconds for the end."))
    if "text/event-stream" in route.media_types:
        parameters.append(
            _header(
                "Last-Event-ID",
                "The number of the last event that was received.",
                pattern=f"(?:{headers.EVENT})?",
            )
        )
    return parameters


def _query_types(table: Table) -> list[Any]:
    """Return the types of all query parameters, each once: an enum is the same schema in a query and in a body."""
    queries = dict.fromkeys(route.query for route in table)
    return [*dict.fromkeys(field.type for query in queries for field in msgspec.structs.fields(query))]


def _header(name: str, description: str, *, pattern: str = "") -> dict[str, Any]:
    schema = {"type": "string"} | ({"pattern": f"^(?:{pattern})$"} if pattern else {})
    return {"name": name, "in": "header", "description": description, "schema": schema}


def _present(schema: Any) -> Any:
    """Return the schema of an existing parameter: a query has no null."""
    options = [option for option in schema.get("anyOf", ()) if option != {"type": "null"}]
    return options[0] if len(options) == 1 else schema


def _success(route: Route, status: int, kinds: tuple[Any, ...]) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "description": HTTPStatus(status).phrase,
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in ("x-openstack-request-id",)},
    }
    if status == 202:
        answer["headers"] |= {
            name: {"$ref": f"#/components/headers/{name}"} for name in ("Location", "Retry-After")
        }
    if kinds:
        schemas_of = [_schema(kind) for kind in kinds]
        schema = schemas_of[0] if len(schemas_of) == 1 else {"anyOf": schemas_of}
        streams = {
            media: {"schema": {"type": "string"}} for media in route.media_types if media.startswith("text/")
        }
        typed = {media: {"schema": schema} for media in route.media_types if not media.startswith("text/")}
        answer["content"] = typed | streams
    return answer


def _schema(kind: Any) -> dict[str, Any]:
    return {} if kind is Any else {"$ref": _REF.format(name=schemas.name_of(kind))}


def _failures(table: Table) -> dict[str, Any]:
    by_status: dict[int, dict[type[errors.EnamelError], None]] = {}
    for route in table:
        for status, kinds in failures(route).items():
            by_status.setdefault(status, {}).update(dict.fromkeys(kinds))
    return {
        _failure_name(status): {
            "description": "\n".join(
                f"- `{kind.code}`: {(kind.__doc__ or '').splitlines()[0]}" for kind in kinds
            ),
            "content": {
                "application/json": {"schema": _schema(problems.Errors)},
                problems.PROBLEM_TYPE: {"schema": _schema(problems.Details)},
            },
        }
        for status, kinds in sorted(by_status.items())
    }


def _failure_name(status: int) -> str:
    return HTTPStatus(status).phrase.title().replace(" ", "")


_HEADERS = {
    "x-openstack-request-id": {
        "description": "The id of the request, as it is logged.",
        "schema": {"type": "string"},
    },
    "Location": {"description": "The path of the task.", "schema": {"type": "string"}},
    "Retry-After": {
        "description": "Seconds until the first poll.",
        "schema": {"type": "integer"},
    },
}
