"""The example of the documentation: what changes between the first frame and the apex."""

from papers.apexdiff.experiments import PAPER

__all__ = ["PAPER"]
