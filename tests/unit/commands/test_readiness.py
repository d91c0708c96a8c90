"""What a caller takes for the sign that a server is ready."""

import pytest

from enamel.model import readiness
from enamel.model.readiness import Readiness

READY = {
    "active": Readiness(scheme="active"),
    "tcp/22": Readiness(scheme="tcp", port=22),
    "http://:8080/health": Readiness(scheme="http", port=8080, path="/health"),
    "http://:80/health?full=1&x=%20": Readiness(scheme="http", port=80, path="/health?full=1&x=%20"),
    "https://": Readiness(scheme="https", port=443, path="/"),
}


@pytest.mark.parametrize(("text", "meant"), READY.items(), ids=READY)
def test_it_means(text: str, meant: Readiness) -> None:
    assert readiness.parse(text) == meant


@pytest.mark.parametrize(
    "text",
    ["", "ssh", "tcp/0", "tcp/65536", "tcp/22 ", "udp/53", "http://host/", "http://:0/", "http://:99999/",
     "http://:80/a b", "http://:80/a\nb", "http://:80/é", "http://:80/#part", "http://me@:80/"],
)  # fmt: skip
def test_it_means_nothing(text: str) -> None:
    assert readiness.parse(text) is None
