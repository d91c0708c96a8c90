"""Every metric is documented, and every documented metric exists."""

import re
from pathlib import Path

from prometheus_client import Counter, Gauge, Histogram

from enamel import telemetry

PAGE = Path(__file__).parents[2] / "docs/how-to/operate.md"


def existing() -> set[str]:
    """The names of all metrics, as Prometheus sees them."""
    names = set()
    for metric in vars(telemetry).values():
        if isinstance(metric, Counter | Gauge | Histogram):
            (family,) = metric.collect()
            names.add(family.name + ("_total" if isinstance(metric, Counter) else ""))
    return names


def test_every_metric_has_its_line_and_every_line_its_metric() -> None:
    documented = set(re.findall(r"`(enamel_\w+)", PAGE.read_text(encoding="utf-8")))
    assert documented == existing()
