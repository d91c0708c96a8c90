"""The names under which secrets stand, in bodies, in log lines and in queries of URLs."""

import re

_SECRET = re.compile(
    r"passw(or)?d|passcode|adminpass|secret|token|user_?data|private_?key|auth_?key|api_?key|credential|authorization|passphrase",
    re.IGNORECASE,
)
# A reference into the key store, a token's expiry and a public key are no secrets.
_HARMLESS = re.compile(r"(_ref|_id|_url|_endpoint|expires\w*|fingerprint)$", re.IGNORECASE)


def fits(name: str) -> bool:
    """Tell whether what stands under a name is secret."""
    return _SECRET.search(name) is not None and _HARMLESS.search(name) is None
