"""Nova's HTTP face: the table of its routes, and its manners."""

from __future__ import annotations

from enamel.sandbox import (
    compute,
    compute_action,
    compute_attach,
    compute_create,
    compute_flavor,
    compute_group,
    compute_keypair,
    compute_label,
    compute_list,
    compute_network,
    compute_quota,
    compute_record,
    compute_schema,
    kernel,
)

_HTML_404 = (
    b"<html>\n <head>\n  <title>404 Not Found</title>\n </head>\n <body>\n  <h1>404 Not Found</h1>\n"
    b"  The resource could not be found.<br /><br />\n\n\n\n </body>\n</html>"
)

SERVICE = kernel.Service(
    name="compute",
    prefix="/compute",
    word=compute_schema.word,
    lowest=compute.LOWEST,
    microversion_types=("compute",),
    microversion_header="X-OpenStack-Nova-API-Version",
    request_id_header="x-compute-request-id",
    media_types=("application/json", "application/vnd.openstack.compute+json", "text/plain"),
    not_found=kernel.Reply(status=404, body=_HTML_404, media="text/html; charset=UTF-8"),
    routes=(
        kernel.Route("GET", "/v2.1/servers", compute_list.brief),
        kernel.Route("POST", "/v2.1/servers", compute_create.create),
        kernel.Route("GET", "/v2.1/servers/detail", compute_list.detailed),
        kernel.Route("GET", "/v2.1/servers/{id}", compute_list.show),
        kernel.Route("PUT", "/v2.1/servers/{id}", compute_list.update),
        kernel.Route("DELETE", "/v2.1/servers/{id}", compute_list.delete),
        kernel.Route("POST", "/v2.1/servers/{id}/action", compute_action.run),
        *compute_attach.ROUTES,
        *compute_label.ROUTES,
        *compute_record.ROUTES,
        *compute_flavor.ROUTES,
        *compute_keypair.ROUTES,
        *compute_group.ROUTES,
        *compute_quota.ROUTES,
        *compute_network.ROUTES,
    ),
)
