"""The settings of a stack on one machine: every port from one number, every path inside one folder.

Web is `port`, serving the next, PostgreSQL the one after, the mail catcher the one after that, the object store ten
ports from `port` + 10.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from duilian.infra.local.files import kept_secrets, write_private
from duilian.infra.local.preflight import Place, PortUse
from duilian.infra.local.seaweedfs import PORTS as STORE_PORTS
from duilian.infra.settings import PREFIX, Loaded, Settings, load_with_sources

ENV_FILE = "env"
HEADER = "# Written by duilian up: the settings in force. It is replaced at each start; set your own in the environment.\n"
T = TypeVar("T")
PORT_OPTION = "--port (make up PORT=…)"
FOLDER_OPTION = "--data-dir (make up DATA_DIR=…)"


@dataclass(frozen=True, slots=True)
class Ports:
    web: int
    serving: int
    postgres: int
    mail: int
    store: int

    def uses(self) -> list[PortUse]:
        """What preflight checks."""
        named = {self.web: "web", self.serving: "serving", self.postgres: "PostgreSQL", self.mail: "mail"}
        named |= dict.fromkeys(range(self.store, self.store + STORE_PORTS), "object store")
        return [PortUse(port, purpose, PORT_OPTION) for port, purpose in named.items()]


def ports_of(settings: Settings) -> Ports:
    """The ports that belong to `settings.port`."""
    return Ports(
        settings.port, settings.serving_port, settings.port + 2, settings.port + 3, settings.port + 10
    )


def keeps_mail(settings: Settings) -> bool:
    """Whether mail stays on this machine: so it is where no server was named."""
    return settings.smtp_url == _catcher(settings.port)


def _catcher(port: int) -> str:
    return f"smtp://127.0.0.1:{port + 3}"


def own_serving(host: str, port: int) -> str:
    """Address of the model tier that `duilian up` starts, unless another one is named."""
    return f"http://{host}:{port}"


def runs_serving(settings: Settings) -> bool:
    """Whether the model tier runs here: so it is where no other address was given."""
    return settings.serving_url == own_serving(settings.serving_host, settings.serving_port)


def places_of(settings: Settings) -> list[Place]:
    """The folders preflight checks."""
    return [
        Place(settings.data_dir, FOLDER_OPTION),
        Place(settings.models_dir, f"{PREFIX}MODELS_DIR"),
    ]


def plan(overrides: Mapping[str, object], environment: Mapping[str, str] | None = None) -> Settings:
    """Settings from the environment, `overrides` (by field name) first; paths absolute. Raises WrongSetting.

    What an earlier start wrote is not read: a number given once would otherwise stay for ever.
    """
    given = dict(os.environ if environment is None else environment)
    given |= {PREFIX + name.upper(): str(value) for name, value in overrides.items()}
    loaded = load_with_sources(given, Path(given.get(f"{PREFIX}SETTINGS", os.devnull)))
    settings = loaded.settings
    data_dir = settings.data_dir.absolute()
    return msgspec.structs.replace(
        settings,
        data_dir=data_dir,
        models_dir=settings.models_dir.absolute(),
        master_key_file=_unless_given(loaded, "master_key_file", data_dir / "master.key").absolute(),
        audit_key_file=_unless_given(loaded, "audit_key_file", data_dir / "audit.key").absolute(),
        serving_port=(serving_port := _unless_given(loaded, "serving_port", settings.port + 1)),
        serving_url=_unless_given(loaded, "serving_url", own_serving(settings.serving_host, serving_port)),
        smtp_url=_unless_given(loaded, "smtp_url", _catcher(settings.port)),
        public_url=_unless_given(loaded, "public_url", f"http://127.0.0.1:{settings.port}"),
    )


def with_serving_token(settings: Settings) -> Settings:
    """A token of its own for the model tier, kept in the data directory, where none was given."""
    if settings.serving_token:
        return settings
    kept = kept_secrets(settings.data_dir / "serving.json", ("token",))
    return msgspec.structs.replace(settings, serving_token=kept["token"])


def environment_of(settings: Settings) -> dict[str, str]:
    """The settings as DUILIAN_* variables."""
    return {PREFIX + name.upper(): str(getattr(settings, name)) for name in Settings.__struct_fields__}


def write_environment(settings: Settings) -> Path:
    """Writes `data_dir/env` (0600), which other commands read; returns its path."""
    lines = [f"{name}={quoted(value)}\n" for name, value in environment_of(settings).items() if value]
    path = settings.data_dir / ENV_FILE
    write_private(path, HEADER + "".join(lines))
    return path


def quoted(value: str) -> str:
    """A value as the settings file spells it: single quotes, nothing expanded."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _unless_given(loaded: Loaded, name: str, otherwise: T) -> T:
    return otherwise if loaded.sources[name] == "default" else getattr(loaded.settings, name)
