"""Learning on a Ray cluster: the model and each fold are a task; what they read and give goes through Ray's object store.

The worker is a client of the cluster (`ray://`), connected while a run learns. A task whose node is lost is run again by
Ray; a cluster that cannot be reached, or loses a task too often, is an error that the job waits for and a person sees.
"""

from __future__ import annotations

import socket
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import ray
from ray.exceptions import RayError, RayTaskError

from duilian.customization.training.costs import Where
from duilian.customization.training.folds import FOLDS, Material
from duilian.infra.errors import Problem, Unavailable
from duilian.platform.training.benches import Learnt, Tick
from duilian.platform.training.meter import measured

EVERY = 0.5  # seconds between two looks at the tasks, and at whether the run goes on
PATIENCE = 5.0  # seconds, until somebody listens at the address
PORT = 10001  # where Ray's client server listens unless told otherwise
RETRIES = 3  # of a task whose worker or node was lost
HEAD = -1
Part = tuple[Any, float]  # a model or a fold, and its CPU seconds. Any: both are read where they are used
Ref = Any  # a reference of Ray's client; the library gives it no type of its own


class ClusterUnusable(Unavailable):
    """The job waits and tries again; it is never run here instead."""

    code = "training-cluster-unusable"
    zh = "训练所用的 Ray 集群暂时无法使用：{reason}。系统会自动重试。"
    en = "The Ray cluster that training runs on cannot be used: {reason}. It is tried again."


class RayBench:
    """address: `ray://host:10001`. wheel: of ours, taken by the tasks as runtime environment; "" where nodes have it."""

    where: Where = "ray"

    def __init__(self, address: str, wheel: str = "") -> None:
        self._address, self._wheel = address, wheel

    def learn(self, material: Material, tick: Tick) -> Learnt:
        """Raises what the tick raises, ClusterUnusable, OneMark, NothingToLearn."""
        (head, seconds), *folds = self._parts(material, tick)
        return Learnt(head, [found for found, _ in folds], seconds + sum(more for _, more in folds))

    def _parts(self, material: Material, tick: Tick) -> list[Part]:
        with self._connected():
            given, task = ray.put(material), ray.remote(part)
            remote = task.options(num_cpus=1, max_retries=RETRIES, retry_exceptions=False)
            refs: list[Ref] = [remote.remote(given, number) for number in (HEAD, *range(FOLDS))]
            return _waited(refs, tick)

    @contextmanager
    def _connected(self) -> Generator[None]:
        environment = {"py_modules": [self._wheel]} if self._wheel else {}
        self._knock()
        try:
            context: Any = ray.init(  # Any: its own type hides the client's
                self._address, allow_multiple=True, runtime_env=environment, namespace="duilian-training",
                log_to_driver=False,
            )  # fmt: skip
        except (ConnectionError, RuntimeError, RayError) as error:
            raise ClusterUnusable(reason=_reason(error)) from error
        try:
            with context:
                yield
        except RayTaskError as error:
            raise _cause(error) from error
        except (ConnectionError, RayError) as error:
            raise ClusterUnusable(reason=_reason(error)) from error
        finally:
            context.disconnect()

    def _knock(self) -> None:
        """Ray's client asks for half a minute where nobody listens."""
        place = urlsplit(self._address)
        try:
            socket.create_connection((place.hostname or "", place.port or PORT), PATIENCE).close()
        except OSError as error:
            raise ClusterUnusable(reason=f"{place.netloc}: {error.strerror or error}") from error


def part(material: Material, number: int) -> Part:
    """Runs on the cluster."""
    return measured(material.head) if number == HEAD else measured(material.fold, number)


def _waited(refs: list[Ref], tick: Tick) -> list[Part]:
    """What ends them early (a cancelled run, a failed task) ends all of them."""
    try:
        open_refs = refs
        while open_refs:
            tick(1 - len(open_refs) / len(refs))
            done, open_refs = ray.wait(open_refs, num_returns=len(open_refs), timeout=EVERY)
            ray.get(done)
        return ray.get(refs)
    except BaseException:
        for ref in refs:
            ray.cancel(ref, force=True)
        raise


def _cause(error: RayTaskError) -> Exception:
    """What the task itself raised, where it is one of ours."""
    return error.cause if isinstance(error.cause, Problem) else error


def _reason(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".strip().partition("\n")[0][:200]
