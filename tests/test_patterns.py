"""Local binary patterns against scikit-image."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.feature import local_binary_pattern

from common.vision.patterns import BINS, UNIFORM, patterns


@pytest.mark.parametrize("radius", [1, 2, 3])
def test_patterns_are_those_of_scikit_image_to_the_last_bit(radius: int) -> None:
    """Even surfaces and steps of one grey level are the cases in which rounding decides."""
    rng = np.random.default_rng(radius)
    frames = [np.full((14, 13), level, np.uint8) for level in range(256)]
    frames += [*rng.integers(100, 103, (3, 230, 224), np.uint8)]
    frames += [*rng.integers(0, 2, (3, 70, 31), np.uint8) * np.uint8(255)]
    frames += [*rng.integers(0, 256, (2, 226, 225), np.uint8), rng.integers(0, 256, (7, 7), np.uint8)]
    for frame in frames:
        expected = local_binary_pattern(frame, 8, radius, method="default")[radius:-radius, radius:-radius]
        np.testing.assert_array_equal(patterns(frame, radius), expected)


def test_bins_put_the_same_patterns_together_as_scikit_image() -> None:
    frame = np.random.default_rng(0).integers(0, 256, (400, 400), np.uint8)
    codes, labels = (local_binary_pattern(frame, 8, 1, method)[1:-1, 1:-1] for method in ("default", "nri_uniform"))
    pairs = set(zip(UNIFORM[codes.astype(int)].ravel().tolist(), labels.ravel().tolist(), strict=True))
    assert len(pairs) == BINS == len({bin for bin, _ in pairs}) == len({label for _, label in pairs})
