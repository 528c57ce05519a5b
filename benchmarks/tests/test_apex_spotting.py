"""The table of the benchmark of apex spotting: what chance amounts to."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import apex_spotting
from common.types import Clip


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 30), st.data())
def test_chance_is_the_mean_over_all_guesses(frames: int, data: st.DataObject) -> None:
    numbers, apex = tuple(range(46, 46 + frames)), 46 + data.draw(st.integers(0, frames - 1))
    files = tuple(Path(f"img{number}.jpg") for number in numbers)
    clip = Clip("casme2", "01", "EP02_01f", files, numbers, 46, apex, 45 + frames, 200.0, "x")
    chance = apex_spotting.accuracy([clip], [apex_spotting.guesses(clip)])
    left, right = apex - 46, 45 + frames - apex
    assert chance.frames == pytest.approx((left * (left + 1) + right * (right + 1)) / 2 / frames)
    assert chance.milliseconds == pytest.approx(5 * chance.frames)
    assert chance.share == pytest.approx(chance.frames / frames)
    near = sum(abs(number - apex) * 8 <= frames for number in clip.numbers)
    assert chance.near == pytest.approx(near / frames)
