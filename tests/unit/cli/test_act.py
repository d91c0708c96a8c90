"""What is done to servers, as it is typed, against a whole service on the built-in cloud."""

import re

import pytest

from tests.unit.cli.conftest import Type


def test_a_server_is_acted_on_looked_into_and_removed(enamel: Type) -> None:
    made = enamel("server", "create", "act", "--template", "cirros", "--type", "m1.tiny", "--wait")
    assert made.code == 0
    for words, action in (
        (("stop", "act"), "POWER_OFF"),
        (("start", "act"), "POWER_ON"),
        (("reboot", "act", "--hard"), "HARD_REBOOT"),
        (("resize", "act", "--type", "m1.small", "--trial"), "RESIZE"),
        (("revert", "act"), "REVERT_RESIZE"),
        (("lock", "act", "--reason", "Friday"), "LOCK"),
        (("unlock", "act"), "UNLOCK"),
        (("snapshot", "act", "--name", "act-today"), "SNAPSHOT"),
        (("rebuild", "act", "--template", "act-today"), "REBUILD"),
        (("attach", "act", "--size", "1", "--called", "act-data"), "ATTACH_BLOCK_DEVICE"),
        (("detach", "act", "--volume", "act-data", "--delete"), "DETACH_BLOCK_DEVICE"),
        (("password", "act", "--password", "not-to-be-seen"), "UPDATE_PASSWORD"),
    ):
        done = enamel("server", *words, "--wait")
        assert (done.code, f"{action} COMPLETED" in done.out) == (0, True), done.err
        assert "not-to-be-seen" not in done.out + done.err
        assert re.search(r"act +DONE ", done.out)
        assert ("Made: image act-today, " in done.out) == (action == "SNAPSHOT")
    assert enamel("server", "tag", "add", "act", "web", "two words").out.splitlines() == ["two words", "web"]
    assert enamel("server", "tag", "remove", "act", "web").out == "two words\n"
    assert enamel("server", "tag", "set", "act", "db").out == "db\n"
    assert '"db"' in enamel("server", "tag", "list", "act", "--json").out
    bad = enamel("server", "tag", "set", "act", "a,b", "x" * 51)
    assert bad.code == 1 and "leave it out" in bad.err and "1 to 50 characters" in bad.err
    assert enamel("server", "tag", "set", "act").out == ""
    assert enamel("server", "log", "act", "--lines", "5").code == 0
    assert enamel("server", "console", "act").out.startswith("http")
    told = enamel("server", "history", "act")
    assert told.out.count("enamel") == 13
    refused = enamel("server", "unpause", "act")
    assert (refused.code, "Possible now" in refused.err) == (1, True)
    gone = enamel("server", "delete", "act", "--wait")
    assert (gone.code, bool(re.search(r"act +GONE ", gone.out))) == (0, True)


@pytest.mark.parametrize(
    "words",
    [
        ("attach", "act"),
        ("attach", "act", "--size", "1", "--network", "private"),
        ("detach", "act"),
        ("snapshot", "act", "--name", "x", "--keep", "2"),
        ("resize", "act"),
    ],
    ids=" ".join,
)
def test_a_command_that_says_too_little_is_a_usage_error(bare: Type, words: tuple[str, ...]) -> None:
    assert bare("server", *words).code == 2
