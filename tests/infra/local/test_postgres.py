"""The local PostgreSQL: who may do what, and that what was committed survives a kill -9."""

from __future__ import annotations

import os
import shutil
import signal
import stat
from collections.abc import Callable
from pathlib import Path

import psutil
import psycopg
import pytest

from duilian.infra.local import installation
from duilian.infra.local.errors import ClusterUnusable
from duilian.infra.local.postgres import LocalPostgres

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root lends PostgreSQL another account")


def connect(url: str) -> psycopg.Connection:
    return psycopg.connect(url.replace("+psycopg", ""), autocommit=True)


def test_application_role_is_neither_owner_nor_superuser(postgres: LocalPostgres) -> None:
    with connect(postgres.database_url) as app:
        rights = app.execute(
            "select rolsuper, rolbypassrls, rolcreatedb, rolcreaterole from pg_roles where rolname = current_user"
        ).fetchone()
        owner = app.execute(
            "select pg_get_userbyid(datdba) from pg_database where datname = current_database()"
        ).fetchone()
    assert rights == (False, False, False, False)
    assert owner == ("duilian_owner",)


def test_application_role_cannot_create_tables(postgres: LocalPostgres) -> None:
    with connect(postgres.database_url) as app, pytest.raises(psycopg.errors.InsufficientPrivilege):
        app.execute("create table mine (i int)")


def test_owner_cannot_create_databases(postgres: LocalPostgres) -> None:
    with connect(postgres.database_owner_url) as owner, pytest.raises(psycopg.errors.InsufficientPrivilege):
        owner.execute("create database more")


@pytest.mark.parametrize("role", ["postgres", "duilian_owner", "duilian_app"])
def test_nobody_enters_without_the_password(postgres: LocalPostgres, role: str) -> None:
    for password in ("", "wrong", role):
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(
                host="127.0.0.1", port=postgres.port, user=role, password=password, dbname="postgres"
            )


def test_passwords_are_stored_as_scram(postgres: LocalPostgres) -> None:
    with postgres._admin() as admin:
        stored = admin.execute("select rolpassword from pg_authid where rolcanlogin").fetchall()
    assert len(stored) == 3
    assert all(password.startswith("SCRAM-SHA-256$") for (password,) in stored)


def test_listens_on_loopback_only(postgres: LocalPostgres) -> None:
    listening = [
        found for found in psutil.Process(postgres.pid).net_connections("inet") if found.status == "LISTEN"
    ]
    assert {found.laddr.ip for found in listening} == {"127.0.0.1"}


def test_passwords_file_is_private(postgres: LocalPostgres, data_dir: Path) -> None:
    assert stat.S_IMODE((data_dir / "postgres.json").stat().st_mode) == 0o600
    assert not list(postgres.cluster.home.glob("*password*"))


@as_root
def test_server_of_root_has_no_rights(postgres: LocalPostgres) -> None:
    assert psutil.Process(postgres.pid).uids().real == 65534
    assert psutil.Process(postgres.pid).gids().real != 0


def test_isolated_databases(postgres: LocalPostgres) -> None:
    urls = postgres.create_database("one_run")
    with connect(urls.owner) as owner:
        owner.execute("create table t (i int)")
    with connect(urls.app) as app:
        assert app.execute("select current_database()").fetchone() == ("one_run",)
    postgres.drop_database("one_run")
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        connect(urls.app)


def test_extensions_the_platform_may_want_are_there(postgres: LocalPostgres) -> None:
    with connect(postgres.database_owner_url) as owner:
        owner.execute("create extension if not exists pg_trgm")
        assert owner.execute("select similarity('interview', 'interviews') > 0.7").fetchone() == (True,)


def test_committed_rows_survive_kill_and_a_new_start(folder: Path, free_ports: Callable[[int], int]) -> None:
    server = LocalPostgres(folder, free_ports(1))
    server.start()
    try:
        with connect(server.database_owner_url) as owner:
            owner.execute("create table t (i int)")
            owner.execute("insert into t select generate_series(1, 1000)")
        os.kill(server.pid, signal.SIGKILL)
        again = LocalPostgres(folder, free_ports(1))
        again.start()
        try:
            with connect(again.database_owner_url) as owner:
                assert owner.execute("select count(*) from t").fetchone() == (1000,)
        finally:
            again.stop()
    finally:
        server.stop()


def test_a_server_left_behind_is_replaced(folder: Path, free_ports: Callable[[int], int]) -> None:
    left = LocalPostgres(folder, free_ports(1), durable=False)
    left.start()
    again = LocalPostgres(folder, free_ports(1), durable=False)
    again.start()
    try:
        assert not left._process or not left._process.running
        with connect(again.database_url) as app:
            assert app.execute("select 1").fetchone() == (1,)
    finally:
        again.stop()
        left.stop()


def test_lock_whose_number_is_another_process_now(folder: Path, free_ports: Callable[[int], int]) -> None:
    server = LocalPostgres(folder, free_ports(1), durable=False)
    server.start()
    server.stop()
    lock = server.cluster.path / "postmaster.pid"
    lock.write_text(f"{os.getpid()}\n{server.cluster.path}\n1\n{server.port}\n\n127.0.0.1\n")
    lock.chmod(0o600)
    server.start()
    try:
        assert psutil.Process(server.pid).is_running()
    finally:
        server.stop()


def test_lost_passwords_are_told(folder: Path, free_ports: Callable[[int], int]) -> None:
    server = LocalPostgres(folder, free_ports(1), durable=False)
    server.prepare()
    (folder / "postgres.json").unlink()
    with pytest.raises(ClusterUnusable, match=r"postgres\.json"):
        LocalPostgres(folder, free_ports(1))


def test_another_major_version_is_told(folder: Path, free_ports: Callable[[int], int]) -> None:
    server = LocalPostgres(folder, free_ports(1), durable=False)
    server.prepare()
    (server.cluster.path / "PG_VERSION").write_text("13\n")
    with pytest.raises(ClusterUnusable, match="PostgreSQL 13"):
        server.prepare()


@as_root
@pytest.mark.parametrize("durable", [True, False])
def test_unreachable_data_directory_is_left_closed(
    tmp_path: Path, free_ports: Callable[[int], int], durable: bool
) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    data = home / "data"
    server = LocalPostgres(data, free_ports(1), durable=durable)
    try:
        server.start()
        try:
            assert stat.S_IMODE(home.stat().st_mode) == 0o700
            assert server.cluster.home.parent == Path("/var/lib/duilian" if durable else "/var/tmp/duilian")
            assert LocalPostgres(data, server.port, durable=not durable).cluster.home == server.cluster.home
        finally:
            server.stop()
    finally:
        shutil.rmtree(server.cluster.home)


@as_root
def test_folder_of_another_user_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed, squatted = tmp_path / "closed", tmp_path / "squatted"
    closed.mkdir(mode=0o700)
    squatted.mkdir()
    os.chown(squatted, 65534, 65534)
    monkeypatch.setitem(installation.ELSEWHERE, True, squatted)
    with pytest.raises(ClusterUnusable, match="another user"):
        LocalPostgres(closed, 1)
