"""A spatiotemporal deep learning solution for automatic micro-expressions recognition from local facial regions."""

from papers.aouayeb2019.experiments import PAPER

__all__ = ["PAPER"]
