"""Tenants' own heads: an artefact that says what it is, memory counted in bytes, evicted fairly, never another's."""

from __future__ import annotations

import hashlib

import msgspec
import numpy as np
import pytest

from duilian.serving.contracts import HeadWanted
from duilian.serving.scoring import score
from duilian.serving.scoring.artefact import Artefact, HeadBroken, pack, unpack
from duilian.serving.scoring.heads import ArtefactNeeded, HeadCache
from heads import head_artefact, score_request

pytestmark = pytest.mark.models
WEIGHTS = np.linspace(-1, 1, 387, dtype="<f4")


def artefact(**changes: object) -> Artefact:
    fields = {
        "kind": "ordinal",
        "competency": "care",
        "encoder": "multilingual-e5-small",
        "encoder_version": "1571fc982750",
        "weights": WEIGHTS.tobytes(),
        "thresholds": [-1.5, -0.5, 0.5, 1.5],
    }
    return Artefact(**(fields | changes))


def test_an_ordinal_head_follows_proportional_odds():
    head = unpack(*pack(artefact(bias=0.25)))
    x = np.random.default_rng(2).standard_normal(387).astype(np.float32)
    latent = float(x @ WEIGHTS) + 0.25
    below = [1 / (1 + np.exp(-(t - latent))) for t in (-1.5, -0.5, 0.5, 1.5)]
    assert head.posterior(x) == pytest.approx(np.diff([0, *below, 1]), abs=1e-6)
    assert sum(head.posterior(x)) == pytest.approx(1)


def test_a_ridge_head_is_a_normal_distribution_cut_at_the_borders():
    head = unpack(*pack(artefact(kind="ridge", thresholds=[], residual=0.5, bias=4.0)))
    still = head.posterior(np.zeros(387, np.float32))
    assert int(np.argmax(still)) == 3 and still[3] == pytest.approx(0.6827, abs=1e-3)
    assert sum(still[:3]) == pytest.approx(still[4], abs=1e-9)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"thresholds": [0.0, 1.0, 2.0]}, "four rising thresholds"),
        ({"thresholds": [0.0, 2.0, 1.0, 3.0]}, "four rising thresholds"),
        ({"weights": b"\0\0\0"}, "float32"),
        ({"weights": np.full(387, np.nan, "<f4").tobytes()}, "not finite"),
        ({"kind": "ridge", "residual": 0.0}, "residual"),
    ],
)
def test_numbers_that_make_no_model_are_refused(changes, reason):
    with pytest.raises(HeadBroken, match=reason):
        pack(artefact(**changes))


def test_every_changed_byte_is_noticed():
    octets, sha256 = pack(artefact())
    for place in (0, len(octets) // 2, len(octets) - 1):
        damaged = octets[:place] + bytes([octets[place] ^ 1]) + octets[place + 1 :]
        with pytest.raises(HeadBroken, match="bytes are those of"):
            unpack(damaged, sha256)
    other = msgspec.msgpack.encode({"format": "duilian-head-9"})
    with pytest.raises(HeadBroken, match="duilian-head-9"):
        unpack(other, hashlib.sha256(other).hexdigest())


def wanted(number: int, sent: bool = True) -> HeadWanted:
    octets, sha256 = pack(artefact(bias=float(number)))
    return HeadWanted(competency="care", sha256=sha256, artefact=octets if sent else b"")


def test_a_head_is_asked_for_once_and_belongs_to_one_tenant():
    cache = HeadCache(1 << 20)
    with pytest.raises(ArtefactNeeded) as caught:
        cache.wanted("a", [wanted(1, sent=False)])
    assert caught.value.params["names"] == wanted(1).sha256
    cache.wanted("a", [wanted(1)])
    assert cache.wanted("a", [wanted(1, sent=False)])["care"].sha256 == wanted(1).sha256
    with pytest.raises(ArtefactNeeded):
        cache.wanted("b", [wanted(1, sent=False)])


def test_memory_is_counted_in_bytes():
    each = unpack(*pack(artefact())).bytes
    cache = HeadCache(10 * each)
    for number in range(50):
        cache.wanted(f"tenant {number}", [wanted(number)])
        assert cache.bytes <= 10 * each
    assert len(cache) == 10 and cache.bytes == 10 * each
    assert ("tenant 49", wanted(49).sha256) in cache and ("tenant 39", wanted(39).sha256) not in cache


def test_a_greedy_tenant_gives_up_its_own():
    """Forty heads of one tenant do not drive out the one head of another that is used now and then."""
    cache = HeadCache(10 * unpack(*pack(artefact())).bytes)
    cache.wanted("small", [wanted(0)])
    for number in range(1, 41):
        cache.wanted("greedy", [wanted(number)])
    assert ("small", wanted(0).sha256) in cache
    assert ("greedy", wanted(40).sha256) in cache


def test_one_that_is_larger_than_all_memory_still_works():
    cache = HeadCache(1)
    assert cache.wanted("a", [wanted(1)]) and len(cache) == 1
    assert cache.wanted("b", [wanted(2)]) and len(cache) == 1


def test_a_head_decides_the_level_and_never_the_evidence(embedder):
    cold = score(score_request(), embedder)
    assert [j.outcome for j in cold.judgements] == ["scored"]
    octets, sha256 = pack(head_artefact(embedder, level=5))
    (judged,) = (found := score(score_request(), embedder, {"care": unpack(octets, sha256)})).judgements
    assert int(np.argmax(judged.posterior)) == 4 and judged.posterior != cold.judgements[0].posterior
    assert judged.quotes == cold.judgements[0].quotes and judged.weight == cold.judgements[0].weight
    assert found.versions == cold.versions | {"head:care": sha256[:12]}
    nothing = score(score_request("我家养了一只猫。"), embedder, {"care": unpack(octets, sha256)})
    assert [j.outcome for j in nothing.judgements] == ["no_evidence"]


@pytest.mark.parametrize(
    "changes", [{"encoder_version": "000000000000"}, {"competency": "other"}, {"weights": bytes(4 * 100)}]
)
def test_a_head_for_something_else_is_refused(embedder, changes):
    head = unpack(*pack(msgspec.structs.replace(head_artefact(embedder), **changes)))
    with pytest.raises(HeadBroken):
        score(score_request(), embedder, {"care": head})
