"""The webhooks of a launch, as far as they can be checked without a request."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from enamel.model import event, signature
from enamel.model.errors import Fault
from enamel.model.launch import Notify

FAMILIES = frozenset(f"{type.split('.')[0]}.*" for type in event.TYPES)
LONGEST = 2000
MOST = 10
SECRETS = 2
"""The one in use and the one that is replacing it."""


def faults(notices: list[Notify] | None) -> list[Fault]:
    """Return what is wrong with the webhooks of a launch."""
    wrong = []
    if notices and len(notices) > MOST:
        wrong.append(Fault(pointer="/notify", detail=f"At most {MOST} webhooks can be given.", code="length"))
    seen: set[str] = set()
    for number, notice in enumerate(notices or ()):
        wrong += _faults(notice, pointer=f"/notify/{number}")
        if notice.url in seen:
            wrong.append(Fault(pointer=f"/notify/{number}/url", detail="It stands twice.", code="duplicate"))
        seen.add(notice.url)
    return wrong


def secrets(notice: Notify) -> list[str]:
    """Return the secrets with which a webhook's messages are signed, the newest first."""
    if notice.secret is None:
        return []
    return [notice.secret] if isinstance(notice.secret, str) else list(notice.secret)


def url_fault(url: str) -> str | None:
    """Return what is wrong with a webhook's address; None when nothing is."""
    if len(url) > LONGEST or not url.isascii() or not url.isprintable() or " " in url:
        return f"An address has at most {LONGEST} printable ASCII characters, without spaces."
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "This is no address of the web."
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0:
        return "This is no address to send to: write https://host/path."
    if parts.username is not None or parts.password is not None:
        return "An address must not hold a name or password; a `secret` shows the receiver who sends."
    return "Leave the part after # away: it is never sent." if parts.fragment else None


def _faults(notice: Notify, *, pointer: str) -> Iterator[Fault]:
    wrong = url_fault(notice.url)
    if wrong is not None:
        yield Fault(pointer=f"{pointer}/url", detail=wrong)
    for place, type in enumerate(notice.events):
        if type not in event.TYPES and type not in FAMILIES:
            detail = f"'{type[:64]}' is no type of event; there are {', '.join(event.TYPES)}, and families as task.*."
            yield Fault(pointer=f"{pointer}/events/{place}", detail=detail, code="unknown")
    given = secrets(notice)
    if len(given) > SECRETS:
        yield Fault(pointer=f"{pointer}/secret", detail=f"At most {SECRETS} secrets can sign.", code="length")
    for secret in given:
        try:
            signature.key(secret)
        except ValueError as error:
            yield Fault(pointer=f"{pointer}/secret", detail=f"This is no secret: {error}.")
