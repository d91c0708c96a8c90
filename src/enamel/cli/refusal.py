"""Refusals: the errors of the service as lines for people, in the words of the command line."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from enamel.cli import pointers
from enamel.model import errors

_SPELLINGS = {
    "send its `public_key` along to import it": "add the file with its public key: --key-name NAME=FILE",
    "Send the whole request again": "Repeat the whole command",
    "the `timeout`": "--timeout",
    "a larger `timeout`": "a larger --timeout",
}
"""Advice of the API, and how to follow it on the command line."""
COMMANDS = {
    "ATTACH_BLOCK_DEVICE": "add volume",
    "ATTACH_NETWORK_INTERFACE": "add network",
    "BACKUP": "snapshot --series",
    "CONFIRM_RESIZE": "resize confirm",
    "DETACH_BLOCK_DEVICE": "remove volume",
    "DETACH_NETWORK_INTERFACE": "remove network",
    "HARD_REBOOT": "reboot --hard",
    "MOVE": "migrate",
    "POWER_OFF": "stop",
    "POWER_ON": "start",
    "REVERT_RESIZE": "resize revert",
    "SHELVE_OFFLOAD": "shelve --offload",
    "TERMINATE": "delete",
    "UPDATE_PASSWORD": "password",
}
"""The commands of `enamel server` for actions of the API that are called otherwise."""
_REMEDIES = {
    errors.ActionImpossible.remedy: "",
}
"""What to do about an error, in place of advice that is meant for programs."""

Error = Mapping[str, Any]


def lines(refused: Sequence[Error]) -> list[str]:
    """Return errors as lines: each fault with the option at fault, then what to do, each advice once."""
    details = [detail for error in refused for detail in _details(error)]
    request_ids = dict.fromkeys(id for error in refused for id in error.get("request_ids", ()))
    if request_ids:
        details.append(f"Request ids of the cloud: {', '.join(request_ids)}")
    remedies = dict.fromkeys(filter(None, map(_remedy, refused)))
    return [*details, *remedies]


def _details(error: Error) -> Iterator[str]:
    """Yield what is wrong, with the option at fault."""
    data = error.get("data", {})
    if "why" in data and "possible" in data:
        yield f"Server '{data.get('server')}' does not allow this now: {data['why']}."
        yield f"Possible now: {', '.join(map(command, data['possible'])) or 'nothing'}."
        return
    detail = str(error.get("detail") or error.get("title") or "refused")
    pointer = error.get("pointer")
    yield spelled(f"{pointers.spelled(pointer)}: {detail}" if pointer else detail)


def _remedy(error: Error) -> str:
    data, remedy = error.get("data", {}), error.get("remedy") or ""
    if "why" in data and "UNLOCK" in data.get("possible", ()) and remedy not in _REMEDIES:
        return f"Unlock it first: enamel server unlock {data.get('server')}"
    return spelled(_REMEDIES.get(remedy, remedy))


def spelled(text: str) -> str:
    """Return a sentence of the API in the words of the command line."""
    for theirs, ours in _SPELLINGS.items():
        text = text.replace(theirs, ours)
    return text


def command(action: str) -> str:
    """Return the command of `enamel server` for an action of the API: `stop` for `POWER_OFF`."""
    return COMMANDS.get(action, action.replace("_", " ").lower())
