"""Text that can be stored: what comes from clouds is cleaned, whatever its form, and everything else stays as it is."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from enamel.model import text

ANY = st.text(st.characters(), max_size=20)
"""With NUL and lone surrogates; of two surrogates that belong together, JSON makes one character."""


@given(ANY)
def test_json_comes_out_as_its_texts_would(given: str) -> None:
    joined = json.loads(json.dumps(given))
    cleaned = msgspec.json.decode(text.clean_json(json.dumps({given: [given]}).encode()))
    assert cleaned == {text.clean(joined): [text.clean(joined)]}
    assert text.fits(text.clean(joined))


@given(st.binary(max_size=40))
def test_bytes_of_any_kind_do_no_harm(raw: bytes) -> None:
    assert b"\0" not in text.clean_json(raw)


@pytest.mark.parametrize(
    "given", ['{"a": "\\\\u0000"}', '{"a": "C:\\\\\\\\u0000"}', '{"a": "\\ud83d\\ude00"}']
)
def test_what_only_looks_like_it_stays(given: str) -> None:
    assert text.clean_json(given.encode()) == given.encode()
