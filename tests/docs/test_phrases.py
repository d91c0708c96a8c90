"""The words of the house stay out of what people read; `tools/phrases.py` has the table."""

import pytest

from tools import phrases


def test_no_phrase_of_the_house() -> None:
    assert [str(finding) for finding in phrases.findings()] == []


@pytest.mark.parametrize(
    "text",
    [
        "Return the server\n    # that is there.",
        "Each field, where nothing is said.",
        '"""Have servers start again."""',
        "raise Invalid('Expected is an object')",
    ],
)
def test_a_phrase_is_found(text: str) -> None:
    assert [match for match, _ in phrases.matches(text)] != []


@pytest.mark.parametrize(
    "text", ["Look there.", "It takes 5 s.", "Change it before an upgrade.", "_promised_names"]
)
def test_plain_words_pass(text: str) -> None:
    assert list(phrases.matches(text)) == []


def test_counts_are_by_floor() -> None:
    assert phrases.directory("src/enamel/cli/server.py") == "src/enamel/cli"
    assert phrases.directory("src/enamel/bootstrap.py") == "src/enamel"
    assert phrases.directory("docs/how-to/deploy.md") == "docs/how-to"
    assert phrases.directory("README.md") == "README.md"
