"""Settings: the command line overrides the environment, which overrides the file; all faults are listed at once."""

from datetime import timedelta
from pathlib import Path

import pytest

from enamel.conf import option, renamed, sample, settings, source
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


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://enamel:planted-1@db/enamel?sslpassword=planted-2",
        "postgresql://db/enamel?user=enamel&password=planted-1&sslmode=require",
        "mariadb://enamel:pl@nted-1@db/enamel",
        "redis://:planted-1@cache/0?password=planted-2",
        "amqp://u:planted-1@one,v:planted-2@two//",
    ],
)
def test_no_password_of_a_url_is_shown(url: str, tmp_path: Path) -> None:
    for setting in ("store", "dispatch", "cache"):
        path = tmp_path / "enamel.conf"
        path.write_text(f"[{setting}]\nurl = {url}\n")
        shown = sample.shown(settings.up({}, files=[path]))
        assert "nted-" not in shown and "url = " in shown
    misplaced = refused(f"[store]\ntimeout = {url}\n", tmp_path)
    assert "nted-" not in str(misplaced)
    path.write_text(f"[store]\nurl {url}\n")
    with pytest.raises(Invalid) as error:
        settings.service({}, files=[path])
    assert "nted-" not in error.value.detail


def test_up_needs_no_file() -> None:
    loaded = settings.up({"HOME": "/nowhere"})
    assert loaded.data == Path.home() / ".local/share/enamel"
    assert loaded.database == f"sqlite:///{loaded.data}/enamel.db" and loaded.alone
    assert loaded.keys == loaded.data / "secrets"
    assert (loaded.api.host, loaded.api.port, loaded.log.json, loaded.log.level) == (
        *("127.0.0.1", 8780),
        *(False, "WARNING"),
    )


def test_the_environment_has_names_that_people_know(tmp_path: Path) -> None:
    environ = {"OS_CLOUD": "north", "XDG_DATA_HOME": str(tmp_path), "ENAMEL_LOG_JSON": "1"}
    loaded = settings.up(environ)
    assert loaded.clouds.default == "north" and not loaded.clouds.sandbox
    assert loaded.data == tmp_path / "enamel" and loaded.log.json
    assert settings.up({**environ, "ENAMEL_DATA": "elsewhere"}).data == Path("elsewhere").absolute()
    assert settings.up(environ, sandbox=True).clouds.default is None


def test_a_file_is_read(file: Path) -> None:
    loaded = settings.service({}, files=[file])
    assert loaded.data == Path("/srv/enamel")
    # $$ in the file is a literal $.
    assert loaded.database == "postgresql+psycopg://enamel:pa$word@db/enamel" and not loaded.alone
    assert loaded.store.timeout == timedelta(seconds=7)
    assert loaded.worker.types == topic.Topics(only=("server.*",), but=("server.create",))
    assert loaded.worker.lease == timedelta(minutes=2) and loaded.worker.max_tasks == 10_000
    assert loaded.log.json and loaded.log.level == "WARNING"


def test_the_environment_overrides_the_file_and_the_command_line_both(file: Path) -> None:
    environ = {"OS_WORKER__LEASE": "9s", "OS_WORKER__TYPES": "task.*", "OS_LOG__LEVEL": "debug"}
    loaded = settings.service(environ, files=[file], types="server.create", max_tasks=3)
    assert loaded.worker.lease == timedelta(seconds=9)
    assert loaded.worker.types == topic.Topics(only=("server.create",)) and loaded.worker.max_tasks == 3
    assert loaded.log.level == "DEBUG"


def test_a_later_file_overrides_an_earlier_one(file: Path, tmp_path: Path) -> None:
    later = tmp_path / "later.conf"
    later.write_text("[worker]\nlease = 3s\n")
    loaded = settings.service({}, files=[file, later])
    assert loaded.worker.lease == timedelta(seconds=3) and loaded.data == Path("/srv/enamel")


def test_all_faults_are_listed_at_once(tmp_path: Path) -> None:
    text = "[store]\ntimeout = soon\n[api]\nprot = 1\nport = 99999\n[worker]\nmax_tasks = 0\n[wroker]\nmax_tasks = 1\n"
    faults = refused(text, tmp_path, OS_API__HSOT="::1", OS_WORKER__LEASE="1y", OS_USERNAME="fine")
    assert set(faults) == {
        *("[store] timeout", "[api] prot", "[api] port", "[worker] max_tasks", "[wroker]"),
        *("OS_API__HSOT", "OS_WORKER__LEASE"),
    }
    assert faults["[api] prot"] == (
        "Unknown setting [api] prot. Choose one of host, port, reuse_port, graceful_shutdown_timeout."
    )
    assert faults["[api] port"] == "[api] port: 99999 is out of bounds: choose a number from 0 to 65535."
    assert "OS_API__HOST" in faults["OS_API__HSOT"] and "90s" in faults["OS_WORKER__LEASE"]


def test_an_old_name_in_a_file_is_refused_with_the_new_one(tmp_path: Path) -> None:
    sections: dict[str, list[str]] = {}
    for section, old in renamed.RENAMED:
        sections.setdefault(section, []).append(f"{old} = 1")
    text = "\n".join(f"[{section}]\n" + "\n".join(lines) for section, lines in sections.items())
    faults = refused(text.replace("keep_for", "keep-for"), tmp_path)
    assert faults == {
        f"[{section}] {old}": f"[{section}] {old} is now called {new}."
        for (section, old), new in renamed.RENAMED.items()
    }
    assert faults["[worker] slots"] == "[worker] slots is now called max_tasks."


def test_an_old_name_in_the_environment_is_refused_with_the_new_one(tmp_path: Path) -> None:
    faults = refused("", tmp_path, **dict.fromkeys(renamed.variables(), "1"))
    assert len(faults) == len(renamed.RENAMED)
    assert faults["OS_WORKER__SLOTS"] == "OS_WORKER__SLOTS is now called OS_WORKER__MAX_TASKS."


def test_new_names_are_settings_and_old_ones_are_not() -> None:
    known = {setting.key for setting in option.options()}
    assert {(section, new) for (section, _), new in renamed.RENAMED.items()} <= known
    assert not known & set(renamed.RENAMED)


def test_one_cloud_is_offered_if_the_command_line_names_it() -> None:
    assert settings.up({}, cloud="north").cloud == "north"
    assert settings.up({"OS_CLOUD": "north"}).cloud is None


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("[api]\nhost = 0.0.0.0\n", "[api] host"),
        ("[api]\nreuse_port = perhaps\n", "[api] reuse_port"),
        ("[log]\nlevel = LOUD\n", "[log] level"),
        ("[worker]\ntypes = Server.Create\n", "[worker] types"),
        ("[store]\nurl = postgresql://a:b$c@d/e\n", "[store] url"),
    ],
)
def test_a_bad_value_is_refused_with_its_place(tmp_path: Path, text: str, place: str) -> None:
    assert list(refused(text, tmp_path)) == [place]


def test_a_fault_of_the_command_line_names_the_option() -> None:
    with pytest.raises(Invalid) as error:
        settings.up({}, port=70_000, log_level="loud")
    assert [fault.pointer for fault in error.value.faults] == ["--port", "--log-level"]
    with pytest.raises(Invalid, match="--cloud and --sandbox"):
        settings.up({}, cloud="north", sandbox=True)
    with pytest.raises(Invalid, match="--max-tasks: 0 is out of bounds"):
        settings.service({}, max_tasks=0)


def test_an_unreadable_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="No such file"):
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
    for setting in option.options():
        assert f"\n#{setting.name} =" in text and setting.variables[0] in text
    # Every default in it is one that the file may have.
    path.write_text("\n".join(line.removeprefix("#") for line in text.splitlines() if line[:2] != "# "))
    loaded = settings.service({}, files=[path])
    assert loaded.api == settings.service({}).api and loaded.worker.types.serve("server.create")


def test_shown_settings_can_be_read_again_except_passwords(file: Path, tmp_path: Path) -> None:
    before = settings.service({"OS_DISPATCH__URL": "amqp://me:pa$word@mq/vhost"}, files=[file])
    text = sample.shown(before)
    assert "pa$" not in text and "postgresql+psycopg://enamel:***@db/enamel" in text and "me:***@mq" in text
    again = tmp_path / "again.conf"
    again.write_text(text)
    after = settings.service({}, files=[again])
    assert (after.worker, after.api, after.log, after.data) == (
        before.worker,
        before.api,
        before.log,
        before.data,
    )


def test_the_tools_of_oslo_config_get_every_option() -> None:
    listed = {(section, opt.name): opt for section, opts in option.listed() for opt in opts}
    assert set(listed) == {setting.key for setting in option.options()}
    assert listed["store", "url"].secret and listed["worker", "lease"].sample_default == "5s"


def test_two_default_files_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(source, "DEFAULT_FILES", source.DEFAULT_FILES[1:])
    assert source.default_files() == []
    own = tmp_path / ".config/enamel.conf"
    own.parent.mkdir()
    own.touch()
    assert source.default_files() == [own]
