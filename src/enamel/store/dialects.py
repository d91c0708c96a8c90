"""The databases: how Enamel connects to each, and how it classifies their errors."""

import enum
import re
import socket
import sqlite3
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from enamel.model import redaction, secret_url
from enamel.model.errors import ServiceError
from enamel.store import clock, packets

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
WRITES = "enamel_writes"
"""The execution option of a connection that is going to write."""


class Trouble(enum.Enum):
    """Why a transaction failed although its statements are right, or not wrong by themselves."""

    CONFLICT = "conflict"
    """It conflicted with another transaction: repeat it at once."""
    OUTAGE = "outage"
    """The database is unavailable, full or starting: repeat it when the database is back."""
    TOO_LARGE = "too_large"
    """It is more than the database accepts at a time: divide it."""


def connect(url: str, *, idle_after: timedelta) -> sa.Engine:
    """Return an engine for a database's URL.

    Args:
        url: For example `sqlite:////var/lib/enamel/enamel.db`, `postgresql+psycopg://…` or `mariadb+pymysql://…`.
        idle_after: How long a transaction may sit idle before the database ends it. A worker that is frozen inside a
            transaction would else keep its lease row locked, and nobody could take its tasks over.

    Raises:
        ServiceError: The URL names no database that Enamel knows, or a package is missing.

    """
    redaction.keep(redaction.Redactor(secret_url.secrets(url)))
    parsed = _parsed(url)
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        engine = sa.create_engine(parsed, pool_size=8, poolclass=sa.QueuePool, max_overflow=0)
        sa.event.listen(engine, "connect", _set_up_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
        return engine
    # At REPEATABLE READ, MariaDB's claims deadlock on the gaps between rows.
    try:
        engine = sa.create_engine(
            parsed, isolation_level="READ COMMITTED", pool_pre_ping=True, connect_args=_connect_args(backend)
        )
    except ModuleNotFoundError as error:
        raise ServiceError(
            f"[store] url needs the package {error.name}, which is not installed.",
            remedy=f"Install Enamel with it: pip install 'enamel[{_EXTRAS[backend]}]'.",
        ) from error
    set_up = _set_up_postgresql if backend == "postgresql" else _set_up_mysql
    if backend == "postgresql":
        sa.event.listen(engine, "begin", _begin_pooled)
    else:
        sa.event.listen(engine, "do_connect", _connect_mysql)
        sa.event.listen(engine, "before_cursor_execute", _check_size)

    @sa.event.listens_for(engine, "connect")
    def _on_connect(connection: Any, record: object) -> None:
        set_up(connection, record, idle_after)

    return engine


def alone(connection: sa.Connection) -> None:
    """Wait until no other process changes the schema, and lock it until the transaction ends."""
    name = connection.dialect.name
    if name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_SCHEMA_LOCK})")
        # Behind a statement that waits for a lock on a table, every other one would wait, too.
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_LOCK_WITHIN}s'")
    elif name in {"mysql", "mariadb"}:
        # Its statements on schemas end the transaction, so the lock is the connection's, which ends with the upgrade.
        connection.exec_driver_sql("SELECT GET_LOCK('enamel schema', 3600)")
        connection.exec_driver_sql(f"SET SESSION lock_wait_timeout = {_LOCK_WITHIN}")


_SCHEMA_LOCK = 0x656E616D656C
_LOCK_WITHIN = 3


def spelled(url: str) -> str:
    """Return a database's URL with the special characters of its password escaped."""
    return _parsed(url).render_as_string(hide_password=False)


def let_go(engine: sa.Engine) -> None:
    """Close the connections to a failed server; a new connection finds the next primary of its cluster."""
    if engine.dialect.name != "sqlite":
        engine.dispose()


def trouble(error: BaseException) -> Trouble | None:
    """Return why the database failed; None if the statement is wrong."""
    error = _cause(error)
    if not isinstance(error, sa.exc.DBAPIError):
        return Trouble.OUTAGE if isinstance(error, sa.exc.TimeoutError) else None
    code = _code(error)
    if isinstance(code, int) and not isinstance(error.orig, sqlite3.Error) and code in _MYSQL:
        return _MYSQL[code]
    if error.connection_invalidated:
        return Trouble.OUTAGE
    if isinstance(error.orig, sqlite3.Error):
        return _SQLITE.get(code) if isinstance(code, int) else None
    if isinstance(code, str):
        return _POSTGRESQL.get(code) or _POSTGRESQL.get(code[:2])
    # No number and no SQLSTATE: the driver never reached the server.
    reached = code is not None or not isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError)
    return None if reached else Trouble.OUTAGE


def ended_connection(error: BaseException) -> bool:
    """Return whether a failed statement took the connection with it."""
    return isinstance(error, sa.exc.DBAPIError) and error.connection_invalidated


def symptom(error: BaseException) -> str:
    """Return a sentence on what is wrong with a database, without names of hosts and users."""
    error = _cause(error)
    code = _code(error) if isinstance(error, sa.exc.DBAPIError) else None
    if isinstance(code, str):
        return _SYMPTOMS.get(code) or _SYMPTOMS.get(code[:2], _AWAY)
    return _AWAY if code is None else _SYMPTOMS.get(code, _AWAY)


def reason(error: BaseException) -> str:
    """Return the driver's words for what is wrong, on one line, for the log and for operators."""
    error = _cause(error)
    original = getattr(error, "orig", None) or error
    words = " ".join(str(part) for part in original.args).strip() or type(original).__name__
    # Further lines of PostgreSQL's show the rows that it refuses.
    return words.splitlines()[0][:_LONGEST_REASON].rstrip(". ")


def _cause(error: BaseException) -> BaseException:
    """Return why a transaction failed, where all that shows is that its savepoints are gone.

    SQLite, when its disk is full, and MariaDB, at a deadlock, end the whole transaction; going back to a savepoint fails
    then, and hides the error for which it was tried.
    """
    before: BaseException | None = error
    if isinstance(error, sa.exc.DBAPIError) and _NO_SAVEPOINT.search(str(error.orig)):
        while before is not None and (before := before.__context__):
            if isinstance(before, sa.exc.DBAPIError):
                return before
    return error


_NO_SAVEPOINT = re.compile(r"no such savepoint|SAVEPOINT \S+ does not exist", re.IGNORECASE)


def _code(error: sa.exc.DBAPIError) -> int | str | None:
    """Return the number or the SQLSTATE of an error; None if the driver gives none."""
    original = error.orig
    if isinstance(original, sqlite3.Error):
        return int(getattr(original, "sqlite_errorcode", 0)) & 0xFF
    state: str | None = getattr(original, "sqlstate", None)
    if state is not None:
        return state
    number = original.args[0] if original is not None and original.args else None
    return number if isinstance(number, int) else None


_SQLITE = {
    sqlite3.SQLITE_BUSY: Trouble.CONFLICT,
    sqlite3.SQLITE_LOCKED: Trouble.CONFLICT,
    sqlite3.SQLITE_PROTOCOL: Trouble.CONFLICT,
    sqlite3.SQLITE_TOOBIG: Trouble.TOO_LARGE,
    **dict.fromkeys(
        [
            *(sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_NOMEM),
            *(sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH),
            *(sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB),
        ],
        Trouble.OUTAGE,
    ),
}

_POSTGRESQL = {
    "40": Trouble.CONFLICT,  # serialisation failure, deadlock
    "55P03": Trouble.CONFLICT,  # lock not available
    "08": Trouble.OUTAGE,  # connection
    "25006": Trouble.OUTAGE,  # read only: it is not the primary any more, or not yet
    "25P03": Trouble.OUTAGE,  # idle in transaction for too long: the connection is gone
    "28": Trouble.OUTAGE,  # not let in any more: the password was changed
    "42501": Trouble.OUTAGE,  # not permitted any more
    "53": Trouble.OUTAGE,  # out of disk, memory or connections
    "57": Trouble.OUTAGE,  # shut down by an operator, or starting
    "58": Trouble.OUTAGE,  # system error
}

_READ_ONLY = (1223, 1290, 1792, 1836)
_FULL = (1021, 1026, 1030, 1114)
_CONNECTIONS = (1040, 1203, 1226)
_REFUSED = (1044, 1045, 1142, 1143, 1227, 1370)
_MYSQL = {
    1205: Trouble.CONFLICT,  # lock wait timeout
    1213: Trouble.CONFLICT,  # deadlock
    1020: Trouble.CONFLICT,  # MariaDB: the row changed since it was read
    1317: Trouble.CONFLICT,  # an operator has ended the statement
    1153: Trouble.TOO_LARGE,  # max_allowed_packet
    **dict.fromkeys(
        [
            *_CONNECTIONS,
            *_READ_ONLY,
            *_FULL,
            *_REFUSED,
            *(1053, 1077, 1927, 4031),  # shutting down, or killed
            *(1037, 1038, 1041, 1135),  # out of memory
            *(1969, 3024),  # longer than statements may take
            1047,  # not a part of its Galera cluster yet
            *(1158, 1159, 1160, 1161, 2002, 2003, 2006, 2013, 2055),  # the network: gone, refused
        ],
        Trouble.OUTAGE,
    ),
}

_LONGEST_REASON = 300
_AWAY = "It does not answer."
_SYMPTOMS: dict[int | str, str] = {
    sqlite3.SQLITE_FULL: "Its disk is full.",
    sqlite3.SQLITE_READONLY: "It is read-only.",
    sqlite3.SQLITE_IOERR: "Its file cannot be read or written.",
    sqlite3.SQLITE_CANTOPEN: "Its file cannot be opened.",
    sqlite3.SQLITE_CORRUPT: "Its file is damaged.",
    sqlite3.SQLITE_NOTADB: "Its file is not a database.",
    "25006": "It is read-only.",
    "28": "It does not let this user in.",
    "42501": "This user may not write to it.",
    "53100": "Its disk is full.",
    "53200": "It is out of memory.",
    "53300": "It accepts no more connections.",
    **dict.fromkeys(_READ_ONLY, "It is read-only."),
    **dict.fromkeys(_FULL, "Its disk is full."),
    **dict.fromkeys(_CONNECTIONS, "It accepts no more connections."),
    **dict.fromkeys(_REFUSED, "This user may not write to it."),
}
"""What people read about an outage: the driver's words name hosts and users, and are for the log."""


_EXTRAS = {"postgresql": "postgres", "mysql": "mysql", "mariadb": "mysql"}


def _parsed(url: str) -> sa.URL:
    """Return a database's URL, with the driver that Enamel uses."""
    try:
        parsed = sa.make_url(url)
    # What the error says may be a part of the password.
    except (sa.exc.ArgumentError, ValueError):
        raise ServiceError("[store] url is no URL of a database.", remedy=f"{_URLS} {_SPECIAL}") from None
    driver = _DRIVERS.get(parsed.drivername)
    if driver is None:
        raise ServiceError(
            f"[store] url begins with {parsed.drivername}, which Enamel does not know.", remedy=_URLS
        )
    if driver != "sqlite" and url.partition("?")[0].count("@") > 1:
        # Whatever stands behind the first one would be taken for the host, and shown as such.
        raise ServiceError("[store] url has more than one @ in it.", remedy=_SPECIAL)
    return parsed.set(drivername=driver)


_DRIVERS = {
    "sqlite": "sqlite",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mysql+pymysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
    "mariadb+pymysql": "mariadb+pymysql",
}
_URLS = (
    "Write postgresql+psycopg://user:password@host/name, mariadb+pymysql://user:password@host/name, "
    "or sqlite:///path."
)
_SPECIAL = "In a name or password, write %40 for @, %2F for /, %3A for :, %23 for # and %25 for %."


_CONNECT_WITHIN = 5
_SILENT_FOR = 5
"""Seconds of silence after which TCP probes a server."""
_GONE_AFTER = 10
"""Seconds without an answer to anything sent, after which a server's host, or the way to it, is gone. TCP by itself tries
for a quarter of an hour, and then goes on long after the network is back."""


def _connect_args(backend: str) -> dict[str, Any]:
    if backend == "postgresql":
        return {
            "connect_timeout": _CONNECT_WITHIN,
            # Else that of the server, or of PGCLIENTENCODING.
            "client_encoding": "utf8",
            "keepalives": 1,
            "keepalives_idle": _SILENT_FOR,
            "keepalives_interval": 2,
            "keepalives_count": 3,
            "tcp_user_timeout": _GONE_AFTER * 1000,
        }
    return {"connect_timeout": _CONNECT_WITHIN, "charset": "utf8mb4"}


def _connect_mysql(dialect: Any, _record: object, args: Any, params: dict[str, Any]) -> Any:
    """Connect over a socket that is as impatient as PostgreSQL's: PyMySQL has no options for that."""
    if params.get("unix_socket"):
        return None
    connection = dialect.loaded_dbapi.connect(*args, **params, defer_connect=True)
    try:
        connection.connect(_impatient(connection.host, connection.port))
    except OSError as error:
        raise dialect.loaded_dbapi.OperationalError(
            2003, f"Can't connect to MySQL server on {connection.host!r} ({error})"
        ) from error
    return connection


def _impatient(host: str, port: int) -> socket.socket:
    """Return a socket that soon notices a dead peer."""
    connection = socket.create_connection((host, port), _CONNECT_WITHIN)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    options = {
        "TCP_NODELAY": 1,
        "TCP_KEEPIDLE": _SILENT_FOR,
        "TCP_KEEPINTVL": 2,
        "TCP_KEEPCNT": 3,
        "TCP_USER_TIMEOUT": _GONE_AFTER * 1000,
    }
    for name, value in options.items():
        # Not every system has all of them.
        if hasattr(socket, name):
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    return connection


def _set_up_sqlite(connection: Any, _record: object) -> None:
    # The driver begins no transaction by itself: `_begin_sqlite` says how.
    connection.isolation_level = None
    connection.create_function("enamel_now", 0, _microseconds)
    # FULL: a step that was journaled as started stays so when the power fails; group commit makes up for the cost.
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _microseconds() -> int:
    """Return the time of a database that has no clock of its own."""
    return (clock.MACHINE() - _EPOCH) // timedelta(microseconds=1)


def _begin_sqlite(connection: sa.Connection) -> None:
    # A transaction that reads first and writes later can meet a writer it must not wait for: take the lock at once.
    writes = connection.get_execution_options().get(WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _set_up_postgresql(connection: Any, record: Any, idle_after: timedelta) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (backend,) = cursor.fetchone()
        # A pooler answers for its servers, and gives clients a number of its own.
        pooled = backend != connection.info.backend_pid
        record.info[_POOLED] = _idle_timeout(idle_after) if pooled else None
        if pooled:
            # The next transaction may be on another server, which knows nothing of a statement prepared on this one.
            connection.prepare_threshold = None
        else:
            cursor.execute(f"SET {_idle_timeout(idle_after)}")
    connection.commit()


def _idle_timeout(after: timedelta) -> str:
    return f"idle_in_transaction_session_timeout = {int(after.total_seconds() * 1000)}"


_POOLED = "enamel_pooled"
"""What a connection through a pooler has to set in each transaction; None for one without."""


def _begin_pooled(connection: sa.Connection) -> None:
    setting = connection.info.get(_POOLED)
    if setting is not None:
        connection.exec_driver_sql(f"SET LOCAL {setting}")


def is_pooled(engine: sa.Engine) -> bool:
    """Return whether a pooler such as pgbouncer is in between: what is set for a session does not last there."""
    with engine.connect() as connection:
        return connection.info.get(_POOLED) is not None


def _check_size(
    connection: sa.Connection, _cursor: object, statement: str, parameters: Any, _context: object, _many: bool
) -> None:
    packets.check(connection, statement, parameters)


def _set_up_mysql(connection: Any, record: object, idle_after: timedelta) -> None:
    seconds = max(1, int(idle_after.total_seconds()))
    with connection.cursor() as cursor:
        cursor.execute("SELECT VERSION()")
        (version,) = cursor.fetchone()
        # MySQL has no such limit; there, keepalives must end a dead worker's transaction.
        if "MariaDB" in version:
            cursor.execute(f"SET SESSION idle_transaction_timeout = {seconds}")
        cursor.execute("SELECT @@max_allowed_packet")
        (packet,) = cursor.fetchone()
    packets.remember(record, packet)
