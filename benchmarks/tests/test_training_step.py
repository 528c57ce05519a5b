"""The table of the benchmark of training steps."""

from __future__ import annotations

import subprocess
import sys

import pytest

import papers
from benchmarks.step_choices import CHOICES, NETWORK_CHOICES
from benchmarks.step_peers import NETWORKS
from benchmarks.training_step import HEADING, Row, line
from common.environment import ROOT

STOCK = """
from benchmarks.step_peers import NETWORKS, in_keras
step, facts = in_keras(NETWORKS["region-cnn"], NETWORKS["region-cnn"].settings(2), stock=True)
assert all(value == value for value in step())
assert facts.inputs["left_eye"][0] == 2
import os, papers
from tensorflow.python.framework.config import is_op_determinism_enabled
assert not is_op_determinism_enabled()
assert not {"TF_ENABLE_ONEDNN_OPTS", "TF_DETERMINISTIC_OPS"} & set(os.environ)
for key in papers.available():
    papers.parts(key).recipe()
"""


def test_ratios_are_those_of_the_times_and_what_was_not_measured_is_a_dash() -> None:
    row = Row("model-a", 4, 20.0, stock=12.0, suite=1.5, torch=None, gflop_per_second=40.0)
    assert row.ratios() == {"stock/suite": 8.0, "torch/suite": None, "suite/arithmetic": 3.0}
    assert line(row).split() == ["model-a", "4", "20.0", "12.000", "1.500", "-", "8.00", "-", "3.00"]
    assert len(line(row)) == len(HEADING)
    beside_a_gpu = Row("model-a", 4, 20.0, stock=None, suite=0.0, torch=1.0, gflop_per_second=None)
    assert set(beside_a_gpu.ratios().values()) == {None}


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_is_one_of_an_experiment_at_the_papers_size(name: str) -> None:
    network = NETWORKS[name]
    paper = papers.load(network.paper)
    own = {experiment.id: experiment.settings for experiment in paper.experiments}
    assert network.experiment in own
    full = paper.profiles["paper"].settings.having(own[network.experiment]).values()
    changed = {key for key, value in network.settings().values().items() if value != full[key]}
    assert changed <= {"weights", "lstm_batch"}
    assert network.settings(rows=2).values()[network.batch] == 2


def test_choices_that_are_switched_off_are_those_of_measured_networks() -> None:
    assert set(NETWORK_CHOICES) <= set(NETWORKS)
    assert {choice for choices in NETWORK_CHOICES.values() for choice in choices} == set(CHOICES)


def test_stock_keras_trains_a_recipes_network_with_nothing_set_for_the_process() -> None:
    ended = subprocess.run([sys.executable, "-c", STOCK], cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr[-2000:]
