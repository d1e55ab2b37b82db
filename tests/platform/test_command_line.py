"""The command line: JSON where it says so, one clear line and a non-zero exit on error."""

from __future__ import annotations

import json
import secrets
from pathlib import Path

import pytest
import yaml

from commands import duilian, refused
from duilian.customization import packs
from duilian.platform.app.up import Stack

SPEECH = Path(__file__).parents[1] / "fixtures" / "speech"


def test_doctor_finds_everything_well(stack: Stack) -> None:
    result = duilian(stack, "doctor", "--json")
    findings = json.loads(result.stdout)
    assert [f["part"] for f in findings if not f["ok"]] == []
    assert {f["part"] for f in findings} >= {
        "database role",
        "isolation",
        "keys",
        "object store",
        "models",
        "serving",
    }
    assert result.returncode == 0


@pytest.mark.parametrize(
    ("part", "name", "value"),
    [
        ("database role", "DUILIAN_DATABASE_URL", "owner"),
        ("keys", "DUILIAN_MASTER_KEY_FILE", "/nowhere/master.key"),
        ("object store", "DUILIAN_S3_BUCKET", "no-such-bucket"),
        ("models", "DUILIAN_MODELS_DIR", "/nowhere/models"),
        ("serving", "DUILIAN_SERVING_URL", "http://127.0.0.1:9"),
        ("triton", "DUILIAN_EXECUTOR", "triton"),
        ("language model", "DUILIAN_LANGUAGE_URL", "http://127.0.0.1:9"),
    ],
)
def test_doctor_says_what_is_wrong(stack: Stack, part: str, name: str, value: str) -> None:
    wrong = stack.settings.database_owner_url if value == "owner" else value
    result = duilian(stack, "doctor", "--json", **{name: wrong})
    assert result.returncode == 1
    assert part in {f["part"] for f in json.loads(result.stdout) if not f["ok"]}


def test_env_names_sources_and_masks_secrets(stack: Stack) -> None:
    rows = {
        r["name"]: r for r in json.loads(duilian(stack, "env", "--json", DUILIAN_LOG_LEVEL="ERROR").stdout)
    }
    assert rows["DUILIAN_LOG_LEVEL"] == {
        "name": "DUILIAN_LOG_LEVEL",
        "value": "ERROR",
        "source": "environment",
    }
    assert rows["DUILIAN_S3_SECRET_KEY"]["value"] == "••••"
    assert rows["DUILIAN_DATABASE_URL"]["source"].startswith("file ")
    shown = {r["name"]: r["value"] for r in json.loads(duilian(stack, "env", "--json", "--secrets").stdout)}
    assert shown["DUILIAN_S3_SECRET_KEY"] == stack.settings.s3_secret_key


def test_wrong_setting_stops_the_start(stack: Stack) -> None:
    refused(duilian(stack, "web", DUILIAN_PORT="eighty"), "DUILIAN_PORT", "environment")


def test_transcribe_prints_words_with_times(stack: Stack) -> None:
    result = duilian(
        stack, "transcribe", str(SPEECH / "zh/weak/complaint/01.webm"), "--language", "zh", "--json"
    )
    transcript = json.loads(result.stdout)
    assert result.returncode == 0, result.stderr
    assert len(transcript["text"]) > 10
    assert "".join(w["text"] for w in transcript["words"]).strip() != ""
    times = [(w["start"], w["end"]) for w in transcript["words"]]
    assert all(0 <= start <= end for start, end in times)
    assert times == sorted(times)


def test_transcribe_refuses_in_one_line(stack: Stack, tmp_path: Path) -> None:
    broken = tmp_path / "broken.webm"
    broken.write_bytes(b"\x1a\x45\xdf\xa3 not a recording")
    refused(duilian(stack, "transcribe", str(broken)))
    refused(duilian(stack, "transcribe", str(tmp_path / "none.wav")), "none.wav")


def test_interview_run_refuses_in_one_line(stack: Stack, tmp_path: Path) -> None:
    refused(
        duilian(stack, "interview", "run", "--tenant", "nobody", "--set", "x", "--answers", str(tmp_path)),
        "API key",
    )
    key = ("--api-key", "dl_nobody_secret")
    refused(
        duilian(
            stack, "interview", "run", "--tenant", "nobody", "--set", "x", "--answers", str(tmp_path), *key
        ),
        "no answer files",
    )
    (tmp_path / "01.txt").write_text("你好")
    refused(
        duilian(
            stack, "interview", "run", "--tenant", "nobody", "--set", "x", "--answers", str(tmp_path), *key
        ),
        "not-signed-in",
    )


def tenant_file(folder: Path, **fields: object) -> str:
    source = yaml.safe_load((packs.SHIPPED / "retail" / "tenant.yaml").read_text("utf-8")) | fields
    path = folder / "tenant.yaml"
    path.write_text(yaml.safe_dump(source, allow_unicode=True), "utf-8")
    return str(path)


def test_tenant_create_opens_a_tenant_once(stack: Stack, tmp_path: Path) -> None:
    slug = f"c-{secrets.token_hex(4)}"
    options = ("--admin-email", "owner@shop.example", "--admin-password", "a long password", "--json")
    made = duilian(stack, "tenant", "create", tenant_file(tmp_path, slug=slug), *options)
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["tenant"]
    refused(duilian(stack, "tenant", "create", tenant_file(tmp_path, slug=slug), *options), slug, "taken")


def test_tenant_create_refuses_what_is_wrong(stack: Stack, tmp_path: Path) -> None:
    options = ("--admin-email", "owner@shop.example", "--admin-password", "a long password")
    refused(
        duilian(stack, "tenant", "create", tenant_file(tmp_path, slug="Bad Slug"), *options), "lower-case"
    )
    brand = yaml.safe_load((packs.SHIPPED / "retail" / "tenant.yaml").read_text("utf-8"))["brand"] | {
        "primary": "#ffee00"
    }
    refused(
        duilian(stack, "tenant", "create", tenant_file(tmp_path, slug="pale", brand=brand), *options),
        "contrast",
    )
    refused(
        duilian(stack, "tenant", "create", tenant_file(tmp_path, slug="odd", colour="red"), *options),
        "colour",
    )


def test_migrate_is_safe_to_repeat(stack: Stack) -> None:
    assert json.loads(duilian(stack, "migrate", "--json").stdout) == {"migrated": True}
