"""The demand for fresh answers: a caller who says `Cache-Control: no-cache` gets nothing that is older than a moment."""

from contextvars import ContextVar

_fresh: ContextVar[bool] = ContextVar("enamel_fresh", default=False)


def fresh() -> None:
    """Have whatever is asked from here on answered freshly, within reason."""
    _fresh.set(True)


def is_fresh() -> bool:
    """Tell whether fresh answers are wanted here."""
    return _fresh.get()
