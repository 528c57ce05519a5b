"""The sizes that the benchmark of memory uses, and its table."""

from __future__ import annotations

import numpy as np

import papers
from benchmarks.memory import HEADING, LARGEST, ONE_EPOCH, Row, like, line


def test_a_clip_gets_the_first_frames_of_the_longest() -> None:
    longest = {"face": np.arange(12).reshape(6, 2), "apex": np.array([3])}
    shorter = like(longest, 6, 4)
    assert np.array_equal(shorter["face"], longest["face"][:4])
    assert np.array_equal(shorter["apex"], longest["apex"])
    assert like(longest, 6, 6)["face"] is not None


def test_every_paper_has_a_largest_experiment_and_one_epoch() -> None:
    assert set(LARGEST) == set(papers.available())
    for key, name in LARGEST.items():
        paper = papers.load(key)
        assert name in {experiment.id for experiment in paper.experiments}
        counts = {setting for setting in paper.profiles["paper"].settings.values() if setting.endswith("epochs")}
        assert counts - {"search_epochs"} <= set(ONE_EPOCH)


def test_what_failed_is_a_dash() -> None:
    row = Row("kumar2019", "composite-loso/published", 442, 23292, 0.25, 1.0, None)
    assert line(row).split() == ["kumar2019", "composite-loso/published", "442", "23292", "0.2", "1.0", "-"]
    assert len(line(row)) == len(HEADING)
