"""What an answer rests on, of answers that are known to rest on one place."""

from __future__ import annotations

import numpy as np
import pytest

from common.training import occlusion
from common.types import Predictions, Samples


def samples(rows: int, **inputs: tuple[int, ...]) -> Samples:
    rng = np.random.default_rng(0)
    x = {name: rng.integers(0, 60, (rows, *shape)).astype(np.uint8) for name, shape in inputs.items()}
    return Samples(x, np.zeros(rows, int), np.full(rows, "s"), np.full(rows, "own/s/c"), np.arange(rows))


def test_a_bright_spot_is_found_where_it_is() -> None:
    clips = samples(3, eye=(24, 40, 3), mouth=(16, 16, 3))
    clips.x["eye"][:, 4:9, 30:36] = 255
    asked = []

    def answers(some: Samples) -> Predictions:
        asked.append(len(set(some.clip.tolist())))
        predictions = {}
        for clip in dict.fromkeys(some.clip.tolist()):
            spot = some.x["eye"][some.clip == clip][:, 4:9, 30:36].mean() / 255
            assert (some.view[some.clip == clip] == [0, 1, 2]).all()
            predictions[clip] = np.array([spot, 1 - spot], np.float32)
        return predictions

    before = {name: values.copy() for name, values in clips.x.items()}
    falls = occlusion.falls(clips, {"eye": (1, 2), "mouth": (1, 2)}, answers)
    assert {name: values.shape for name, values in falls.items()} == {"eye": (24, 40), "mouth": (16, 16)}
    row, column = np.unravel_index(falls["eye"].argmax(), falls["eye"].shape)
    assert 2 <= row <= 10
    assert 28 <= column <= 38
    assert falls["eye"].max() > 0.2
    assert np.abs(falls["eye"][16:, :20]).max() < 1e-6
    assert np.abs(falls["mouth"]).max() < 1e-6
    assert sum(asked) <= occlusion.MOST + 1
    assert all((values == before[name]).all() for name, values in clips.x.items())


@pytest.mark.parametrize("axes", [(1, 2), (2, 3)])
def test_patches_lie_in_all_frames_whichever_axes_are_height_and_width(axes: tuple[int, int]) -> None:
    shape = (12, 12, 5, 1) if axes == (1, 2) else (5, 12, 12, 1)
    clips = samples(1, face=shape)
    clips.x["face"][:] = 10
    inner = [slice(None)] * 5
    inner[axes[0]], inner[axes[1]] = slice(0, 4), slice(0, 4)
    clips.x["face"][tuple(inner)] = 250

    def answers(some: Samples) -> Predictions:
        values = some.x["face"][(slice(None), *inner[1:])].astype(float)
        bright = values.reshape(len(values), -1).min(axis=1) / 255  # of the least bright frame
        return {clip: np.array([b, 1 - b], np.float32) for clip, b in zip(some.clip.tolist(), bright, strict=True)}

    falls = occlusion.falls(clips, {"face": axes}, answers)["face"]
    assert falls.shape == (12, 12)
    assert falls[:3, :3].min() > 0.5
    assert np.abs(falls[7:, 7:]).max() < 1e-6


@pytest.mark.parametrize("size", [1, 2, 7, 48, 224])
def test_patches_cover_all_and_are_bounded(size: int) -> None:
    boxes = occlusion.boxes((1, size, 2 * size, 3), (1, 2), 150)
    assert len(boxes) <= 150
    covered = np.zeros((size, 2 * size), int)
    for box in boxes:
        covered[box] += 1
    assert covered.min() >= 1
    assert len({(rows.start, columns.start) for rows, columns in boxes}) == len(boxes)
