"""Dynamic image for micro-expression recognition on region-based framework."""

from papers.le2020.experiments import PAPER

__all__ = ["PAPER"]
