"""Triton's dynamic batching against single calls: the same model, the same callers, batching on and off.

    python benchmarks/triton_batching.py [--data FOLDER] [--callers 16] [--calls 4000]

The model is a tenant's linear one (384 numbers in, 5 out), whose work is small beside the call. The callers are threads
of several processes: those of one process wait for its interpreter, and both kinds then come to the same. Printed: calls
per second with dynamic batching by calls per second with a batch of one (median of rounds in turn), and the server's CPU
time a call, which does not hang on the callers.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import cache
from multiprocessing import get_context
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

import numpy as np
import psutil
from peers.goals import at_least

import ending
from duilian.infra.settings import load
from duilian.serving.triton.client import Triton
from duilian.serving.triton.tenants import TenantModels
from stacks import free_block
from triton_server import triton_server

FEATURES, LEVELS = 384, 5
GOAL = 1.0  # it must not cost more than it saves
PROCESSES, ROUNDS = 4, 5


def main() -> None:
    arguments = _arguments()
    random = np.random.default_rng(1)
    weights = random.standard_normal((FEATURES, LEVELS)).astype(np.float32)
    bias = np.zeros(LEVELS, np.float32)
    with (
        tempfile.TemporaryDirectory() as folder,
        triton_server(free_block(), Path(folder), load().models_dir) as server,
        ProcessPoolExecutor(PROCESSES, get_context("spawn")) as callers,
    ):
        assert server.process is not None
        models = TenantModels(Triton(server.address))
        names = {
            "single": models.load("single", weights, bias, most=1),
            "batched": models.load("batched", weights, bias),
        }
        rates: dict[str, list[float]] = {kind: [] for kind in names}
        computing = dict.fromkeys(names, 0.0)
        for _ in range(ROUNDS + 1):  # the first warms up
            for kind, name in names.items():
                before = cpu_seconds(server.process.pid)
                rates[kind].append(rate(callers, server.address, name, arguments))
                computing[kind] = cpu_seconds(server.process.pid) - before
    medians = {kind: statistics.median(found[1:]) for kind, found in rates.items()}
    for kind, found in medians.items():
        each = computing[kind] / arguments.calls * 1e6
        print(
            f"{kind:8} {found:8.0f} calls/s by {arguments.callers} callers, {each:.0f} µs of the server each"
        )
    ratio = medians["batched"] / medians["single"]
    sys.exit(0 if at_least("dynamic batching by single calls", ratio, GOAL) else 1)


def rate(callers: ProcessPoolExecutor, address: str, name: str, arguments: argparse.Namespace) -> float:
    """Calls per second of all processes together."""
    threads, calls = arguments.callers // PROCESSES, arguments.calls // PROCESSES
    began = time.perf_counter()
    list(callers.map(call, *zip(*[(address, name, threads, calls)] * PROCESSES, strict=True)))
    return arguments.calls / (time.perf_counter() - began)


def call(address: str, name: str, threads: int, calls: int) -> None:
    """In a process of its own; every answer is looked at."""
    models, rows = session(address)

    def one(number: int) -> bool:
        return models.run(name, rows[number % len(rows)]).shape == (1, LEVELS)

    assert all(pool(threads).map(one, range(calls)))


@cache
def session(address: str) -> tuple[TenantModels, np.ndarray]:
    rows = np.random.default_rng(2).standard_normal((64, 1, FEATURES)).astype(np.float32)
    return TenantModels(Triton(address)), rows


@cache
def pool(threads: int) -> ThreadPoolExecutor:
    """Kept, and with it a connection for each thread."""
    return ThreadPoolExecutor(threads)


def cpu_seconds(pid: int) -> float:
    """Of the server and the processes of its models."""
    root = psutil.Process(pid)
    times = [process.cpu_times() for process in [root, *root.children(recursive=True)]]
    return sum(one.user + one.system for one in times)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Triton's dynamic batching against single calls.")
    parser.add_argument(
        "--data", type=Path, help="taken for the same call as every benchmark; not needed here"
    )
    parser.add_argument("--callers", type=int, default=16)
    parser.add_argument("--calls", type=int, default=4000)
    return parser.parse_args()


if __name__ == "__main__":
    ending.run(main)
