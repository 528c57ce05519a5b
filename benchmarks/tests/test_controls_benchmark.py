"""What the controls leave of linear classifiers that read a clip in four ways."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.controls import READS, measured, recognised, surprises
from common.protocols.controls import METADATA, NO_MOTION, PERMUTED, SHUFFLED
from common.scoring.records import Score


@pytest.mark.slow  # `python -m benchmarks.controls` measures the same of more clips
def test_without_motion_or_labels_motion_is_no_longer_recognised(tmp_path: Path) -> None:
    first = measured("flow", 3, 3, tmp_path, (NO_MOTION, PERMUTED))
    drawn = [first, *(measured("flow", 3, 3, tmp_path, (PERMUTED,), seed) for seed in range(1, 5))]
    plain, still = first["as it is"], first[NO_MOTION]
    assert plain.value > 0.9
    assert plain.p is not None
    assert plain.p < 0.01
    assert still.value == still.chance
    assert still.p == 1
    permuted = [scores[PERMUTED] for scores in drawn]  # of 27 clips one draw of labels says little
    assert 0.2 < np.mean([score.value for score in permuted]) < 0.47
    assert np.median([score.p for score in permuted]) > 0.05


def scored(value: float, p: float) -> Score:
    return Score("uf1", value, value, value, 0.17, 60, 15, 15, p)


def test_scores_against_what_a_control_can_show_are_named() -> None:
    as_it_should = {
        reads: {
            "as it is": scored(0.4, 0.5) if reads == "onset" else scored(0.9, 0.0005),
            NO_MOTION: scored(0.4, 0.5) if reads in ("onset", "frames") else scored(0.15, 1.0),
            SHUFFLED: scored(0.5, 0.0005),
            PERMUTED: scored(0.35, 0.3),
            METADATA: scored(0.3, 0.6),
        }
        for reads in READS
    }
    assert surprises(as_it_should) == []
    for reads, control, score in (
        ("onset", "as it is", scored(0.9, 0.0005)),
        ("onset", NO_MOTION, scored(0.41, 0.5)),
        ("flow", "as it is", scored(0.4, 0.3)),
        ("flow", NO_MOTION, scored(0.2, 0.9)),
        ("flow", SHUFFLED, scored(0.9, 0.0005)),
        ("frames", NO_MOTION, scored(0.6, 0.0005)),
        ("dynamic", PERMUTED, scored(0.6, 0.0005)),
        ("frames", METADATA, scored(0.6, 0.0005)),
    ):
        altered = as_it_should | {reads: as_it_should[reads] | {control: score}}
        assert any(line.startswith(reads) for line in surprises(altered)), (reads, control)
    altered = as_it_should | {"flow": as_it_should["flow"] | {METADATA: scored(0.31, 0.5)}}
    assert [line.partition(":")[0] for line in surprises(altered)] == ["metadata"]


def test_what_counts_as_recognised_is_corrected_for_the_number_of_scores() -> None:
    few, many = ({"flow": {str(k): scored(0.5, 0.02 if k == 0 else 0.9) for k in range(n)}} for n in (2, 20))
    assert recognised(few) == {("flow", "0")}
    assert recognised(many) == set()
