"""Triton's dynamic batching against single calls: the same model, the same callers, batching on and off.

    python benchmarks/triton_batching.py [--data FOLDER] [--callers 16] [--calls 4000]

The model is a tenant's linear one (384 numbers in, 5 out), whose work is small beside the call. Printed: calls per
second with dynamic batching by calls per second with a batch of one.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

import numpy as np
from peers.goals import at_least

import ending
from duilian.infra.settings import load
from duilian.serving.triton.client import Triton
from duilian.serving.triton.tenants import TenantModels
from stacks import free_block
from triton_server import triton_server

FEATURES, LEVELS = 384, 5
GOAL = 1.0  # it must not cost more than it saves


def main() -> None:
    arguments = _arguments()
    random = np.random.default_rng(1)
    weights = random.standard_normal((FEATURES, LEVELS)).astype(np.float32)
    bias = np.zeros(LEVELS, np.float32)
    rows = random.standard_normal((64, 1, FEATURES)).astype(np.float32)
    with (
        tempfile.TemporaryDirectory() as folder,
        triton_server(free_block(), Path(folder), load().models_dir) as server,
    ):
        models = TenantModels(Triton(server.address))
        names = {
            "single": models.load("single", weights, bias, most=1),
            "batched": models.load("batched", weights, bias),
        }
        rates = {"single": 0.0, "batched": 0.0}
        for _ in range(3):
            for kind, name in names.items():
                rates[kind] = max(rates[kind], rate(models, name, rows, arguments))
    for kind, found in rates.items():
        print(f"{kind:8} {found:8.0f} calls/s by {arguments.callers} callers")
    ratio = rates["batched"] / rates["single"]
    sys.exit(0 if at_least("dynamic batching by single calls", ratio, GOAL) else 1)


def rate(models: TenantModels, name: str, rows: np.ndarray, arguments: argparse.Namespace) -> float:
    """Calls per second; every answer is looked at."""

    def one(number: int) -> bool:
        return models.run(name, rows[number % len(rows)]).shape == (1, LEVELS)

    with ThreadPoolExecutor(arguments.callers) as pool:
        assert all(pool.map(one, range(arguments.callers * 4)))
        began = time.perf_counter()
        assert all(pool.map(one, range(arguments.calls)))
    return arguments.calls / (time.perf_counter() - began)


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
