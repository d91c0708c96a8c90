"""Things that are there: what the variables of paths can stand for, so that requests get further than to a 404."""

import itertools
import json
import urllib.error
import urllib.request
from typing import Any

NAMES = {
    "/schemas/{name}": "Launch",
    "/clouds/{name}": "sandbox",
    "/server_types/{id}": "m1.tiny",
    "/servers/{id}/consoles/{type}": "novnc",
}
"""Names that are always there, by the path up to the variable that they stand for."""
SMALL = {"template": "cirros", "type": "m1.tiny"}
_numbers = itertools.count()


class Things:
    """A server, a task, a volume, a placement: made when a path first speaks of one, and anew when it has gone."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._found = dict(NAMES)
        self._sure: set[str] = set()

    def look_again(self) -> None:
        """Take nothing for granted that may have been deleted meanwhile."""
        self._sure.clear()

    def put_into(self, variables: Any, *, path: str) -> None:
        """Put things that are there in the place of a path's variables, where something is known for them."""
        for name in variables or {}:
            variable = f"{{{name}}}"
            head = path[: path.index(variable)] + variable
            if head not in self._sure:
                self._sure.add(head)
                if head not in self._found or not self._there(head):
                    self._found[head] = self._make(head)
            variables[name] = self._found[head] or variables[name]

    def remove(self) -> None:
        """Remove what was made, and what was made of it meanwhile."""
        volume = self._found.get("/volumes/{id}")
        if volume and self._there("/volumes/{id}"):
            for one in self._send("GET", f"/volumes/{volume}/snapshots?limit=1000")["snapshots"]:
                self._send("DELETE", f"/volumes/{volume}/snapshots/{one['id']}")
        for head in ("/servers/{id}", "/volumes/{id}"):
            if self._found.get(head) and self._there(head):
                self._delete(head.format(id=self._found[head]))

    def _delete(self, path: str) -> None:
        """Delete something, although a request may have locked it."""
        try:
            self._send("DELETE", path)
        except urllib.error.HTTPError as refused:
            if refused.code != 409 or "locked" not in refused.read().decode():
                raise
            self._send("POST", f"{path}/tasks", {"action": "UNLOCK"})
            self._send("DELETE", path)

    def _there(self, head: str) -> bool:
        if head in NAMES or not self._found[head]:
            return True
        try:
            return bool(self._send("GET", head.format(id=self._found[head])))
        except urllib.error.HTTPError as refused:
            if refused.code != 404:
                raise
            return False

    def _make(self, head: str) -> Any:
        """Return the id of a new thing, or nothing where nobody knows how it is made."""
        name = f"known-{next(_numbers)}"
        match head:
            case "/servers/{id}":
                return self._send("POST", "/servers", SMALL | {"name": name})["servers"][0]["id"]
            case "/volumes/{id}":
                made = self._send("POST", "/volumes", {"name": name, "size_gb": 1})["result"]["made"]
                return made["volume"][0]["id"]
            case "/tasks/{id}" | "/server_tasks/{id}":
                return self._send("POST", "/volumes", {"name": name, "size_gb": 1})["id"]
            case "/placements/{id}":
                return self._send("GET", "/placements")["placements"][0]["id"]
        return ""

    def _send(self, method: str, path: str, body: Any = None) -> Any:
        raw = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", "Prefer": "wait=30"}
        request = urllib.request.Request(self._url + path, data=raw, headers=headers, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)
