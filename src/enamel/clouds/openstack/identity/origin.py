"""The origin of a cloud: scheme, host and port, beyond which no credential is sent.

Keystone answers the request for a token with a redirect where a proxy or its configuration is wrong, or where somebody has
taken its place. keystoneauth would send the same request, with the password in it, to wherever that points.
"""

from typing import Any
from urllib.parse import urljoin, urlsplit

import requests

from enamel.clouds.calls import cleaning
from enamel.model.errors import CloudUnauthorized

_REDIRECTS = frozenset({301, 302, 303, 305, 307, 308})
_PORTS = {"http": 80, "https": 443}


class OriginSession(requests.Session):
    """A session of HTTP that follows redirects within the origin of a request only, be it a question or a password."""

    def __init__(self, *, cloud: str) -> None:
        """Open nothing yet.

        Args:
            cloud: What it is called in errors.
        """
        super().__init__()
        self._cloud = cloud

    def request(self, method: str, url: str | bytes, *args: Any, **options: Any) -> requests.Response:
        """Send a request and return the answer; a redirect in it is absolute, and within the origin.

        Raises:
            CloudUnauthorized: It redirects to another origin.
        """
        response = super().request(method, url, *args, **{**options, "allow_redirects": False})
        location = response.headers.get("Location")
        if response.status_code not in _REDIRECTS or location is None:
            return response
        asked = url.decode() if isinstance(url, bytes) else url
        target = _joined(asked, location)
        if target is None or of(target) is None or of(target) != of(asked):
            response.close()
            raise self._refusal(response.status_code, asked=asked, target=target)
        response.headers["Location"] = target
        return response

    def _refusal(self, status: int, *, asked: str, target: str | None) -> CloudUnauthorized:
        elsewhere = of(target) if target is not None else None
        where = cleaning.clean(elsewhere) if elsewhere else "an address that cannot be read"
        return CloudUnauthorized(
            f"Cloud {self._cloud}: {of(asked)} answered {status}, a redirect to {where}. Nothing was sent there: "
            "credentials do not leave the address in clouds.yaml.",
            cloud=self._cloud,
            remedy=f"If {where} is this cloud, write it as `auth_url` in clouds.yaml, or correct the cloud's catalogue.",
            status=status,
        )


def of(url: str) -> str | None:
    """Return the origin of a URL, with its port; None if it has none."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not parts.hostname:
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}:{port}"


def _joined(base: str, location: str) -> str | None:
    try:
        return urljoin(base, location)
    except ValueError:
        return None
