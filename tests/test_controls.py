"""What the controls show of a clip, and that they reach the arrays that networks read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

import papers
import run_all
from common.protocols.controls import CONTROLS, NO_MOTION, PERMUTED, SHUFFLED, controls, perturb, relabellings
from common.runs import plan
from common.runs.store import Run
from common.types import Clip, FoldResult
from common.vision.images import each_frame, read_frame, read_frames
from common.vision.rank_pooling import approximate


def clip(folder: Path, subject: str = "s1", name: str = "c1", frames: int = 5) -> Clip:
    """A clip whose frame i is grey level 10 i."""
    files = []
    for number in range(frames):
        path = folder / f"{name}-{number}.png"
        cv2.imwrite(str(path), np.full((4, 6), 10 * number, np.uint8))
        files.append(path)
    return Clip("smic", subject, name, tuple(files), tuple(range(7, 7 + frames)), 7, 8, 6 + frames, 100.0, "positive")


def levels(this_clip: Clip) -> list[int]:
    return [int(picture[0, 0, 0]) for picture in each_frame(this_clip)]


def test_without_motion_every_frame_is_the_first(tmp_path: Path) -> None:
    plain = clip(tmp_path)
    ((still, label),) = perturb([(plain, 2)], NO_MOTION, 0)
    assert label == 2
    assert levels(still) == [0] * 5
    assert (read_frames(still, 2) == read_frame(plain, 0)).all()
    assert (still.numbers, still.onset, still.apex, still.offset) == (plain.numbers, 7, 8, 11)
    assert levels(still.at([2, 4])) == [0, 0]


def test_shuffled_frames_are_the_same_frames_in_an_order_of_the_seed(tmp_path: Path) -> None:
    plain = clip(tmp_path, frames=12)
    ((shuffled, _),), ((again, _),), ((other, _),) = (perturb([(plain, 0)], SHUFFLED, seed) for seed in (0, 0, 1))
    assert levels(shuffled) == levels(again) != levels(other)
    assert sorted(levels(shuffled)) == levels(plain)
    assert levels(shuffled.at([3, 5])) == [levels(shuffled)[3], levels(shuffled)[5]]
    assert int(read_frame(shuffled, 4)[0, 0, 0]) == levels(shuffled)[4]


def test_frames_of_a_video_are_shown_in_any_order(tmp_path: Path) -> None:
    path = tmp_path / "film.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25, (32, 32), False)
    for number in range(6):
        writer.write(np.full((32, 32), 40 * number, np.uint8))
    writer.release()
    plain = Clip("casme_sq", "s1", "film", (path,) * 6, tuple(range(1, 7)), 1, None, 6, 25.0, "happy")
    ((shuffled, _),) = perturb([(plain, 0)], SHUFFLED, 3)
    assert levels(shuffled) != levels(plain)
    assert sorted(levels(shuffled)) == sorted(levels(plain))
    ((still, _),) = perturb([(plain, 0)], NO_MOTION, 3)
    assert levels(still) == levels(plain)[:1] * 6


def test_labels_change_places_within_a_subject_alone(tmp_path: Path) -> None:
    plain = clip(tmp_path, frames=1)
    pairs = [(replace(plain, subject=f"s{k // 6}", name=f"c{k}"), k % 3) for k in range(30)]
    permuted = perturb(pairs, PERMUTED, 0)
    assert [this_clip.id for this_clip, _ in permuted] == [this_clip.id for this_clip, _ in pairs]
    assert [label for _, label in permuted] != [label for _, label in pairs]
    for person in range(5):
        span = slice(6 * person, 6 * person + 6)
        assert Counter(label for _, label in permuted[span]) == Counter(label for _, label in pairs[span])
    assert permuted == perturb(pairs, PERMUTED, 0) != perturb(pairs, PERMUTED, 1)


def test_a_control_is_an_experiment_of_its_own() -> None:
    for key in papers.available():
        for experiment in papers.load(key).experiments:
            variants = controls(experiment)
            names = {variant.control for variant in variants}
            stills = {NO_MOTION, SHUFFLED} if experiment.collected_from else set()
            assert names == set(CONTROLS) - stills - ({PERMUTED} if experiment.pretrained else set())
            assert {variant.id for variant in variants} == {f"{experiment.id}+{name}" for name in names}
            assert all(
                (variant.protocol, variant.leak_free) == (experiment.protocol, experiment.leak_free)
                for variant in variants
            )


def test_an_unknown_control_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="unknown control 'upside-down'"):
        perturb([(clip(tmp_path), 0)], "upside-down", 0)


def test_a_single_frame_may_gain_an_expression_and_a_still_has_no_dynamic_image(tmp_path: Path) -> None:
    """What the two controls of frames can and cannot show of one frame and of a dynamic image."""
    plain = clip(tmp_path, frames=12)
    ((shuffled, _),), ((still, _),) = (perturb([(plain, 0)], control, 0) for control in (SHUFFLED, NO_MOTION))
    assert levels(shuffled)[0] > levels(plain)[0] == levels(still)[0]
    images = [approximate(read_frames(this_clip)) for this_clip in (plain, shuffled, still)]
    assert abs(images[1]).max() > 0
    assert abs(images[1]).max() < abs(images[0]).max()
    assert (images[2] == 0).all()


@pytest.mark.usefixtures("without_pages")
@pytest.mark.slow
def test_a_relabelled_training_is_the_run_on_relabelled_clips(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first relabelling of a run predicts what a run of the same experiment does whose clips have these classes."""

    def folds(out: Path) -> dict[str, FoldResult]:
        words = ["--paper", "liong2019", "--experiment", "linear-composite/loso", "--profile", "smoke"]
        assert run_all.main([*words, "--workers", "1", "--cache", str(cache), "--out", str(out)]) == 0
        (folder,) = out.glob("runs/liong2019/linear-composite/loso/*/folds")
        found = [Run(folder.parent).load(f"fold {number}") for number in (1, 2)]
        return {result.fold: result for result in found if result is not None}

    def relabelled(clips: Sequence[tuple[Clip, int]], control: str, seed: int) -> tuple[tuple[Clip, int], ...]:
        subject, ids = (np.array(names) for names in zip(*((c.subject_id, c.id) for c, _ in clips), strict=True))
        (first, *_) = relabellings(subject, ids, np.array([label for _, label in clips]), 19, seed)
        return tuple((clip, int(label)) for (clip, _), label in zip(clips, first, strict=True))

    plain = folds(tmp_path / "plain")
    monkeypatch.setattr(plan, "perturb", relabelled)
    usual = folds(tmp_path / "relabelled")
    assert [*plain] == [*usual] == ["fold 1", "fold 2"]
    assert any((plain[name].truth != usual[name].truth).any() for name in plain)
    for name, fold in plain.items():
        assert fold.relabelled is not None
        assert fold.relabelled.shape == (19, len(fold.clips))
        answers = dict(zip(usual[name].clips, usual[name].probabilities.argmax(axis=1).tolist(), strict=True))
        assert fold.relabelled[0].tolist() == [answers[clip] for clip in fold.clips]
