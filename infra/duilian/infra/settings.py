"""Settings: one typed object. Environment first, then the settings file, then the default.

Each field is `DUILIAN_<FIELD>`. The file is the one named by `DUILIAN_SETTINGS`, else `.duilian/env` (written by
`duilian up`). A wrong value stops the start with the name of the setting and where it came from.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec
from dotenv import dotenv_values

from duilian.infra.errors import Problem

PREFIX = "DUILIAN_"
DEFAULT_FILE = Path(".duilian/env")
Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]
Rate = Annotated[int, msgspec.Meta(ge=1, le=100_000_000)]  # requests a minute, per web process
RayAddress = Annotated[str, msgspec.Meta(pattern="^(ray://[^/\\s]+)?$")]
Prices = Annotated[
    str, msgspec.Meta(pattern="^([A-Z]{3}:[0-9]{1,9}(,[A-Z]{3}:[0-9]{1,9})*)?$")
]  # minor units
Secret = Annotated[str, msgspec.Meta(extra={"secret": True})]


class WrongSetting(Problem):
    status = 500
    code = "wrong-setting"
    zh = "设置 {name}（来自{source}）无效：{reason}。请改正后重新启动。"
    en = "Setting {name} (from {source}) is not valid: {reason}. Correct it and start again."


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What the processes need to know. docs/settings.md says what each is for; a test compares."""

    environment: Literal["development", "production"] = "development"
    data_dir: Path = Path(".duilian")
    models_dir: Path = Path("~/.cache/duilian/models")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    host: str = "127.0.0.1"
    port: Port = 8700
    public_url: str = "http://127.0.0.1:8700"

    database_url: Secret = ""
    database_owner_url: Secret = ""
    database_pool: Annotated[int, msgspec.Meta(ge=1, le=200)] = 10

    s3_endpoint: str = ""
    s3_region: str = "us-east-1"
    s3_bucket: str = "duilian"
    s3_access_key: Secret = ""
    s3_secret_key: Secret = ""

    key_provider: Literal["file", "openbao", "kms"] = "file"
    key_name: Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9-]{0,40}$")] = "duilian"
    master_key_file: Path = Path(".duilian/master.key")
    audit_key_file: Path = Path(".duilian/audit.key")
    openbao_address: str = ""
    openbao_token: Secret = ""
    openbao_mount: str = "transit"
    openbao_ca_file: str = ""
    kms_region: str = "us-east-1"
    kms_endpoint: str = ""

    serving_host: str = "127.0.0.1"
    serving_port: Port = 8701
    serving_url: str = "http://127.0.0.1:8701"
    serving_token: Secret = ""
    speech_model: str = "whisper-base"
    caption_model: str = "whisper-base"
    device: Literal["cpu", "cuda", "auto"] = "cpu"
    compute_type: Literal["int8", "int8_float16", "float16", "float32"] = "int8"
    cpu_threads: Annotated[int, msgspec.Meta(ge=0, le=256)] = 2
    executor: Literal["process", "triton"] = "process"
    triton_address: str = "127.0.0.1:8001"
    head_cache_bytes: Annotated[int, msgspec.Meta(ge=1 << 20)] = 256 << 20
    language_url: str = ""
    language_key: Secret = ""
    language_model: str = "qwen2.5-coder-1.5b-instruct"
    language_at_once: Annotated[int, msgspec.Meta(ge=1, le=256)] = 1
    language_daily_tokens: Annotated[int, msgspec.Meta(ge=0)] = 500_000
    step_seconds: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 600.0

    smtp_url: Secret = ""
    mail_from: str = "no-reply@duilian.example"

    training_python: Path = Path(".venv-training/bin/python")
    adapter_seconds: Annotated[float, msgspec.Meta(gt=0, le=86_400)] = 1800.0
    worker_concurrency: Annotated[int, msgspec.Meta(ge=1, le=64)] = 2
    core_hour_price: Prices = ""
    training_ray: RayAddress = ""
    training_ray_wheel: str = ""
    invitation_hours: Annotated[int, msgspec.Meta(ge=1, le=2400)] = 48
    tenant_deletion_days: Annotated[int, msgspec.Meta(ge=0, le=365)] = 14
    self_onboarding: bool = True
    start_codes: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 20
    trial_invitations: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 20
    trial_days: Annotated[int, msgspec.Meta(ge=1, le=3650)] = 30
    dns_resolvers: str = ""
    trusted_proxies: str = ""
    limit_network: Rate = 12_000
    limit_person: Rate = 1_200
    limit_tenant: Rate = 60_000
    outbound_loopback: bool = False
    otlp_endpoint: str = ""
    api_key: Secret = ""

    @property
    def public_host(self) -> str:
        return urlsplit(self.public_url).hostname or ""

    @property
    def secure_cookies(self) -> bool:
        return self.public_url.startswith("https://")


class Loaded(msgspec.Struct, frozen=True):
    """The settings in force and, per field, where the value came from."""

    settings: Settings
    sources: dict[str, str]


def is_secret(field: str) -> bool:
    hint = Settings.__annotations__[field]
    return "Secret" in str(hint)


def load(environment: Mapping[str, str] | None = None, file: Path | None = None) -> Settings:
    return load_with_sources(environment, file).settings


def load_with_sources(environment: Mapping[str, str] | None = None, file: Path | None = None) -> Loaded:
    """Raises WrongSetting naming the setting and its source."""
    env = os.environ if environment is None else environment
    path = file or Path(env.get(f"{PREFIX}SETTINGS", DEFAULT_FILE))
    from_file = (
        {k: v for k, v in dotenv_values(path, interpolate=False).items() if v is not None}
        if path.is_file()
        else {}
    )
    values: dict[str, object] = {}
    sources: dict[str, str] = {}
    for field in Settings.__struct_fields__:
        name = PREFIX + field.upper()
        sources[field] = "default"
        for source, mapping in (("environment", env), (f"file {path}", from_file)):
            if name in mapping:
                values[field] = _converted(field, mapping[name], source)
                sources[field] = source
                break
    _refuse_unknown(from_file, f"file {path}")
    settings = Settings(**values)  # pyright: ignore[reportArgumentType]  # each value was converted to its type
    return Loaded(msgspec.structs.replace(settings, models_dir=settings.models_dir.expanduser()), sources)


def _refuse_unknown(mapping: Mapping[str, str], source: str) -> None:
    """A misspelt name in the file is told, not ignored."""
    for name in mapping:
        if name.startswith(PREFIX) and name.removeprefix(PREFIX).lower() not in Settings.__struct_fields__:
            raise WrongSetting(name=name, source=source, reason="there is no such setting")


def _converted(field: str, text: str, source: str) -> object:
    types = {f.name: f.type for f in msgspec.structs.fields(Settings)}
    if types[field] is Path:
        return Path(text).expanduser()
    try:
        return msgspec.convert(text, types[field], strict=False)
    except msgspec.ValidationError as error:
        name = PREFIX + field.upper()
        raise WrongSetting(name=name, source=source, reason=str(error)) from error
