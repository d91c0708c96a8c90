"""Signatures of what is sent to webhooks, as Standard Webhooks has them.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable

PREFIX = "whsec_"
_BYTES = range(24, 65)


def key(secret: str) -> bytes:
    """Return the bytes that a secret such as `whsec_MfKQ…` stands for.

    Raises:
        ValueError: It is not a secret of this form.

    """
    try:
        secret_bytes = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        secret_bytes = b""
    if not secret.startswith(PREFIX) or len(secret_bytes) not in _BYTES:
        raise ValueError(
            "a secret is `whsec_` and then 24 to 64 random bytes in base64; `openssl rand -base64 32` makes them"
        )
    return secret_bytes


def sign(body: bytes, *, id: str, timestamp: int, secrets: Iterable[str]) -> str:
    """Return the signatures of a message, one for each secret."""
    content = b"%s.%d.%s" % (id.encode(), timestamp, body)
    digests = (hmac.digest(key(secret), content, hashlib.sha256) for secret in secrets)
    return " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in digests)
