"""Choices read what earlier releases have stored, and write one case."""

import msgspec
import pytest

from enamel.model.launch import FailurePolicy
from enamel.model.orphan import Kind
from enamel.model.states import VolumeState
from enamel.model.task import Priority


@pytest.mark.parametrize(
    ("stored", "member"),
    [
        ("in-use", VolumeState.IN_USE),
        ("high", Priority.HIGH),
        ("security_group", Kind.SECURITY_GROUP),
        ("keep", FailurePolicy.KEEP),
    ],
)
def test_the_case_of_earlier_releases_is_read(stored: str, member: Kind) -> None:
    assert msgspec.convert(stored, type(member)) is member
    assert msgspec.to_builtins(member) == member.name


def test_other_words_are_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="burning"):
        msgspec.convert("burning", VolumeState)
