"""Glance's first API: images in lists, and single ones in the headers of an answer."""

from __future__ import annotations

from enamel.sandbox import http, kernel
from enamel.sandbox.image import state

PAGE = 25
_CORE = (
    "id",
    "name",
    "status",
    "disk_format",
    "container_format",
    "size",
    "checksum",
    "min_disk",
    "min_ram",
    "owner",
    "protected",
    "created_at",
    "updated_at",
)


def brief(request: http.Request) -> kernel.Reply:
    """List images without details."""
    names = ("id", "name", "disk_format", "container_format", "size", "checksum")
    bodies = [{name: image[name] for name in names} for image in _listed(request)]
    return kernel.Reply(body={"images": bodies})


def detailed(request: http.Request) -> kernel.Reply:
    """List images in detail."""
    return kernel.Reply(body={"images": _listed(request)})


def show(request: http.Request) -> kernel.Reply:
    """Show an image in the headers, with its bytes in the body."""
    record = state.named(request)
    image = _shown(record)
    headers = {
        f"x-image-meta-{name}": str(value)
        for name, value in image.items()
        if name != "properties" and value is not None
    }
    headers |= {f"x-image-meta-property-{name}": value for name, value in image["properties"].items()}
    return kernel.Reply(
        body=record.data if request.method == "GET" else None,
        headers=headers,
        media="application/octet-stream",
    )


def _listed(request: http.Request) -> list[kernel.Json]:
    """Return a page of the images that a request asks for, newest first."""
    images = [_shown(record) for record in state.of(request).visible(request.caller)]
    for name, values in request.filters().items():
        if name in ("name", "status", "disk_format", "container_format"):
            images = [image for image in images if image[name] in values]
        elif name.startswith("property-"):
            key = name.removeprefix("property-")
            images = [image for image in images if image["properties"].get(key) in values]
    images.sort(key=lambda image: (image["created_at"], image["id"]), reverse=True)
    marker = request.first("marker")
    if marker:
        ids = [image["id"] for image in images]
        if marker not in ids:
            raise kernel.Refusal(400, f"Invalid marker. Image {marker} could not be found.")
        images = images[ids.index(marker) + 1 :]
    limit = request.first("limit") or str(PAGE)
    if not limit.isdecimal():
        raise kernel.Refusal(400, "limit param must be an integer")
    return images[: min(int(limit), request.cloud.settings.page)]


def _shown(record: state.Record) -> kernel.Json:
    """Return an image as the first API shows it."""
    base = record.base
    return {
        **{name: base[name] for name in _CORE},
        "is_public": base["visibility"] == "public",
        "deleted": False,
        "deleted_at": None,
        "properties": record.properties,
    }


ROUTES = (
    http.Route("GET", "/v1/images", brief),
    http.Route("GET", "/v1/images/detail", detailed),
    http.Route("GET", "/v1/images/{id}", show),
)
