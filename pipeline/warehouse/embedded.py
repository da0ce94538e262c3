"""The embedded PostgreSQL: a real server from a wheel, in the project's own folder.

Several processes of one user may use it at once. Each holds a shared lock on a file for as long as it does, so a
killed process leaves no claim behind; the last one out stops the server. It listens on a socket that only its
owner can reach, and on a TCP port of this machine once `serve` was called.
"""

import atexit
import fcntl
import hashlib
import os
import secrets
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import cached_property
from pathlib import Path

import psutil
import psycopg2
import sqlalchemy
from psycopg2 import sql

from pipeline.errors import ConfigurationError, WarehouseError
from pipeline.warehouse.postgres import READER, statement
from pipeline.warehouse.programs import Programs

DATABASE = "tuoke"
OWNER = "postgres"
LOOPBACK = "127.0.0.1"
FIRST_PORT = 5433
SOCKET_PORT = 5432
"""Clients find the socket under this number, whatever the TCP port is."""
SOCKET_PATH_LIMIT = 100
"""Bytes; systems allow 104 to 108."""
START_SECONDS = 60
QUIET_SECONDS = 60

CONFIGURATION = """\
# Written anew at every start; settings of your own belong into ALTER SYSTEM.
listen_addresses = '{listen}'
port = {port}
unix_socket_directories = '{socket_folder}'
unix_socket_permissions = 0700
password_encryption = 'scram-sha-256'
max_connections = 50
shared_buffers = '256MB'
maintenance_work_mem = '256MB'
# no replica is fed from here, and a table loaded in the transaction that made it needs no log
wal_level = minimal
max_wal_senders = 0
max_wal_size = '4GB'
timezone = 'UTC'
log_timezone = 'UTC'
log_checkpoints = off
lc_messages = 'C'
# errors and their details repeat the row they are about: whoever causes one is told, the log is not
log_error_verbosity = terse
log_min_messages = log
"""
ACCESS = f"""\
# Written anew at every start. Only its owner can reach the socket.
local all all trust
host {DATABASE} {READER} {LOOPBACK}/32 scram-sha-256
"""


class EmbeddedServer:
    """The PostgreSQL server in a project's folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.data = self.folder / "data"
        self._programs = Programs(self.data)
        self._claim: int | None = None

    def url(self, database: str = DATABASE) -> sqlalchemy.URL:
        """The owner's URL; the same whether the server listens on TCP or not."""
        # Great Expectations wants a host before the slash; the one in the query is the one that counts
        return sqlalchemy.URL.create(
            "postgresql+psycopg2",
            username=OWNER,
            host="localhost",
            port=SOCKET_PORT,
            database=database,
            query={"host": str(self._socket_folder)},
        )

    def start(self) -> None:
        """Use the server; create it, start it, and start it again, where that is to be done.

        Raises:
            WarehouseError: it does not start; the message says what the server said.
        """
        if self._claim is not None and self._is_up():
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._alone(), ExitStack() as undo:
            undo.callback(self._leave)
            self._join()
            self._create()
            if not self._is_up():
                self._launch(port=None)
            self._create_database()
            undo.pop_all()
        atexit.register(self.stop)

    def stop(self) -> None:
        """Leave the server; stop it if nobody else uses it."""
        if self._claim is None:
            return
        atexit.unregister(self.stop)
        with self._alone(), ExitStack() as leaving:
            leaving.callback(self._leave)
            if self._is_last() and self._is_up():
                self._halt()

    def serve(self, port: int | None = None) -> int:
        """Listen on 127.0.0.1 too; the port asked for, or the one used before, or a free one.

        A server that runs without is restarted when none of its sessions is at work; they connect again.

        Raises:
            ConfigurationError: the port can't be used.
            WarehouseError: some session was at work all the time it waited.
        """
        self.start()
        with self._alone():
            current = self._tcp_port()
            wanted = port or current or self._usual_port()
            if current != wanted:
                _refuse_taken(wanted)
                self._wait_until_quiet()
                self._move_to(wanted)
            self._make_password()
        return wanted

    @property
    def reader_password(self) -> str:
        """The reader's password, made when the server was first served."""
        return self._password_file.read_text(encoding="ascii")

    def _join(self) -> None:
        if self._claim is None:
            self._claim = os.open(self.folder / "users.lock", os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._claim, fcntl.LOCK_SH)

    def _leave(self) -> None:
        if self._claim is not None:
            os.close(self._claim)
            self._claim = None

    def _is_last(self) -> bool:
        """Whether nobody else uses the server."""
        try:
            fcntl.flock(self._claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _create(self) -> None:
        """Make the data folder; it appears whole, so an interrupted attempt leaves no half of one."""
        if self.data.exists():
            return
        unfinished = self.data.with_name("data.unfinished")
        if unfinished.exists():
            shutil.rmtree(unfinished)
        self._programs.make_private(unfinished)
        self._programs.let_in(unfinished)
        # the built-in locale sorts alike on every system, before and after its updates
        self._programs.run(
            unfinished,
            "initdb",
            f"--username={OWNER}",
            "--encoding=UTF8",
            "--no-locale",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--auth=trust",
            "--no-instructions",
        )
        unfinished.rename(self.data)

    def _launch(self, port: int | None) -> None:
        self._programs.let_in(self.data)
        self._prepare_socket_folder()
        (self.data / "postgresql.conf").write_text(self._configuration(port), encoding="utf-8")
        (self.data / "pg_hba.conf").write_text(ACCESS, encoding="utf-8")
        self._forget_dead_server()
        log = self.data / "log"
        try:
            self._programs.run(self.data, "pg_ctl", "start", "--wait", f"--timeout={START_SECONDS}", "--log=log")
        except WarehouseError as error:
            said = log.read_text(encoding="utf-8", errors="replace").splitlines()[-5:] if log.exists() else []
            raise WarehouseError("\n".join([str(error), *said])) from error
        self._link_socket(port)

    def _halt(self) -> None:
        self._programs.run(self.data, "pg_ctl", "stop", "--wait", "--mode=fast", f"--timeout={START_SECONDS}")
        (self._socket_folder / f".s.PGSQL.{SOCKET_PORT}").unlink(missing_ok=True)
        if self._socket_folder != self.data:
            self._socket_folder.rmdir()

    def _move_to(self, port: int) -> None:
        """Restart on another port; without one if that fails, so that those at work find their server again."""
        self._halt()
        try:
            self._launch(port)
        except WarehouseError:
            self._launch(port=None)
            raise
        (self.folder / "port").write_text(f"{port}\n", encoding="ascii")

    def _configuration(self, port: int | None) -> str:
        # a list of folders: the double quotes keep commas and blanks inside a name
        folder = str(self._socket_folder).replace("'", "''").replace('"', '""')
        return CONFIGURATION.format(
            listen=LOOPBACK if port else "", port=port or SOCKET_PORT, socket_folder=f'"{folder}"'
        )

    @property
    def _password_file(self) -> Path:
        return self.folder / "reader_password"

    def _make_password(self) -> None:
        """Make the reader's password once, where only the project's owner can read it."""
        self._password_file.touch(mode=0o600)
        if not self.reader_password:
            self._password_file.write_text(secrets.token_urlsafe(24), encoding="ascii")

    def _create_database(self) -> None:
        with closing(self._connect(OWNER)) as connection, connection.cursor() as cursor:
            connection.autocommit = True
            cursor.execute("select 1 from pg_database where datname = %s", [DATABASE])
            if cursor.fetchone() is None:
                name = sql.Identifier(DATABASE)
                cursor.execute(sql.SQL("create database {}").format(name))
                # nobody but the owner and the reader has business here, not even with temporary tables
                cursor.execute(sql.SQL("revoke all on database {} from public").format(name))

    def _is_up(self) -> bool:
        """Whether the server answers; one that is recovering from a crash is waited for."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            try:
                self._connect(OWNER).close()
            except psycopg2.OperationalError as error:
                if "FATAL" not in str(error):
                    return False
            else:
                return True
            time.sleep(0.1)
        raise WarehouseError(f"the server in {self.folder} has not become ready; its log is {self.data / 'log'}")

    def _connect(self, database: str) -> psycopg2.extensions.connection:
        return psycopg2.connect(
            host=str(self._socket_folder), port=SOCKET_PORT, user=OWNER, dbname=database, connect_timeout=10
        )

    def _tcp_port(self) -> int | None:
        with closing(self._connect(OWNER)) as connection, connection.cursor() as cursor:
            cursor.execute("select current_setting('listen_addresses'), current_setting('port')::integer")
            listen, port = cursor.fetchone()
        return port if listen else None

    def _usual_port(self) -> int:
        remembered = self.folder / "port"
        if remembered.exists():
            return int(remembered.read_text(encoding="ascii"))
        return FIRST_PORT if _is_free(FIRST_PORT) else _free_port()

    def _wait_until_quiet(self) -> None:
        """Wait for a moment in which no session is at work."""
        deadline = time.monotonic() + QUIET_SECONDS
        with closing(self._connect(OWNER)) as connection, connection.cursor() as cursor:
            connection.autocommit = True
            while True:
                cursor.execute(statement("sessions_at_work"))
                busy = sorted({name for (name,) in cursor})
                if not busy:
                    return
                if time.monotonic() > deadline:
                    raise WarehouseError(
                        f"the server can't be restarted to listen on TCP: {', '.join(busy)} kept it busy for "
                        f"{QUIET_SECONDS} seconds; try again when that is over"
                    )
                time.sleep(0.2)

    @cached_property
    def _socket_folder(self) -> Path:
        """The data folder, unless its path is too long for a socket or would be read as several hosts."""
        path = str(self.data / f".s.PGSQL.{SOCKET_PORT}")
        if len(os.fsencode(path)) <= SOCKET_PATH_LIMIT and "," not in path:
            return self.data
        return Path("/tmp") / f"tuoke-{hashlib.sha256(os.fsencode(self.data)).hexdigest()[:16]}"

    def _prepare_socket_folder(self) -> None:
        folder = self._socket_folder
        if folder == self.data:
            return
        if not folder.exists():
            self._programs.make_private(folder)
        found = folder.lstat()
        # /tmp is everybody's: someone else may have been there first
        if found.st_uid != self.data.stat().st_uid or found.st_mode & 0o077 or folder.is_symlink():
            raise WarehouseError(f"{folder} is not a private folder of the server's account; remove it")

    def _link_socket(self, port: int | None) -> None:
        """Keep the socket where clients look for it: its name follows the TCP port."""
        if port not in (None, SOCKET_PORT):
            usual = self._socket_folder / f".s.PGSQL.{SOCKET_PORT}"
            usual.unlink(missing_ok=True)
            usual.symlink_to(f".s.PGSQL.{port}")

    def _forget_dead_server(self) -> None:
        """Remove what a crashed server left, if its process number is another's by now; Postgres can't tell."""
        for left in (self.data / "postmaster.pid", *self._socket_folder.glob(".s.PGSQL.*.lock")):
            if left.exists() and not _is_server(left.read_text().partition("\n")[0], self.data):
                left.unlink()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Starting, stopping and restarting is done by one process at a time."""
        with open(self.folder / "start.lock", "w", encoding="ascii") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _is_server(process_id: str, data: Path) -> bool:
    """Whether a process is the server of a data folder: it stands in it."""
    try:
        return Path(psutil.Process(int(process_id)).cwd()) == data
    except (ValueError, psutil.NoSuchProcess):
        return False
    except psutil.AccessDenied:
        # another account's; Postgres sees that too, and decides
        return True


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return probe.getsockname()[1]


def _refuse_taken(port: int) -> None:
    if not 1024 <= port <= 65535:
        raise ConfigurationError(f"port {port} can't be used; choose one from 1024 to 65535")
    if not _is_free(port):
        raise ConfigurationError(f"port {port} of {LOOPBACK} is taken by another program; choose another with --port")
