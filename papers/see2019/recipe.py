"""Training on one fold: support vector machines on the histograms as they are."""

from __future__ import annotations

from common.training.linear import LinearClassifier
from papers.see2019 import model

RECIPE = LinearClassifier("linear SVM", model.machines, standardised=False, fits=model.relabelled)

build_networks = RECIPE.build_networks
train = RECIPE.train
answers = RECIPE.answers
