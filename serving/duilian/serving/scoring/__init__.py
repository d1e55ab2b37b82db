"""The cold-start scorer: one answer against behaviourally anchored levels, without any label of the tenant."""

from duilian.serving.scoring.judge import Embedder, score

__all__ = ["Embedder", "score"]
