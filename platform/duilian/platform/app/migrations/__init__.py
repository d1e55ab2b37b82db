"""Migrations by Alembic, run as the owner's role. `upgrade` is safe to repeat."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine

from duilian.infra.settings import Settings, load

HERE = Path(__file__).parent


def upgrade(owner_url: str, revision: str = "head", settings: Settings | None = None) -> None:
    """Bring the database to `revision`. settings: where the keys lie that existing rows are sealed with."""
    engine = create_engine(owner_url)
    try:
        with engine.begin() as connection:
            command.upgrade(_config(connection, settings or load()), revision)
    finally:
        engine.dispose()


def _config(connection: object, settings: Settings) -> Config:
    config = Config()
    config.set_main_option("script_location", str(HERE))
    config.attributes["connection"] = connection
    config.attributes["settings"] = settings
    return config
