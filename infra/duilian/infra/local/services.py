"""The data services of one machine together: PostgreSQL and the object store, from empty folder to ready."""

from __future__ import annotations

from pathlib import Path

import msgspec

from duilian.infra.local.plan import Ports
from duilian.infra.local.postgres import LocalPostgres
from duilian.infra.local.seaweedfs import REGION, LocalObjectStore
from duilian.infra.local.supervisor import Supervisor
from duilian.infra.settings import Settings


class DataServices:
    """Starts both side by side, then makes roles, database and bucket."""

    def __init__(self, data_dir: Path, ports: Ports, *, durable: bool = True) -> None:
        self.postgres = LocalPostgres(data_dir, ports.postgres, durable=durable)
        self.store = LocalObjectStore(data_dir, ports.store)

    def start(self, supervisor: Supervisor, bucket: str) -> None:
        """Raises StartFailed, ClusterUnusable."""
        store = supervisor.launch(self.store.command())
        self.postgres.prepare()
        supervisor.start(self.postgres.command())
        self.postgres.create_roles()
        store.wait_ready()
        self.store.create_bucket(bucket)

    def settings(self, settings: Settings) -> Settings:
        """`settings` with the addresses and keys of these services."""
        return msgspec.structs.replace(
            settings,
            database_url=self.postgres.database_url,
            database_owner_url=self.postgres.database_owner_url,
            s3_endpoint=self.store.endpoint,
            s3_region=REGION,
            s3_access_key=self.store.access_key,
            s3_secret_key=self.store.secret_key,
        )
