"""The settings of a local stack: one number gives the ports, one folder the paths, one file tells the rest."""

from __future__ import annotations

import stat
from pathlib import Path

import msgspec
import pytest

from duilian.infra.local.plan import (
    environment_of,
    keeps_mail,
    plan,
    ports_of,
    with_serving_token,
    write_environment,
)
from duilian.infra.settings import WrongSetting, load


def test_one_port_moves_every_other(tmp_path: Path) -> None:
    settings = plan({"port": 9000, "data_dir": tmp_path}, {})
    assert (settings.serving_port, settings.serving_url) == (9001, "http://127.0.0.1:9001")
    assert settings.public_url == "http://127.0.0.1:9000"
    uses = [use.port for use in ports_of(settings).uses()]
    assert uses == [9000, 9001, 9002, 9003, *range(9010, 9020)]
    assert settings.smtp_url == "smtp://127.0.0.1:9003"
    assert keeps_mail(settings)


def test_named_mail_server_is_used(tmp_path: Path) -> None:
    settings = plan({"data_dir": tmp_path}, {"DUILIAN_SMTP_URL": "smtps://mail.example"})
    assert settings.smtp_url == "smtps://mail.example"
    assert not keeps_mail(settings)


def test_what_was_given_stays(tmp_path: Path) -> None:
    given = {
        "DUILIAN_PUBLIC_URL": "https://interview.example",
        "DUILIAN_SERVING_PORT": "9100",
        "DUILIAN_PORT": "9000",
    }
    settings = plan({"data_dir": tmp_path, "port": 9050}, given)
    assert (settings.public_url, settings.serving_port, settings.port) == (
        "https://interview.example",
        9100,
        9050,
    )


def test_paths_are_absolute_and_inside_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = plan({"data_dir": "here"}, {})
    assert settings.data_dir == tmp_path / "here"
    assert settings.master_key_file == tmp_path / "here" / "master.key"
    assert settings.models_dir.is_absolute()


def test_wrong_value_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(WrongSetting, match="DUILIAN_PORT"):
        plan({"data_dir": tmp_path}, {"DUILIAN_PORT": "seventy"})


def test_written_file_gives_the_same_settings(tmp_path: Path) -> None:
    settings = with_serving_token(plan({"data_dir": tmp_path, "port": 9000}, {}))
    settings = msgspec.structs.replace(settings, api_key=r"it's a \ $HOME #key")
    path = write_environment(settings)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load({}, path) == settings
    assert load(environment_of(settings)) == settings


def test_serving_token_is_kept(tmp_path: Path) -> None:
    settings = plan({"data_dir": tmp_path}, {})
    first = with_serving_token(settings)
    assert len(first.serving_token) >= 32
    assert with_serving_token(settings).serving_token == first.serving_token
    own = msgspec.structs.replace(settings, serving_token="given")
    assert with_serving_token(own).serving_token == "given"
