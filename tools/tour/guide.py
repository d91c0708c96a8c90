"""Calls routes by name, and records each answer with the cloud's own state after it."""

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
    """An answer is not what the tour expects."""


class Stop(Struct, frozen=True, kw_only=True):
    """One call of the tour."""

    route: str
    """The route's name in the table."""
    request: str
    """The method, the path as in the table, and the relevant part of the rest."""
    answer: str
    """The status, and the final state of the task, if there is one."""
    says: str
    """The cloud's own state afterwards, or why it is not read."""
    well: bool = True
    """Whether the result was the expected one."""


class Guide:
    """Calls the routes of the table."""

    def __init__(self, place: Place, *, name: str, tell: Callable[[Stop], None]) -> None:
        self.place = place
        self.name = name
        """The name of all resources that the tour creates."""
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
        """Send one request, check its status, record the stop, and return the answer's body.

        Args:
            name: The route, by its name in the table.
            about: The relevant part of the request beside its path.
            operator: Whether the operator sends it.
            body: Sent as JSON.
            query: The query string, without its question mark.
            headers: Further ones.
            expect: The expected status.
            ends: The expected final state of an accepted task; None to not wait for it.
            says: A function from the answer's body to the cloud's own state afterwards.
            note: Why the cloud is not asked, if it is not.
            variables: Of the path.

        Raises:
            Astray: The status or the task's final state is another one.
        """
        route = BY_NAME[name]
        path = route.path
        for variable in route.variables:
            path = path.replace(f"{{{variable}}}", quote(variables[variable], safe=""))
        url = self.place.operator if operator else self.place.user
        status, payload = self._send(url, route.method, path + (f"?{query}" if query else ""), body, headers)
        answer, well = str(status), status == expect
        if status == 202 and ends is not None:
            payload = self._ended(url, payload)
            well = payload["state"] == ends
            answer += f" {ends} in {payload['calls']} calls" if well else f" {payload['state']}"
        who = " (operator)" if operator else ""
        request = (
            f"{route.method:6} {route.path}{f'?{query}' if query else ''}{f'  {about}' if about else ''}{who}"
        )
        statement = (says(payload) if says else note) if well else _complaint(payload)
        self._write(Stop(route=name, request=request, answer=answer, says=statement, well=well))
        if not well:
            raise Astray(f"{route.method} {path}: {status} where {expect} was expected: {statement}")
        return payload

    def act(
        self,
        server: str,
        action: str,
        fields: Mapping[str, Any] | None = None,
        *,
        says: Says | None = None,
        operator: bool = False,
    ) -> Any:
        """Run an action on a server, require that it completes, and return the task.

        Args:
            server: Its id.
            action: Its type, like REBOOT.
            fields: Its fields.
            says: The cloud's own state afterwards; by default, the server's.
            operator: Whether the operator sends it.
        """
        outcome = self.go(
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
        return outcome

    def cannot(self, action: str, reason: str) -> None:
        """Record that this cloud cannot do an action, and why."""
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
        """Delete a resource at the end, if it still exists."""
        self._left.append(path)

    def remove(self, task: Any) -> None:
        """Delete the servers of a task at the end."""
        for server in task["servers"]:
            if server["id"]:
                self.later(f"/servers/{server['id']}?with=everything")

    def clean_up(self) -> None:
        """Delete what is left."""
        for path in reversed(self._left):
            for url in (self.place.user, self.place.operator):
                status, answer = self._send(url, "DELETE", path, None, None)
                if status == 202:
                    self._ended(url, answer)
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
    """Return the answer: JSON as data, an empty body as the headers, everything else as text."""
    text = answer.read().decode()
    if not text:
        return dict(answer.headers)
    return json.loads(text) if "json" in answer.headers.get("Content-Type", "") else text


def _complaint(answer: Any) -> str:
    """Return the error of an answer."""
    if isinstance(answer, dict) and answer.get("error"):
        return str(answer["error"]["detail"])
    if isinstance(answer, dict) and "errors" in answer:
        return "; ".join(str(error["detail"]) for error in answer["errors"])
    return str(answer)[:200]
