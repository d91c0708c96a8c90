"""A client that knows no route finds everything: it is given one address, and follows what it is told from there on."""

import json
import re
import urllib.error
import urllib.request
from collections import deque
from typing import Any
from urllib.parse import quote

import jsonschema
from msgspec import Struct

from tests.contract.http import service

HOME = "application/json-home"
LAUNCH = {"name": "found", "count": 2, "template": "cirros", "type": "m1.tiny"}


class Reply(Struct, frozen=True):
    """What came back."""

    status: int
    headers: Any
    body: Any


class Client:
    """Knows the words of JSON Home and of links, and the names of relations; no path."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.home = self.follow("/", accept=HOME).body["resources"]
        self._schemas: dict[str, Any] = {}

    def follow(
        self, href: str, method: str = "GET", body: Any = None, *, accept: str = "*/*", **headers: str
    ) -> Reply:
        """Go where a link leads."""
        raw = None if body is None else json.dumps(body).encode()
        sent = {"Accept": accept, **headers} | ({"Content-Type": "application/json"} if raw else {})
        request = urllib.request.Request(self._url + href, data=raw, headers=sent, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return _reply(answer, answer.status)
        except urllib.error.HTTPError as answer:
            with answer:
                return _reply(answer, answer.code)

    def href(self, relation: str, **variables: str) -> str:
        """Return where a resource is, its template filled in (RFC 6570: simple variables, and those of the query)."""
        resource = self.home[f"urn:enamel:rel:{relation}"]
        if "href" in resource:
            return resource["href"]
        assert set(variables) <= set(resource["hrefVars"])
        path, _, optional = resource["hrefTemplate"].partition("{?")
        query = [
            f"{name}={quote(variables[name], safe='')}"
            for name in optional.rstrip("}").split(",")
            if name in variables
        ]
        path = re.sub(r"{(\w+)}", lambda found: quote(variables[found[1]], safe=""), path)
        return path + ("?" + "&".join(query) if query else "")

    def link(self, body: Any, name: str, **headers: str) -> Reply:
        """Go where a link of a body leads, by the method that it names."""
        found = body["_links"][name]
        return self.follow(found["href"], found.get("method", "GET"), **headers)

    def check(self, body: Any) -> None:
        """Hold a body against the schema that it names itself."""
        described = body["_links"]["describedby"]["href"]
        if described not in self._schemas:
            self._schemas[described] = self.follow(described).body
        jsonschema.validate(body, self._schemas[described], cls=jsonschema.Draft202012Validator)

    def ended(self, task: Any) -> Any:
        """Look at a task, as often as the answers say, until it has ended."""
        while task["state"] in {"WAITING", "RUNNING"}:
            task = self.link(task, "self", Prefer="wait=5").body
        self.check(task)
        return task


def _reply(answer: Any, status: int) -> Reply:
    text = answer.read()
    return Reply(
        status, answer.headers, json.loads(text) if "json" in answer.headers.get("Content-Type", "") else None
    )


def test_a_server_is_launched_looked_at_and_removed(whole: service.Whole) -> None:
    client = Client(whole.url)
    assert "POST" in client.home["urn:enamel:rel:servers"]["hints"]["allow"]
    accepted = client.follow(client.href("servers"), "POST", LAUNCH)
    assert accepted.status == 202
    assert accepted.headers["Location"] == accepted.body["_links"]["self"]["href"]
    task = client.ended(accepted.body)
    assert task["state"] == "COMPLETED"
    for name in ("items", "events", "plan"):
        client.check(client.link(task, name).body)
    for entry in task["servers"]:
        server = client.link(entry, "self").body
        client.check(server)
        assert server["virt_state"] == "ACTIVE"
        stopped = client.follow(server["_links"]["power_off"]["href"], "POST", {"action": "POWER_OFF"})
        assert client.ended(stopped.body)["state"] == "COMPLETED"
        server = client.link(server, "self").body
        assert "power_off" not in server["_links"] and "power_on" in server["_links"]
        removed = client.ended(client.link(server, "terminate").body)
        assert removed["state"] == "COMPLETED"
        assert client.link(server, "self").status == 404
        client.link(removed, "forget")
    assert client.link(task, "forget").status == 204
    assert client.link(task, "self").status == 404


def test_every_link_leads_somewhere_and_every_body_names_its_schema(whole: service.Whole) -> None:
    client = Client(whole.url)
    task = client.ended(client.follow(client.href("servers"), "POST", LAUNCH).body)
    mine = tuple(one["_links"]["self"]["href"] for one in (task, *task["servers"]))
    ahead = deque(one["href"] for one in client.home.values() if "href" in one)
    # One entry to a page, so that there is always a next one to go to.
    ahead += [
        client.href(name, limit="1") for name in ("templates", "networks", "placements", "server_types")
    ]
    ahead += [client.href("tasks", limit="1", all="true"), client.href("servers", limit="1")]
    seen: set[str] = set()
    while ahead and len(seen) < 300:
        href = ahead.popleft()
        if href in seen:
            continue
        seen.add(href)
        reply = client.follow(href)
        # An earlier task may tell of a server that has gone; 403 is for what only operators see.
        gone = reply.status == 404 and not href.startswith(mine)
        assert reply.status in {200, 403} or gone, (href, reply.body)
        if reply.status == 200 and isinstance(reply.body, dict) and "_links" in reply.body:
            assert reply.body["_links"]["self"]["href"] == href
            client.check(reply.body)
            ahead += _links(reply.body)
    kinds = {re.sub(r"[0-9a-f-]{32,}", "…", href.partition("?")[0]) for href in seen}
    assert {"/tasks/…/items", "/servers/…/tags", "/placements/…", "/schemas/server"} <= kinds
    assert any("marker=" in href for href in seen)
    client.ended(client.link(task, "revert").body)


def _links(data: Any) -> list[str]:
    """Return where all links for GET in a body lead, those of its entries among them."""
    if isinstance(data, list):
        return [href for part in data for href in _links(part)]
    if not isinstance(data, dict):
        return []
    own = [one["href"] for one in data.get("_links", {}).values() if one.get("method", "GET") == "GET"]
    return own + [href for name, part in data.items() if name != "_links" for href in _links(part)]
