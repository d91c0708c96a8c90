"""Topics: patterns over the types of tasks."""

import pytest

from enamel.model import topic


@pytest.mark.parametrize(
    "pattern", ["", "!", "Server.create", "server.", "*.create", "server*", "a b", "!!a", "server.**"]
)
def test_a_word_that_is_no_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="names no topics"):
        topic.parse(["server.create", pattern])


def test_patterns_choose() -> None:
    served = topic.parse([" server.* ", "task.revert", "!server.create"])
    assert served == topic.Topics(only=("server.*", "task.revert"), but=("server.create",))
    types = ["server.create", "server.resize", "server", "task.revert", "task.restart"]
    assert [type for type in types if served.serve(type)] == ["server.resize", "task.revert"]
