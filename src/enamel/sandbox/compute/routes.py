"""Nova over HTTP: the table of its routes."""

from __future__ import annotations

from enamel.sandbox import http, kernel
from enamel.sandbox.compute import (
    action,
    attach,
    create,
    flavor,
    group,
    keypair,
    label,
    listing,
    network,
    quota,
    record,
    schema,
    state,
)

_HTML_404 = (
    b"<html>\n <head>\n  <title>404 Not Found</title>\n </head>\n <body>\n  <h1>404 Not Found</h1>\n"
    b"  The resource could not be found.<br /><br />\n\n\n\n </body>\n</html>"
)

SERVICE = http.Service(
    name="compute",
    prefix="/compute",
    word=schema.word,
    lowest=state.LOWEST,
    microversion_types=("compute",),
    microversion_header="X-OpenStack-Nova-API-Version",
    request_id_header="x-compute-request-id",
    media_types=("application/json", "application/vnd.openstack.compute+json", "text/plain"),
    not_found=kernel.Reply(status=404, body=_HTML_404, media="text/html; charset=UTF-8"),
    routes=(
        http.Route("GET", "/v2.1/servers", listing.brief),
        http.Route("POST", "/v2.1/servers", create.create),
        http.Route("GET", "/v2.1/servers/detail", listing.detailed),
        http.Route("GET", "/v2.1/servers/{id}", listing.show),
        http.Route("PUT", "/v2.1/servers/{id}", listing.update),
        http.Route("DELETE", "/v2.1/servers/{id}", listing.delete),
        http.Route("POST", "/v2.1/servers/{id}/action", action.run),
        *attach.ROUTES,
        *label.ROUTES,
        *record.ROUTES,
        *flavor.ROUTES,
        *keypair.ROUTES,
        *group.ROUTES,
        *quota.ROUTES,
        *network.ROUTES,
    ),
)
