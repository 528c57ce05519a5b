"""Two frameworks, one network: equal weights, clips and order give equal losses."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.second_framework import NETWORKS
from common.environment import ROOT


@pytest.mark.parametrize("network", NETWORKS)
def test_both_builds_have_the_same_losses(network: str, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    command = [sys.executable, "-m", "benchmarks.second_framework", "--network", network]
    command += ["--short", "--cache", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    furthest = re.search(r"largest relative difference in \d+ steps: (\S+)", done.stdout)
    assert furthest
    assert float(furthest[1]) < 1e-3
