"""Deep 3D convolutional neural network for facial micro-expression analysis from video images."""

from papers.talluri2022.experiments import PAPER

__all__ = ["PAPER"]
