"""When answers that take long are a sign of strain, and when not."""

from enamel.clouds import strain


def fed(of: strain.Strain, kind: str, seconds: float, times: int) -> list[bool]:
    verdicts = [of.took(kind, seconds) for _ in range(times)]
    return [verdict for verdict in verdicts if verdict is not None]


def test_a_slow_kind_of_call_is_no_strain() -> None:
    of = strain.Strain()
    assert not any(fed(of, "GET", 0.02, 50))
    assert not any(fed(of, "POST /servers", 6.0, 50))
    assert not any(fed(of, "GET", 0.02, 50))


def test_calls_that_take_many_times_as_long_as_before_are() -> None:
    of = strain.Strain()
    fed(of, "GET", 0.1, 20)
    fed(of, "POST", 0.4, 20)
    verdicts = fed(of, "GET", 1.5, 12) + fed(of, "POST", 3.0, 12)
    assert verdicts[-1] is True
    assert of.times is not None and of.times > 5


def test_what_is_quick_enough_is_no_strain() -> None:
    of = strain.Strain()
    fed(of, "GET", 0.002, 20)
    assert not any(fed(of, "GET", 0.2, 40))


def test_a_cloud_that_becomes_slower_for_good_is_believed() -> None:
    of = strain.Strain()
    fed(of, "GET", 0.2, 20)
    assert fed(of, "GET", 1.2, 2000)[-1] is False


def test_calls_of_one_route_and_size_are_of_one_kind() -> None:
    one = "/servers/5f0e7f2c-8d0e-4b43-8a2c-3a1b8a4f6c11"
    other = "/servers/0d3c9a34b1f84d1fa1c0f5b8c2f1e6d7"
    assert strain.kind("GET", one, sent=0, got=100) == strain.kind("GET", other, sent=0, got=900)
    assert strain.kind("GET", one, sent=0, got=100) != strain.kind("DELETE", one, sent=0, got=100)
    assert strain.kind("GET", "/servers/detail", sent=0, got=100) != strain.kind(
        "GET", "/servers/detail", sent=0, got=1_000_000
    )
