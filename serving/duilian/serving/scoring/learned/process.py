"""A Gaussian process over answers to many items: what all items share, and for each item what is its own.

The covariance is block-diagonal (within items) plus low rank (between them), so it is solved item by item (Woodbury
identity): exact, and as quick for a hundred items as for their labels one after the other. An item without labels is
judged by the shared part alone; with each label its own part takes over as far as the labels agree. Leave-one-out
predictions come from the same solution (Rasmussen & Williams 2006, §5.4.2).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from duilian.serving.scoring.learned.kernel import Matrix


@dataclass(frozen=True)
class Block:
    """One item's training answers: covariance with noise (n, n), shared features (n, m), targets (n, outputs)."""

    covariance: Matrix
    features: Matrix
    targets: Matrix


@dataclass(frozen=True)
class Solved:
    """Of one block. inverse: (n, n); pull: inverse @ features, (n, m); own: weights of the item's part, (n, outputs)."""

    inverse: Matrix
    pull: Matrix
    own: Matrix
    left_out: Matrix  # what each answer is predicted to be by all the others, (n, outputs)
    left_out_variance: Matrix  # (n,)


@dataclass(frozen=True)
class Solution:
    """weights: of the shared features, (m, outputs); spread: their covariance, (m, m)."""

    weights: Matrix
    spread: Matrix
    blocks: list[Solved]


def solve(blocks: list[Block]) -> Solution:
    inverses = [_inverse(block.covariance) for block in blocks]
    pulls = [inverse @ block.features for inverse, block in zip(inverses, blocks, strict=True)]
    size = blocks[0].features.shape[1]
    precision = np.eye(size) + sum(b.features.T @ pull for b, pull in zip(blocks, pulls, strict=True))
    spread = _inverse(precision)
    weights = spread @ sum(pull.T @ b.targets for b, pull in zip(blocks, pulls, strict=True))
    solved = [_own(*parts, spread, weights) for parts in zip(blocks, inverses, pulls, strict=True)]
    return Solution(weights, spread, solved)


def _own(block: Block, inverse: Matrix, pull: Matrix, spread: Matrix, weights: Matrix) -> Solved:
    own = inverse @ (block.targets - block.features @ weights)
    certainty = np.diag(inverse) - np.einsum("nm,mk,nk->n", pull, spread, pull)
    variance = 1 / np.maximum(certainty, 1e-12)
    return Solved(inverse, pull, own, block.targets - own * variance[:, None], variance)


def without_block(solution: Solution, block: Block, solved: Solved) -> tuple[Matrix, Matrix]:
    """What a block's answers are predicted to be when none of the block is known: mean (n, outputs), variance (n,) of
    the shared part."""
    precision = _inverse(solution.spread) - block.features.T @ solved.pull
    spread = _inverse(precision)
    told = np.linalg.solve(solution.spread, solution.weights) - solved.pull.T @ block.targets
    return block.features @ (spread @ told), np.einsum("nm,mk,nk->n", block.features, spread, block.features)


def predict(
    solution: Solution, features: Matrix, own: Matrix, solved: Solved | None, covariance: Matrix | None
) -> tuple[Matrix, Matrix]:
    """Mean (n, outputs) and variance (n,) of new answers, without the noise of a label.

    features: theirs, (n, m); own: their prior variance within the item, (n,); covariance: with the item's training
    answers, (n, labels), None (as solved is) where it has none.
    """
    mean, reach, variance = features @ solution.weights, features, own
    if solved is not None and covariance is not None:
        mean = mean + covariance @ solved.own
        reach = features - covariance @ solved.pull
        variance = own - np.einsum("nk,kl,nl->n", covariance, solved.inverse, covariance)
    variance = variance + np.einsum("nm,mk,nk->n", reach, solution.spread, reach)
    return mean, np.maximum(variance, 1e-9)


def _inverse(matrix: Matrix) -> Matrix:
    """Of a symmetric positive definite matrix. Raises LinAlgError where it is not."""
    root = np.linalg.inv(np.linalg.cholesky(matrix))
    return root.T @ root
