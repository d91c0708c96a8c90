"""Options become the body of a launch."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import msgspec
import pytest

from enamel.cli.server import launch
from enamel.model.launch import Launch

BODIES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "the short form": ({"name": "web", "count": 3, "template": "cirros"}, {"name": "web", "count": 3, "template": "cirros"}),
    "a type by name": ({"type": "m1.tiny"}, {"type": "m1.tiny"}),
    "a type by size": ({"type": "memory_mb=2048,cpu_units=2"}, {"type": {"memory_mb": 2048, "cpu_units": 2}}),
    "an address": ({"public_address": True}, {"public_address": True}),
    "an existing address": ({"address": "203.0.113.7"}, {"public_address": {"address": "203.0.113.7"}}),
    "an address from a network": ({"public_address": True, "address_network": "public"}, {"public_address": {"from": "public"}}),
    "no network": ({"network": ("none",)}, {"networks": "none"}),
    "networks": (
        {"network": ("a", "b=10.0.0.9", "port=p1")},
        {"networks": ["a", {"network": "b", "fixed_ip": "10.0.0.9"}, {"port": "p1"}]},
    ),
    "interfaces as openstack spells them": (
        {"network": ("a",), "nic": ("net-id=n1", "net-id=n2,v4-fixed-ip=10.0.0.9", "port-id=p1")},
        {"networks": ["a", "n1", {"network": "n2", "fixed_ip": "10.0.0.9"}, {"port": "p1"}]},
    ),
    "no interface": ({"nic": ("none",)}, {"networks": "none"}),
    "a boot volume": ({"boot_volume": "20:ssd"}, {"boot_volume": {"size_gb": 20, "type": "ssd"}}),
    "volumes": (
        {"volume": ("1", "2:ssd", "3::data")},
        {"volumes": [{"size_gb": 1}, {"size_gb": 2, "type": "ssd"}, {"size_gb": 3, "name": "data"}]},
    ),
    "a known key": ({"keypair": "me"}, {"keypair": "me"}),
    "rules": ({"allow": ("tcp/22", "icmp")}, {"allow": ["tcp/22", "icmp"]}),
    "groups": ({"security_group": ("web",)}, {"security_groups": ["web"]}),
    "properties": ({"property": ("a=1", "b=x=y")}, {"properties": {"a": "1", "b": "x=y"}}),
    "how it goes on": (
        {"ttl": "4h", "timeout": "5m", "on_failure": "keep", "all_or_nothing": True, "spread": True, "priority": "low"},
        {"ttl": "4h", "timeout": "5m", "on_failure": "KEEP", "all_or_nothing": True, "spread": True, "priority": "LOW"},
    ),
    "a time": ({"not_before": "2026-12-24T18:00:00Z"}, {"not_before": "2026-12-24T18:00:00+00:00"}),
    "webhooks": (
        {"notify": ("https://a/x", "https://b/"), "notify_on": ("task.*",)},
        {"notify": [{"url": "https://a/x", "events": ["task.*"]}, {"url": "https://b/", "events": ["task.*"]}]},
    ),
    "a webhook": ({"notify": ("https://a/x",), "notify_on": ()}, {"notify": [{"url": "https://a/x"}]}),
    "where and when": (
        {"placement": "a/b", "ready_when": "tcp/22", "tag": ("x",)},
        {"placement": "a/b", "ready_when": "tcp/22", "tags": ["x"]},
    ),
    "nothing": ({"count": None, "volume": (), "all_or_nothing": False}, {}),
}  # fmt: skip


@pytest.mark.parametrize(("given", "body"), BODIES.values(), ids=BODIES)
def test_options_become(given: dict[str, Any], body: dict[str, Any]) -> None:
    assert launch.body(given) == body
    msgspec.convert(body, Launch)


def test_files_become_keys_and_user_data(tmp_path: Path) -> None:
    (tmp_path / "me.pub").write_text("ssh-ed25519 AAAA me@here\n")
    (tmp_path / "init").write_bytes(b"\x00#!/bin/sh\n")
    body = launch.body({"keypair": f"me={tmp_path / 'me.pub'}", "user_data": tmp_path / "init"})
    assert body == {
        "keypair": {"name": "me", "public_key": "ssh-ed25519 AAAA me@here"},
        "user_data": "ACMhL2Jpbi9zaAo=",
    }


def test_the_secret_of_webhooks_is_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n")
    body = launch.body({"notify": ("https://a/", "https://b/"), "notify_secret": tmp_path / "secret"})
    assert [webhook["secret"] for webhook in body["notify"]] == ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"] * 2


@pytest.mark.parametrize("given", [{"notify_on": ("task.*",)}, {"notify_secret": Path("x")}], ids=str)
def test_what_belongs_to_webhooks_needs_one(given: dict[str, Any]) -> None:
    with pytest.raises(click.UsageError, match="needs --notify"):
        launch.body(given)


def test_a_time_is_local_or_a_duration_from_now() -> None:
    local = datetime.fromisoformat(launch.body({"not_before": "2026-12-24T18:00"})["not_before"])
    assert local == datetime(2026, 12, 24, 18).astimezone()
    soon = datetime.fromisoformat(launch.body({"not_before": "30m"})["not_before"])
    assert timedelta(minutes=29) < soon - datetime.now(UTC) <= timedelta(minutes=30)


def test_options_override_a_file(tmp_path: Path) -> None:
    path = tmp_path / "request.json"
    path.write_text(json.dumps({"name": "web", "count": 2, "defaults": {"type": "m1.tiny"}}))
    assert launch.body({"file": path, "count": 5}) == {
        "name": "web",
        "count": 5,
        "defaults": {"type": "m1.tiny"},
    }


@pytest.mark.parametrize(
    "given",
    [
        {"volume": ("big",)},
        {"volume": (":ssd",)},
        {"volume": ("1:a:b:c",)},
        {"boot_volume": "20:ssd:name"},
        {"property": ("novalue",)},
        {"nic": ("n1",)},
        {"nic": ("port-id=p1,v4-fixed-ip=10.0.0.9",)},
        {"nic": ("net-id=n1,port-id=p1",)},
        {"nic": ("net-id=n1,tag=x",)},
        {"property": ("=1",)},
        {"type": "memory_mb=much"},
        {"keypair": "me=/nowhere/at/all"},
        {"not_before": "tomorrow"},
        {"not_before": "2026-13-01"},
        {"notify": ("https://a/",), "notify_secret": Path("/nowhere/at/all")},
    ],
    ids=str,
)
def test_wrong_options_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(click.BadParameter):
        launch.body(given)


def test_no_network_excludes_others() -> None:
    with pytest.raises(click.UsageError, match="'none' excludes other networks"):
        launch.body({"network": ("a",), "nic": ("none",)})


@pytest.mark.parametrize("text", ["[]", "{", "\udcff"])
def test_a_file_without_a_request_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "request.json"
    path.write_text(text, errors="surrogateescape")
    with pytest.raises(click.BadParameter):
        launch.body({"file": path})
