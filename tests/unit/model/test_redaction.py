"""Redaction: known secrets are blanked in every encoding and in parts; other texts stay as they are."""

import base64
import html
import json
from collections.abc import Callable, Iterator
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enamel.model import redaction, secret_url

SCRIPT = "#!/bin/bash\necho 'planted-9f3c%20x' | passwd --stdin \"root\" <a&b>\ncurl https://x/y?z=é\n"
USER_DATA = base64.b64encode(SCRIPT.encode()).decode()
PASSWORD = "pÄss-7f3a91c2e5"
ENCODINGS: dict[str, Callable[[str], str]] = {
    "raw": str,
    "upper case": str.upper,
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 one byte later": lambda text: base64.b64encode(b"x" + text.encode()).decode(),
    "base64 two bytes later": lambda text: base64.b64encode(b"xy" + text.encode()).decode(),
    "base64 from the middle of a group": lambda text: base64.b64encode(text.encode()).decode()[3:],
    "base64 for URLs": lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
    "base64 in lines": lambda text: base64.encodebytes(text.encode()).decode(),
    "base64 in lines in JSON": lambda text: json.dumps(base64.encodebytes(text.encode()).decode()),
    "base64 of base64": lambda text: base64.b64encode(base64.b64encode(text.encode())).decode(),
    "base64 of JSON": lambda text: base64.b64encode(json.dumps({"a": text}).encode()).decode(),
    "base64 of UTF-16": lambda text: base64.b64encode(text.encode("utf-16-le")).decode(),
    "base64 of a URL's": lambda text: base64.b64encode(quote(text).encode()).decode(),
    "a URL's base64": lambda text: quote(base64.b64encode(text.encode()).decode(), safe=""),
    "JSON": json.dumps,
    "JSON with letters": lambda text: json.dumps(text, ensure_ascii=False),
    "JSON in JSON": lambda text: json.dumps(json.dumps(text)),
    "Python": repr,
    "Python bytes": lambda text: repr(text.encode()),
    "URL": quote,
    "form": quote_plus,
    "URL in URL": lambda text: quote(quote(text)),
    "HTML": html.escape,
    "hex": lambda text: text.encode().hex(),
    "hex from the middle of a byte": lambda text: text.encode().hex()[1:],
    "HEX": lambda text: text.encode().hex().upper(),
    "a part": lambda text: text[2 : len(text) * 2 // 3],
    "a part of base64": lambda text: base64.b64encode(text.encode()).decode()[1:-3],
}


@pytest.fixture(autouse=True)
def known() -> Iterator[None]:
    with redaction.keeping(redaction.Redactor([USER_DATA, PASSWORD])):
        yield


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("secret", [SCRIPT, USER_DATA, PASSWORD])
def test_a_secret_is_blanked_in_every_encoding(secret: str, encoding: str) -> None:
    shown = ENCODINGS[encoding](secret)
    blanked = redaction.blank(f"Cannot understand {shown} in the request.")
    assert blanked.startswith("Cannot understand ") and blanked.endswith(" in the request.")
    assert redaction.BLANK in blanked
    rest = blanked.removeprefix("Cannot understand ").removesuffix(" in the request.")
    assert len(rest.replace(redaction.BLANK, "")) <= 16, rest


def test_other_texts_stay_as_they_are() -> None:
    text = "No valid host was found. There are not enough hosts available: 8f3b91, 0123456789abcdef, aGVsbG8gd29ybGQ="
    assert redaction.blank(text) == text


@given(st.text(max_size=60))
def test_any_text_can_be_searched(text: str) -> None:
    assert isinstance(redaction.blank(f"{text}{PASSWORD}{text}"), str)
    assert PASSWORD not in redaction.blank(f"{text}{PASSWORD}{text}")


def test_very_short_secrets_are_no_pattern() -> None:
    with redaction.keeping(redaction.Redactor(["a", "ok", ""])):
        assert redaction.blank("a cat is ok") == "a cat is ok"


def test_what_is_far_too_long_is_cut_after_the_secret_is_blanked() -> None:
    blanked = redaction.blank("x" * (redaction.LONGEST - 10) + PASSWORD * 1000)
    assert len(blanked) <= redaction.LONGEST + 3 and "pÄss-7" not in blanked


def test_outside_nothing_is_known() -> None:
    with redaction.keeping(redaction.Redactor(["inner-1f2e3d"])):
        assert redaction.blank("inner-1f2e3d") == "***"
    assert redaction.blank("inner-1f2e3d") == "inner-1f2e3d"


def test_what_a_body_keeps_secret() -> None:
    body = {
        "name": "web",
        "user_data": "one",
        "auth": {"password": {"user": {"deep": "two"}}, "token_expires": "now"},
        "notify": [{"url": "https://u:three@example.org/h?token=four&x=five", "secret": ["six"]}],
        "accept": {"auth_key": "seven"},
        "adminPass": 8888,
    }
    assert set(redaction.values(body)) == {"one", "two", "three", "four", "five", "six", "seven", "8888"}


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://example.org/hook", "https://example.org/hook"),
        ("https://example.org/hook?token=planted&b=c", "https://example.org/hook?token=***&b=***"),
        ("https://example.org/hook?planted", "https://example.org/hook?***"),
        ("https://u:planted@example.org/hook", "https://u:***@example.org/hook"),
    ],
)
def test_a_url_is_shown_without_its_secrets(url: str, shown: str) -> None:
    assert secret_url.shown(url) == shown
