"""What an error says is never lost for what its faults say."""

import json

import pytest

from enamel.api import problems
from enamel.cli.process import service
from enamel.model.errors import ActionImpossible, EnamelError, Fault, Invalid


def fault(detail: str) -> Fault:
    return Fault(pointer="/action", detail=detail)


@pytest.mark.parametrize(
    ("error", "sentences"),
    [
        (ActionImpossible("It is locked."), ["It is locked."]),
        (ActionImpossible("It is locked. Possible now: X.", faults=(fault("Possible now: X."),)), ["It is locked. Possible now: X."]),
        (ActionImpossible("It is locked.", faults=(fault("Possible now: X."),)), ["It is locked. Possible now: X."]),
        (ActionImpossible(faults=(fault("Possible now: X."),)), ["Possible now: X."]),
        (Invalid("No name.", faults=(fault("No name."),)), ["No name."]),
        (Invalid("No name. No type.", faults=(fault("No name."), fault("No type."))), ["No name.", "No type."]),
    ],
)  # fmt: skip
def test_no_sentence_is_lost(error: EnamelError, sentences: list[str]) -> None:
    assert list(error.sentences) == sentences
    answer = json.loads(problems.render(error, request_id="req-1").content)
    assert [entry["detail"] for entry in answer["errors"]] == sentences
    lines = service.failure(error).lines
    assert lines[: len(sentences)] == tuple(sentences)
