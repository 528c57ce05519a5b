"""Classification of facial micro-expressions using motion magnified emotion avatar images."""

from papers.kumar2019.experiments import PAPER

__all__ = ["PAPER"]
