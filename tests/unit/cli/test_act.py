"""Actions on servers, as they are typed, against a whole service on the built-in cloud."""

import re

import pytest

from tests.unit.cli.conftest import Type


def test_actions_on_a_server(enamel: Type) -> None:
    created = enamel("server", "create", "act", "--image", "cirros", "--flavor", "m1.tiny", "--wait")
    assert created.code == 0
    for words, action in (
        (("stop", "act"), "POWER_OFF"),
        (("start", "act"), "POWER_ON"),
        (("reboot", "act", "--hard"), "HARD_REBOOT"),
        (("resize", "act", "--flavor", "m1.small", "--no-confirm"), "RESIZE"),
        (("resize", "revert", "act"), "REVERT_RESIZE"),
        (("lock", "act", "--reason", "Friday"), "LOCK"),
        (("unlock", "act"), "UNLOCK"),
        (("snapshot", "act", "--name", "act-today"), "SNAPSHOT"),
        (("rebuild", "act", "--image", "act-today"), "REBUILD"),
        (("add", "volume", "act", "--size", "1", "--volume-name", "act-data"), "ATTACH_BLOCK_DEVICE"),
        (("remove", "volume", "act", "act-data", "--delete"), "DETACH_BLOCK_DEVICE"),
        (("password", "act", "--password", "not-to-be-seen"), "UPDATE_PASSWORD"),
    ):
        done = enamel("server", *words, "--wait")
        assert (done.code, f"{action} COMPLETED" in done.out) == (0, True), done.err
        assert "not-to-be-seen" not in done.out + done.err
        assert re.search(r"act +DONE ", done.out)
        assert ("Created image act-today (" in done.out) == (action == "SNAPSHOT")
    assert enamel("server", "tag", "add", "act", "web", "two words").out.splitlines() == ["two words", "web"]
    assert enamel("server", "tag", "remove", "act", "web").out == "two words\n"
    assert enamel("server", "tag", "set", "act", "db").out == "db\n"
    assert '"db"' in enamel("server", "tag", "list", "act", "--json").out
    bad = enamel("server", "tag", "set", "act", "a,b", "x" * 51)
    assert bad.code == 1 and "leave it out" in bad.err and "1 to 50 characters" in bad.err
    assert enamel("server", "tag", "set", "act").out == ""
    assert enamel("server", "console", "log", "act", "--lines", "5").code == 0
    assert enamel("server", "console", "url", "act").out.startswith("http")
    history = enamel("server", "history", "act")
    assert history.out.count("enamel") == 13
    refused = enamel("server", "unpause", "act")
    assert refused.code == 1 and "its state is ACTIVE" in refused.err
    # What is possible is said in the words of the command line.
    assert "Possible now: " in refused.err and "reboot --hard" in refused.err and "_" not in refused.err
    assert "already" not in refused.err and "`possible`" not in refused.err
    gone = enamel("server", "delete", "act", "--wait")
    assert (gone.code, bool(re.search(r"act +TERMINATED ", gone.out))) == (0, True)


@pytest.mark.parametrize(
    "words",
    [
        ("add", "volume", "act"),
        ("add", "volume", "act", "data", "--size", "1"),
        ("add", "network", "act"),
        ("remove", "volume", "act"),
        ("remove", "network", "act"),
        ("remove", "network", "act", "private", "--address", "10.0.0.7"),
        ("snapshot", "act", "--name", "x", "--keep", "2"),
        ("resize", "act"),
    ],
    ids=" ".join,
)
def test_an_incomplete_command_is_a_usage_error(bare: Type, words: tuple[str, ...]) -> None:
    assert bare("server", *words).code == 2


def test_networks_and_ports_are_added_and_removed(enamel: Type) -> None:
    created = enamel("server", "create", "plug", "--image", "cirros", "--flavor", "m1.tiny", "--wait")
    assert created.code == 0
    added = enamel("server", "add", "network", "plug", "private", "--address", "10.0.0.77", "--wait")
    assert (added.code, "ATTACH_NETWORK_INTERFACE COMPLETED" in added.out) == (0, True)
    record = enamel("server", "show", "plug", "--json").data
    interfaces = record["networking"]["interfaces"]
    assert record["type"] == "m1.tiny"
    assert record["type_id"]
    assert set(interfaces) == {"private", "private-2"}
    assert len({interface["mac"] for interface in interfaces.values()} - {None}) == 2
    assert "10.0.0.77" in {interface["ip4"] for interface in interfaces.values()}
    several = enamel("server", "remove", "network", "plug", "private", "--wait")
    assert (several.code, "--address" in several.err, "10.0.0.77" in several.err) == (1, True, True)
    removed = enamel("server", "remove", "network", "plug", "--address", "10.0.0.77", "--wait")
    assert (removed.code, "DETACH_NETWORK_INTERFACE COMPLETED" in removed.out) == (0, True)
    last = enamel("server", "remove", "network", "plug", "private", "--wait")
    assert (last.code, "DETACH_NETWORK_INTERFACE COMPLETED" in last.out) == (0, True)
    unplugged = enamel("server", "remove", "network", "plug", "public")
    assert (unplugged.code, "is not attached to a network 'public'" in unplugged.err) == (1, True)
    for command in ("add", "remove"):
        unknown = enamel("server", command, "port", "plug", "nothing")
        assert (unknown.code, unknown.err.startswith("PORT: ")) == (1, True)
    assert enamel("server", "delete", "plug", "--wait").code == 0


def test_shelving_offloads_what_is_shelved_or_shelves_it_first(enamel: Type) -> None:
    created = enamel("server", "create", "aside", "--image", "cirros", "--flavor", "m1.tiny", "--wait")
    assert created.code == 0
    offloaded = enamel("server", "shelve", "aside", "--offload", "--wait")
    assert (offloaded.code, "SHELVE COMPLETED" in offloaded.out) == (0, True), offloaded.err
    assert enamel("server", "show", "aside", "--json").data["virt_state"] == "SHELVED_OFFLOADED"
    assert enamel("server", "delete", "aside", "--wait").code == 0


def test_a_refusal_names_its_reason(enamel: Type) -> None:
    created = enamel("server", "create", "mine", "--image", "cirros", "--flavor", "m1.tiny", "--wait")
    assert created.code == 0
    assert enamel("server", "lock", "mine", "--reason", "until Friday", "--wait").code == 0
    for words in (
        ("reboot", "mine"),
        ("stop", "mine"),
        ("suspend", "mine"),
        ("resize", "mine", "--flavor", "m1.small"),
    ):
        refused = enamel("server", *words)
        assert refused.code == 1 and "it is locked (reason: until Friday)" in refused.err
        assert "Unlock it first: enamel server unlock mine" in refused.err
    (error,) = enamel("server", "reboot", "mine", "--json").data["errors"]
    assert "it is locked (reason: until Friday)" in error["detail"] and "UNLOCK" in error["data"]["possible"]
    assert enamel("server", "unlock", "mine", "--wait").code == 0
    unlocked = enamel("server", "unlock", "mine")
    assert unlocked.code == 1 and "not locked" in unlocked.err
    nothing = enamel("server", "resize", "confirm", "mine")
    assert nothing.code == 1 and "its state is ACTIVE" in nothing.err
    assert enamel("server", "delete", "mine", "--wait").code == 0
