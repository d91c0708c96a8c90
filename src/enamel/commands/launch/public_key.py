"""Public keys of OpenSSH: whether a text is one, and whether two are the same."""

import base64
import binascii

_TYPES = frozenset(
    {
        "ssh-rsa",
        "ssh-dss",
        "ssh-ed25519",
        "ecdsa-sha2-nistp256",
        "ecdsa-sha2-nistp384",
        "ecdsa-sha2-nistp521",
        "sk-ssh-ed25519@openssh.com",
        "sk-ecdsa-sha2-nistp256@openssh.com",
    }
)


def fault(text: str) -> str | None:
    """Return what is wrong with an OpenSSH public key; None when nothing is."""
    if "PRIVATE KEY" in text:
        return (
            "This is a private key. Send the public one (the file that ends in .pub), and replace this pair."
        )
    parts = text.split()
    if len(parts) < 2 or parts[0] not in _TYPES or "\n" in text.strip():
        return "This is not an OpenSSH public key: it reads like `ssh-ed25519 AAAA… comment`, on one line."
    try:
        blob = base64.b64decode(parts[1], validate=True)
    except (binascii.Error, ValueError):
        return "The key's second word is not base64; perhaps a part of the line is missing."
    fields = _fields(blob)
    if len(fields) < 2 or fields[0] != parts[0].encode():
        return "The key is cut short, or its type does not fit its content."
    return None


def _fields(blob: bytes) -> list[bytes]:
    """Return the fields of a key's content, each of which says its length first; none where they do not add up."""
    fields = []
    while blob:
        end = 4 + int.from_bytes(blob[:4], "big")
        if len(blob) < max(4, end):
            return []
        fields.append(blob[4:end])
        blob = blob[end:]
    return fields


def content(text: str | None) -> list[str]:
    """Return what makes two public keys the same: type and content, without the comment."""
    return (text or "").split()[:2]
