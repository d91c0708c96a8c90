"""Telemetry: logs whose lines are events, and metrics named after the same events.

Nothing secret leaves through here: whatever stands under a name such as `password` or `token`, in a URL's query or login,
or has the value of a secret that is known where the line is logged, is blanked in the last step before it is written.
"""

import logging
import re
import sys
from collections.abc import Mapping
from typing import Any, TextIO

import structlog
from prometheus_client import Counter, Gauge, Histogram

from enamel.model import control_characters, redaction, secret_names, secret_url

_IN_TEXT = re.compile(
    r"(?i)\b(x-auth-token|x-subject-token|authorization)(['\"]?\s*[:=]\s*)['\"]?[^\s'\",}]+"
)

STEPS = Counter("enamel_steps_total", "Steps that ended (item.completed, item.failed …)", ["kind", "outcome"])
CALLS = Counter("enamel_plumbing_calls_total", "Calls to clouds (cloud.call)", ["cloud", "service", "status"])
CALL_SECONDS = Histogram("enamel_plumbing_call_seconds", "Duration of calls to clouds", ["cloud", "service"])
PACE_LIMIT = Gauge(
    "enamel_cloud_limit", "Calls to a service that may be under way at the same time", ["cloud", "service"]
)
PACE_UNDER_WAY = Gauge("enamel_cloud_calls_under_way", "Calls to a service that are", ["cloud", "service"])
PACE_WAITING = Gauge(
    "enamel_cloud_calls_waiting", "Calls to a service that wait for their turn", ["cloud", "service", "lane"]
)
PACE_CLOSED = Gauge(
    "enamel_cloud_closed_seconds",
    "For how long calls to a service are paused (cloud.paused)",
    ["cloud", "service"],
)
COMPLAINTS = Counter(
    "enamel_cloud_complaints_total",
    "What services of clouds showed of being asked too much: too many calls, busy, no answer (cloud.paused)",
    ["cloud", "service", "trouble"],
)
LEFT_OUT = Counter(
    "enamel_cloud_left_out_total",
    "Records and fields of clouds' answers that did not fit and were left out "
    "(cloud.record_left_out, cloud.field_left_out)",
    ["cloud", "service", "part"],
)
TASKS = Counter("enamel_tasks_total", "Tasks that ended (task.completed, task.aborted …)", ["type", "state"])
TASK_SECONDS = Histogram(
    "enamel_task_seconds",
    "From acceptance to end",
    ["type"],
    buckets=(0.1, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800),
)
CLAIMED = Counter("enamel_tasks_claimed_total", "Tasks that this worker took (task.claimed)")
CLAIM_WAIT = Histogram(
    "enamel_task_wait_seconds", "From acceptance to a worker", buckets=(0.01, 0.05, 0.1, 0.5, 1, 5, 30, 300)
)
REAPED = Counter("enamel_tasks_reaped_total", "Tasks taken back from dead workers (worker.reaped)")
TASKS_HELD = Gauge("enamel_tasks_held", "Tasks that this worker has")
CAPACITY = Gauge("enamel_worker_capacity_tasks", "Tasks that this worker can carry without falling behind")
LAG = Gauge("enamel_worker_lag_seconds", "How late the event loop and the writes of this worker are")
HEARTBEATS = Counter(
    "enamel_heartbeats_total", "Renewals of this worker's lease: renewed, failed, lost", ["outcome"]
)
STORE_BATCH = Histogram(
    "enamel_store_batch_size", "Writes per commit", buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
)
STORE_COMMIT = Histogram(
    "enamel_store_commit_seconds",
    "Duration of commits",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.025, 0.1, 0.5, 2),
)
STORE_TROUBLE = Counter("enamel_store_trouble_total", "Transactions that had to be repeated", ["kind"])
CLOCK_JUMPS = Counter(
    "enamel_clock_jumps_total", "Jumps of the machine's or the database's clock (clock.jumped)", ["clock"]
)
JOURNAL_REFUSED = Counter(
    "enamel_journal_refused_total", "Writes about tasks that the database refused (journal.refused)"
)

WAITS = Gauge("enamel_waits", "Waits of this worker for resources of clouds")
QUEUE = Gauge("enamel_queue_tasks", "Tasks in the store that have not ended", ["type", "state"])
QUEUE_AGE = Gauge(
    "enamel_queue_age_seconds", "How long the oldest task that could be claimed has waited", ["type"]
)
LEASES = Gauge("enamel_leases", "Workers whose lease lasts")
WEBHOOKS = Counter(
    "enamel_webhooks_total", "Attempts to deliver to webhooks: delivered, retried, given up", ["outcome"]
)
LOOKS = Counter(
    "enamel_looks_total",
    "Looks of the watchers: everything, changes, taken over from another process",
    ["outcome"],
)
SHARED = Counter(
    "enamel_cache_answers_total",
    "What the cache that processes share was asked: hit, miss, refused, failed",
    ["outcome"],
)
SHARED_UP = Gauge("enamel_cache_up", "Whether the cache that processes share answers")
LOOP_KEPT = Histogram(
    "enamel_loop_kept_seconds",
    "Work that kept the event loop for longer than 50 ms (loop.kept)",
    buckets=(0.1, 0.25, 0.5, 1, 2.5, 10, 60),
)
REQUESTS = Counter(
    "enamel_http_requests_total", "Requests to the API (request.done)", ["method", "route", "status"]
)
REQUEST_SECONDS = Histogram(
    "enamel_http_request_seconds",
    "From a request to the beginning of its answer",
    ["method", "route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60),
)
REQUESTS_UNDER_WAY = Gauge("enamel_http_requests_under_way", "Requests to the API that are, streams included")
HINTS = Counter("enamel_hints_total", "Hints between processes: sent, heard, dropped", ["outcome"])


def set_up(
    *, json: bool = False, level: str = "INFO", stream: TextIO | None = None, lasting: bool = True
) -> None:
    """Send every log line of the process, ours and our libraries', through one formatter.

    Args:
        json: Whether lines are JSON for machines rather than text for people.
        level: The least level that is written.
        stream: Where to; standard error where none is given.
        lasting: Whether it is for the life of the process, so that each logger may keep it from its first line on.

    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    output = sys.stderr if stream is None else stream
    colours = not json and output.isatty()
    last: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if json
        else structlog.dev.ConsoleRenderer(colors=colours, exception_formatter=structlog.dev.plain_traceback)
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=lasting,
    )
    handler = logging.StreamHandler(output)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                redact,
                last,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # These log much at INFO that is of no use to operators.
    for name in ("alembic", "asyncio"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # It logs a traceback for each connection that breaks, and whoever used it tells of that already (store.away).
    logging.getLogger("sqlalchemy.pool").setLevel(logging.CRITICAL)


def redact(_logger: object, _method: str, line: Any) -> Any:
    """Return a log line with everything blanked that may be secret."""
    return {name: _blank(name, value) for name, value in line.items()}


def blank(value: Any) -> Any:
    """Return a value of JSON with everything blanked that stands under a secret's name."""
    if isinstance(value, Mapping):
        return {name: _blank(str(name), inner) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [blank(inner) for inner in value]
    if isinstance(value, str):
        told = control_characters.visible(secret_url.blank(redaction.blank(value)))
        return _IN_TEXT.sub(rf"\1\2{redaction.BLANK}", told)
    return value


def _blank(name: str, value: Any) -> Any:
    if value is not None and secret_names.fits(name):
        return redaction.BLANK
    return blank(value)
