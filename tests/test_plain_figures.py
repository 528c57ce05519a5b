"""What is shown of a paper without figures.py."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from common.contract import InputView, Settings
from common.types import Samples
from common.vision import plain_figures


@dataclass(frozen=True)
class Empty:
    """A record without settings."""


NONE = Settings(Empty(), Empty(), Empty())


def view(values: NDArray[Any]) -> InputView:
    rows = len(values)
    ids = np.array(["smic/s1/c1"] * rows)
    samples = Samples({"face": values}, np.zeros(rows, np.int64), ids, ids, np.arange(rows))
    return plain_figures.input_views(samples, NONE)["face"]


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_pictures_are_shown_in_colour_without_their_transparency(channels: int) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (1, 5, 7, channels), np.uint8)
    shown = view(picture)
    assert shown.axes == (1, 2)
    assert shown.captions == ("face",)
    assert (shown.pictures == (picture[..., :3] if channels > 1 else np.repeat(picture, 3, axis=-1))).all()


def test_a_video_is_shown_frame_by_frame() -> None:
    video = np.random.default_rng(0).integers(0, 256, (1, 4, 5, 7, 1), np.uint8)
    shown = view(video)
    assert shown.axes == (2, 3)
    assert shown.pictures.shape == (4, 5, 7, 3)
    assert (shown.pictures[..., 0] == video[0, ..., 0]).all()
    assert shown.captions == ("1 of 4", "2 of 4", "3 of 4", "4 of 4")


@pytest.mark.parametrize(("low", "grey"), [(-0.2, 128), (0.0, 0)])
def test_no_change_is_grey_and_nothing_is_black(low: float, grey: int) -> None:
    values = np.array([low, 0.0, 0.4], np.float32).reshape(1, 1, 3, 1)
    shown = view(values).pictures[0, 0, :, 0]
    assert abs(int(shown[1]) - grey) <= 1
    assert shown[2] == 255
    assert (np.diff(shown.astype(int)) >= 0).all()


def test_an_input_of_zeros_is_shown() -> None:
    assert (view(np.zeros((1, 3, 3, 1), np.float32)).pictures == 0).all()


def test_nothing_is_drawn(tmp_path: Path) -> None:
    nobody: Any = None
    assert plain_figures.draw([], NONE, nobody, tmp_path) == plain_figures.results(nobody, tmp_path) == []
