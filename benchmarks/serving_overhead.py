"""What serving costs above the work: the embedded process over calling the step, Ray over a bare Ray Serve echo.

    python benchmarks/serving_overhead.py [--data FOLDER] [--rounds 3] [--calls 300] [--no-process] [--no-ray]

Embedded: transcribing the shortest answers through HTTP by the time of the step in Python, both one after the other
(goal 1.15). Ray: our /v1/embed with a text whose vector is remembered, by the peer's echo of the same bytes (goal
1.3); the peer has the same shape, an ingress that hands the body to a second deployment. The same against an echo
without the second hop is printed too: it is what a step behind an ingress costs at all.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

import httpx
import msgspec
from peers.goals import at_most
from peers.loads import serving_process, shortest_answers

import ending
from duilian.infra.settings import load
from duilian.serving import contracts as c
from duilian.serving.loading import load_recogniser
from ray_cluster import RayCluster, ray_cluster
from stacks import free_block

GOAL_PROCESS, GOAL_RAY = 1.15, 1.3
ECHO = "peers.ray_echo:"
Call = Callable[[], object]


def main() -> None:
    arguments = _arguments()
    good = arguments.no_process or embedded(arguments)
    if not arguments.no_ray:
        good &= ray(arguments)
    sys.exit(0 if good else 1)


def embedded(arguments: argparse.Namespace) -> bool:
    answers = shortest_answers(arguments.data, 4)
    requests = [c.TranscribeRequest(audio=a.samples.tobytes(), language=a.language) for a in answers]
    step = load_recogniser(load()).step
    with serving_process() as server, http(server.url, server.token) as client:
        bodies = [msgspec.msgpack.encode(request) for request in requests]

        def over_http() -> None:
            for body in bodies:
                client.post("/v1/transcribe", content=body).raise_for_status()

        def in_python() -> None:
            for request in requests:
                step.transcribe(request)

        ratio = ratio_of(over_http, in_python, arguments.rounds)
    return at_most("embedded process by the step in Python", ratio, GOAL_PROCESS)


def ray(arguments: argparse.Namespace) -> bool:
    body = msgspec.msgpack.encode(c.EmbedRequest(texts=["你好"]))
    settings = {"PYTHONPATH": str(Path(__file__).parent)}
    with ray_cluster(free_block(), settings) as cluster, http(cluster.url, cluster.token) as client:
        cluster.wait_for(200)
        for peer, route in (("one", "/echo-one"), ("two", "/echo-two")):
            cluster.applications.append({"name": peer, "route_prefix": route, "import_path": ECHO + peer})
        cluster.deploy()
        wait_for_echoes(client, cluster)
        ours, two, one = interleaved(
            [
                lambda: client.post("/v1/embed", content=body).raise_for_status(),
                lambda: client.post("/echo-two", content=body).raise_for_status(),
                lambda: client.post("/echo-one", content=body).raise_for_status(),
            ],
            arguments.calls,
        )
    print(
        f"p50: ours {ours * 1e3:.2f} ms, echo of the same shape {two * 1e3:.2f}, of one hop {one * 1e3:.2f}"
    )
    print(f"our Ray application by a bare echo of one hop: ratio {ours / one:.3f}, no goal")
    return at_most("our Ray application by a bare echo of the same shape", ours / two, GOAL_RAY)


def wait_for_echoes(client: httpx.Client, cluster: RayCluster) -> None:
    deadline = time.monotonic() + 120
    while {client.post(path, content=b"x").status_code for path in ("/echo-one", "/echo-two")} != {200}:
        if time.monotonic() > deadline:
            raise TimeoutError("the peers never answered")
        time.sleep(0.5)
    cluster.wait_for(200)


def ratio_of(ours: Call, peer: Call, rounds: int) -> float:
    """Of the best rounds, taken in turn."""
    ours(), peer()
    times = [(seconds(ours), seconds(peer)) for _ in range(rounds)]
    return min(t[0] for t in times) / min(t[1] for t in times)


def interleaved(calls: list[Call], count: int) -> list[float]:
    """Median seconds of each call, taken in turn so that the machine's moods meet all alike."""
    for call in calls:
        for _ in range(20):
            call()
    times: list[list[float]] = [[] for _ in calls]
    for _ in range(count):
        for call, found in zip(calls, times, strict=True):
            found.append(seconds(call))
    return [statistics.median(found) for found in times]


def seconds(call: Call) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


@contextmanager
def http(url: str, token: str) -> Generator[httpx.Client]:
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=url, headers=headers, timeout=120, trust_env=False) as client:
        yield client


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="What serving costs above the work.")
    parser.add_argument("--data", type=Path, help="folder with transcripts.json")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--calls", type=int, default=300)
    parser.add_argument("--no-process", action="store_true")
    parser.add_argument("--no-ray", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    ending.run(main)
