"""Settings: environment before file before default, and a wrong value names itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from duilian.infra.keys import FileKeyProvider, KeyUnusable
from duilian.infra.settings import WrongSetting, is_secret, load, load_with_sources


def test_environment_wins_over_file_over_default(tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text("DUILIAN_PORT=8001\nDUILIAN_LOG_LEVEL=DEBUG\n")
    loaded = load_with_sources({"DUILIAN_PORT": "8002"}, file)
    assert (loaded.settings.port, loaded.settings.log_level, loaded.settings.s3_bucket) == (
        8002,
        "DEBUG",
        "duilian",
    )
    assert loaded.sources["port"] == "environment"
    assert loaded.sources["log_level"] == f"file {file}"
    assert loaded.sources["s3_bucket"] == "default"


@pytest.mark.parametrize(
    ("name", "value"), [("DUILIAN_PORT", "web"), ("DUILIAN_PORT", "70000"), ("DUILIAN_DEVICE", "toaster")]
)
def test_wrong_value_names_the_setting_and_its_source(name: str, value: str, tmp_path: Path) -> None:
    with pytest.raises(WrongSetting, match=name) as caught:
        load({name: value}, tmp_path / "none")
    assert caught.value.params["source"] == "environment"


def test_misspelt_name_in_the_file_is_told(tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text("DUILIAN_PROT=8001\n")
    with pytest.raises(WrongSetting, match="DUILIAN_PROT"):
        load({}, file)


def test_secrets_are_known() -> None:
    assert is_secret("s3_secret_key")
    assert is_secret("database_url")
    assert not is_secret("port")


def test_master_key_must_be_private_and_whole(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "master.key"
    with pytest.raises(KeyUnusable, match="no master key"):
        FileKeyProvider(path)
    FileKeyProvider.create(path)
    first = path.read_bytes()
    FileKeyProvider.create(path)
    assert path.read_bytes() == first, "an existing key is never replaced"
    path.chmod(0o644)
    with pytest.raises(KeyUnusable, match="chmod 600"):
        FileKeyProvider(path)
    path.chmod(0o600)
    path.write_text("c2hvcnQ=")
    with pytest.raises(KeyUnusable, match="32 bytes"):
        FileKeyProvider(path)
