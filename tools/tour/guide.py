"""The guide: goes from route to route by name, and writes down what came back and what the cloud then says."""

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from msgspec import Struct

from enamel.api.route import Route
from enamel.api.routes import ROUTES
from tools.tour.service import Place
from tools.tour.witness import Witness

BY_NAME: dict[str, Route] = {route.name: route for route in ROUTES}
UNDER_WAY = {"WAITING", "RUNNING"}
Says = Callable[[Any], str]


class Astray(Exception):
    """Something else came than what the tour expects."""


class Stop(Struct, frozen=True, kw_only=True):
    """One stop of the tour."""

    route: str
    """The route's name in the table."""
    request: str
    """The method, the path as the table has it, and what matters of the rest."""
    answer: str
    """The status, and how the task ended where there is one."""
    says: str
    """What the cloud says afterwards, or why nothing is asked."""
    well: bool = True
    """Whether it went as it should."""


class Guide:
    """Walks through the table of routes."""

    def __init__(self, place: Place, *, name: str, tell: Callable[[Stop], None]) -> None:
        self.place = place
        self.name = name
        """What everything is called that is made on the way."""
        self.cloud = Witness(place.clouds)
        self.stops: list[Stop] = []
        self.actions: set[str] = set()
        """The actions that were carried out."""
        self._tell = tell
        self._left: list[str] = []

    def go(
        self,
        name: str,
        /,
        *,
        about: str = "",
        operator: bool = False,
        body: Any = None,
        query: str = "",
        headers: Mapping[str, str] | None = None,
        expect: int = 200,
        ends: str | None = "COMPLETED",
        says: Says | None = None,
        note: str = "",
        **variables: str,
    ) -> Any:
        """Send one request, check its status, write the stop down, and return the answer's body.

        Args:
            name: The route, by its name in the table.
            about: What matters of the request beside its path.
            operator: Whether the operator asks.
            body: Sent as JSON.
            query: Of the address, without its question mark.
            headers: Further ones.
            expect: The status that has to come.
            ends: How a task that was accepted has to end; None where its end is not waited for.
            says: What the cloud says afterwards, from the answer's body.
            note: Why nothing is asked, where nothing is.
            variables: Of the path.

        Raises:
            Astray: Another status came, or the task ended in another way.
        """
        route = BY_NAME[name]
        path = route.path
        for variable in route.variables:
            path = path.replace(f"{{{variable}}}", quote(variables[variable], safe=""))
        url = self.place.operator if operator else self.place.user
        status, found = self._send(url, route.method, path + (f"?{query}" if query else ""), body, headers)
        answer, well = str(status), status == expect
        if status == 202 and ends is not None:
            found = self._ended(url, found)
            well = found["state"] == ends
            answer += f" {ends} in {found['calls']} calls" if well else f" {found['state']}"
        who = " (operator)" if operator else ""
        request = (
            f"{route.method:6} {route.path}{f'?{query}' if query else ''}{f'  {about}' if about else ''}{who}"
        )
        told = (says(found) if says else note) if well else _complaint(found)
        self._write(Stop(route=name, request=request, answer=answer, says=told, well=well))
        if not well:
            raise Astray(f"{route.method} {path}: {status} where {expect} was expected: {told}")
        return found

    def act(
        self,
        server: str,
        action: str,
        fields: Mapping[str, Any] | None = None,
        *,
        says: Says | None = None,
        operator: bool = False,
    ) -> Any:
        """Have something done to a server by an action that has to succeed, and return the task.

        Args:
            server: Its id.
            action: The word.
            fields: What the action takes.
            says: What the cloud says afterwards; how the server is, where not given.
            operator: Whether the operator asks.
        """
        told = self.go(
            "act_on_server",
            id=server,
            about=" ".join([action, *(f"{key}={value}" for key, value in (fields or {}).items())]).replace(
                self.name, "…"
            ),
            body={"action": action, **(fields or {})},
            operator=operator,
            expect=202,
            says=says or (lambda task: self.cloud.server(server)),
        )
        self.actions.add(action)
        return told

    def cannot(self, action: str, reason: str) -> None:
        """Write down that this cloud cannot do an action, and why."""
        self.actions.add(action)
        self._write(
            Stop(
                route="act_on_server",
                request=f"POST   /servers/{{id}}/tasks  {action}",
                answer="–",
                says=reason,
            )
        )

    def later(self, path: str) -> None:
        """Have something removed at the end, if it is still there."""
        self._left.append(path)

    def remove(self, task: Any) -> None:
        """Have the servers of a task removed at the end."""
        for server in task["servers"]:
            if server["id"]:
                self.later(f"/servers/{server['id']}?with=everything")

    def clean_up(self) -> None:
        """Remove whatever is left."""
        for path in reversed(self._left):
            for url in (self.place.user, self.place.operator):
                status, found = self._send(url, "DELETE", path, None, None)
                if status == 202:
                    self._ended(url, found)
                if status < 300:
                    break

    def _write(self, stop: Stop) -> None:
        self.stops.append(stop)
        self._tell(stop)

    def _ended(self, url: str, task: Any) -> Any:
        while task["state"] in UNDER_WAY:
            _, task = self._send(url, "GET", f"/tasks/{task['id']}?wait=30", None, None)
        return task

    def _send(
        self, url: str, method: str, path: str, body: Any, headers: Mapping[str, str] | None
    ) -> tuple[int, Any]:
        sent = dict(headers or {})
        raw = None if body is None else json.dumps(body).encode()
        if raw is not None:
            sent["Content-Type"] = "application/json"
        request = urllib.request.Request(url + path, data=raw, headers=sent, method=method)  # noqa: S310 - it is ours
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:  # noqa: S310
                return answer.status, _read(answer)
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, _read(refused)


def _read(answer: Any) -> Any:
    """Return what came: JSON as data, no body as the headers, everything else as text."""
    text = answer.read().decode()
    if not text:
        return dict(answer.headers)
    return json.loads(text) if "json" in answer.headers.get("Content-Type", "") else text


def _complaint(found: Any) -> str:
    """Return why something did not go well."""
    if isinstance(found, dict) and found.get("error"):
        return str(found["error"]["detail"])
    if isinstance(found, dict) and "errors" in found:
        return "; ".join(str(one["detail"]) for one in found["errors"])
    return str(found)[:200]
