"""Spontaneous facial micro-expression recognition using 3D spatiotemporal convolutional neural networks."""

from papers.reddy2019.experiments import PAPER

__all__ = ["PAPER"]
