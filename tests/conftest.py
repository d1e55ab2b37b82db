"""The whole platform, once for the session: real PostgreSQL, object store, models, worker, web."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from duilian.platform.app.screen import Screen
from duilian.platform.app.up import Stack, running
from language_endpoint import Endpoint, serving
from name_server import NameServer
from otlp import Received, receiver
from stacks import free_block
from world import World, open_world

# Files that take longest, from about five minutes down to one. They are begun first: one that is begun last would be
# waited for by processes that have nothing left to do. Those that use the cores most stand apart from each other.
LONG = (
    "serving/test_contract.py",
    "serving/test_faults.py",
    "tenancy/test_route_sweep.py",
    "browser/test_journey.py",
    "platform/test_openapi.py",
    "tenancy/test_fuzz.py",
    "customization/test_adapters.py",
    "platform/test_labels.py",
    "browser/test_live.py",
    "platform/test_training.py",
    "platform/test_lab.py",
    "customization/test_lab.py",
    "platform/test_vocabulary.py",
    "browser/test_labelling.py",
    "tenancy/test_key_rotation.py",
    "browser/test_network.py",
    "platform/test_live.py",
    "browser/test_console.py",
    "infra/test_upgrade.py",
    "browser/test_choices.py",
    "serving/test_triton.py",
    "browser/test_onboarding.py",
    "stories/test_kill.py",
    "platform/test_interview.py",
    "browser/test_training.py",
    "browser/test_lab.py",
    "browser/test_feedback.py",
    "platform/test_tenant_heads.py",
    "platform/test_retention.py",
    "platform/test_transcript_correction.py",
    "browser/test_devices.py",
    "browser/test_sign_in.py",
    "browser/test_leaving.py",
)
# Files that need the same Ray cluster: one process runs them one after the other.
TOGETHER = {"tests/serving/test_faults.py": "tests/serving/test_contract.py"}


class _Files(LoadFileScheduling):
    """xdist's own, file by file, but for those that belong together."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return TOGETHER.get(file, file)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling | None:
    return _Files(config, log) if config.getoption("dist") == "loadfile" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first; the rest, and what is inside a file, stays in its order."""
    here = Path(__file__).parent
    rank = {here / name: number for number, name in enumerate(LONG)}
    assert all(path.is_file() for path in rank), "LONG names a file that is gone"
    items.sort(key=lambda item: rank.get(item.path, len(LONG)))


@pytest.fixture(scope="session")
def telemetry_of_stack() -> Iterator[Received]:
    """What the stack's processes send."""
    with receiver() as received:
        yield received


@pytest.fixture(scope="session")
def open_folder() -> Iterator[Path]:
    """A folder that the database's account can enter (pytest's own are closed to others)."""
    with tempfile.TemporaryDirectory(prefix="duilian-test-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


@pytest.fixture(scope="session")
def name_server() -> Iterator[NameServer]:
    """Where the stack looks for records of tenants' domains."""
    server = NameServer()
    yield server
    server.close()


@pytest.fixture(scope="session")
def language_model() -> Iterator[Endpoint]:
    """The language model that the stack asks where a tenant lets it; it is not there until a test says otherwise."""
    with serving(Endpoint(status=503)) as script:
        yield script


@pytest.fixture(scope="session")
def stack(
    open_folder: Path, telemetry_of_stack: Received, name_server: NameServer, language_model: Endpoint
) -> Iterator[Stack]:
    """A running stack on ports of its own; what crashes is restarted, as in `make up`."""
    overrides = {
        "port": free_block(),
        "data_dir": open_folder / "stack",
        "otlp_endpoint": telemetry_of_stack.endpoint,
        "outbound_loopback": True,
        "dns_resolvers": name_server.address,
        "start_codes": 1000,
        "language_url": language_model.url,
        "core_hour_price": "CNY:45,JPY:700",
    }
    os.environ["OTEL_METRIC_EXPORT_INTERVAL"] = "2000"  # milliseconds; the default is a minute
    quiet = Screen(Console(quiet=True))
    with running(overrides, quiet, with_seed=False, tests=True) as stack:
        watcher = threading.Thread(target=stack.supervisor.watch, daemon=True)
        watcher.start()
        yield stack
        stack.supervisor.request_stop()
        watcher.join(10)


@pytest.fixture(scope="session")
def alice(stack: Stack) -> World:
    """Alice's tenant; Bob is its member without rights on interviews."""
    return open_world(stack.settings)


@pytest.fixture(scope="session")
def charlie(stack: Stack) -> World:
    """An outsider's tenant."""
    return open_world(stack.settings, "manufacturing")
