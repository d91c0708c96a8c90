"""Settings: the command line goes before the environment, which goes before the file; all faults are told at once."""

from datetime import timedelta
from pathlib import Path

import pytest

from enamel.conf import option, sample, settings, source
from enamel.model import topic
from enamel.model.errors import Invalid


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "enamel.conf"
    path.write_text(
        """
        [DEFAULT]
        data = /srv/enamel
        [store]
        url = postgresql+psycopg://enamel:pa$$word@db/enamel
        timeout = 7
        [worker]
        types = server.*, !server.create
        lease = 2m
        [log]
        level = warning
        """.replace("        ", "")
    )
    return path


def refused(text: str, tmp_path: Path, **environ: str) -> dict[str, str]:
    """Return the faults of a file by where they are."""
    path = tmp_path / "enamel.conf"
    path.write_text(text)
    with pytest.raises(Invalid) as error:
        settings.service(environ, files=[path])
    return {fault.pointer: fault.detail for fault in error.value.faults}


def test_up_needs_no_file() -> None:
    found = settings.up({"HOME": "/nowhere"})
    assert found.data == Path.home() / ".local/share/enamel"
    assert found.database == f"sqlite:///{found.data}/enamel.db" and found.alone
    assert found.keys == found.data / "secrets"
    assert (found.api.host, found.api.port, found.log.json, found.log.level) == (
        *("127.0.0.1", 8780),
        *(False, "WARNING"),
    )


def test_the_environment_has_names_that_people_know(tmp_path: Path) -> None:
    environ = {"OS_CLOUD": "north", "XDG_DATA_HOME": str(tmp_path), "ENAMEL_LOG_JSON": "1"}
    found = settings.up(environ)
    assert found.clouds.default == "north" and not found.clouds.sandbox
    assert found.data == tmp_path / "enamel" and found.log.json
    assert settings.up({**environ, "ENAMEL_DATA": "elsewhere"}).data == Path("elsewhere").absolute()
    assert settings.up(environ, sandbox=True).clouds.default is None


def test_a_file_is_read(file: Path) -> None:
    found = settings.service({}, files=[file])
    assert found.data == Path("/srv/enamel")
    # A $ stands for another setting, and two of them for itself.
    assert found.database == "postgresql+psycopg://enamel:pa$word@db/enamel" and not found.alone
    assert found.store.timeout == timedelta(seconds=7)
    assert found.worker.types == topic.Topics(only=("server.*",), but=("server.create",))
    assert found.worker.lease == timedelta(minutes=2) and found.worker.max_tasks == 10_000
    assert found.log.json and found.log.level == "WARNING"


def test_the_environment_goes_before_the_file_and_the_command_line_before_both(file: Path) -> None:
    environ = {"OS_WORKER__LEASE": "9s", "OS_WORKER__TYPES": "task.*", "OS_LOG__LEVEL": "debug"}
    found = settings.service(environ, files=[file], types="server.create", max_tasks=3)
    assert found.worker.lease == timedelta(seconds=9)
    assert found.worker.types == topic.Topics(only=("server.create",)) and found.worker.max_tasks == 3
    assert found.log.level == "DEBUG"


def test_a_later_file_goes_before_an_earlier_one(file: Path, tmp_path: Path) -> None:
    later = tmp_path / "later.conf"
    later.write_text("[worker]\nlease = 3s\n")
    found = settings.service({}, files=[file, later])
    assert found.worker.lease == timedelta(seconds=3) and found.data == Path("/srv/enamel")


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    text = "[store]\ngive_up_after = soon\n[api]\nprot = 1\nport = 99999\n[worker]\nslots = 0\n[wroker]\nslots = 1\n"
    faults = refused(text, tmp_path, OS_API__HSOT="::1", OS_WORKER__LEASE="1y", OS_USERNAME="fine")
    assert set(faults) == {
        *("[store] timeout", "[api] prot", "[api] port", "[worker] max_tasks", "[wroker]"),
        *("OS_API__HSOT", "OS_WORKER__LEASE"),
    }
    assert faults["[api] prot"] == (
        "There is no setting [api] prot; there are host, port, reuse_port, graceful_shutdown_timeout."
    )
    assert faults["[api] port"] == "[api] port: 99999 is out of bounds: choose a number from 0 to 65535."
    assert "OS_API__HOST" in faults["OS_API__HSOT"] and "90s" in faults["OS_WORKER__LEASE"]


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("[api]\nhost = 0.0.0.0\n", "[api] host"),
        ("[api]\nreuse_port = perhaps\n", "[api] reuse_port"),
        ("[log]\nlevel = LOUD\n", "[log] level"),
        ("[worker]\ntypes = Server.Create\n", "[worker] types"),
        ("[store]\nurl = postgresql://a:b$c@d/e\n", "[store] url"),
    ],
)
def test_a_bad_value_is_told_with_its_place(tmp_path: Path, text: str, where: str) -> None:
    assert list(refused(text, tmp_path)) == [where]


def test_the_command_line_is_told_by_its_options() -> None:
    with pytest.raises(Invalid) as error:
        settings.up({}, port=70_000, log_level="loud")
    assert [fault.pointer for fault in error.value.faults] == ["--port", "--log-level"]
    with pytest.raises(Invalid, match="--cloud or --sandbox"):
        settings.up({}, cloud="north", sandbox=True)


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="no file"):
        settings.service({}, files=[tmp_path / "none.conf"])
    broken = tmp_path / "broken.conf"
    broken.write_text("[store\nurl")
    with pytest.raises(Invalid, match=r"broken.conf:1"):
        settings.service({}, files=[broken])
    broken.write_bytes(b"[store]\nurl = \xff\xfe\n")
    with pytest.raises(Invalid, match="cannot be read"):
        settings.service({}, files=[broken])


def test_the_sample_names_every_option_and_sets_nothing(tmp_path: Path) -> None:
    text = sample.sample()
    path = tmp_path / "sample.conf"
    path.write_text(text)
    assert settings.service({}, files=[path]) == settings.service({})
    for one in option.options():
        assert f"\n#{one.name} =" in text and one.variables[0] in text
    # Every default in it is one that the file may have.
    path.write_text("\n".join(line.removeprefix("#") for line in text.splitlines() if line[:2] != "# "))
    found = settings.service({}, files=[path])
    assert found.api == settings.service({}).api and found.worker.types.serve("server.create")


def test_what_is_shown_can_be_read_again_but_for_the_passwords(file: Path, tmp_path: Path) -> None:
    told = settings.service({"OS_DISPATCH__URL": "amqp://me:pa$word@mq/vhost"}, files=[file])
    text = sample.shown(told)
    assert "pa$" not in text and "postgresql+psycopg://enamel:***@db/enamel" in text and "me:***@mq" in text
    again = tmp_path / "again.conf"
    again.write_text(text)
    found = settings.service({}, files=[again])
    assert (found.worker, found.api, found.log, found.data) == (told.worker, told.api, told.log, told.data)


def test_the_tools_of_oslo_config_are_told_of_every_option() -> None:
    listed = {(section, opt.name): opt for section, opts in option.listed() for opt in opts}
    assert set(listed) == {one.key for one in option.options()}
    assert listed["store", "url"].secret and listed["worker", "lease"].sample_default == "5s"


def test_files_are_looked_for_in_two_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(source, "PLACES", source.PLACES[1:])
    assert source.found() == []
    own = tmp_path / ".config/enamel.conf"
    own.parent.mkdir()
    own.touch()
    assert source.found() == [own]
