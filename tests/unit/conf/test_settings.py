"""Settings: an option goes before a variable, and all that is wrong is told at once."""

from pathlib import Path

import pytest

from enamel.conf import settings
from enamel.model import topic
from enamel.model.errors import Invalid


def test_without_options_the_environment_counts(tmp_path: Path) -> None:
    found = settings.up({"OS_CLOUD": "north", "XDG_DATA_HOME": str(tmp_path), "ENAMEL_LOG_JSON": "1"})
    assert found.clouds.default == "north" and not found.clouds.sandbox
    assert found.data == tmp_path / "enamel"
    assert found.store.url == f"sqlite:///{tmp_path}/enamel/enamel.db"
    assert found.log.json and found.log.level == "INFO"
    assert found.api.host == "127.0.0.1" and found.api.port == 8780
    assert settings.up({}).data == Path.home() / ".local/share/enamel"


def test_an_option_goes_before_a_variable(tmp_path: Path) -> None:
    environ = {"OS_CLOUD": "north", "ENAMEL_DATA": "elsewhere", "ENAMEL_LOG_LEVEL": "debug"}
    found = settings.up(
        environ,
        data=tmp_path,
        cloud="south",
        port=0,
        topics=["server.*"],
        log_json=False,
        log_level="warning",
    )
    assert found.clouds.default == "south" and found.data == tmp_path and found.log.level == "WARNING"
    assert found.worker.topics == topic.Topics(only=("server.*",))
    assert settings.up(environ, sandbox=True).clouds.default is None
    assert settings.up(environ).data == Path("elsewhere").absolute()


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(Invalid) as refused:
        settings.up({}, cloud="north", sandbox=True, port=70_000, topics=["?"], log_level="loud")
    assert [fault.pointer for fault in refused.value.faults] == [
        "--cloud",
        "--port",
        "--log-level",
        "--topic",
    ]
    assert "70000" in str(refused.value)
