"""What is seen in a user's clips: whether anything moves, which person is followed, and which files are read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations
from pathlib import Path

import cv2
import film
import numpy as np
import pytest
from film import Picture
from PIL import Image

import papers
from common.errors import ClipError, UserError
from common.predict import caveats, choice, person, pictures, remarks, suitability, user_clips
from common.predict.person import PersonFinder
from common.types import Clip
from common.vision.faces import Face, FaceFinder

STILL = "Nothing seems to move"


def told(path: Path, faces: FaceFinder) -> list[str]:
    source = user_clips.read(path, 100)
    return remarks.remarks(source, suitability.examine(source.clip, faces), 100)


# ---------------------------------------------------------------- whether anything moves


def noisy(frame: Picture, number: int) -> Picture:
    noise = np.random.default_rng(number).normal(0, 3, frame.shape)
    return np.clip(frame + noise, 0, 255).astype(np.uint8)


def nodding(frame: Picture, number: int) -> Picture:
    """The whole image turned and moved, as by a hand that holds a photograph."""
    matrix = cv2.getRotationMatrix2D((320, 240), 0.3 * number, 1 + 0.003 * number)
    matrix[:, 2] += (1.5 * number, -number)
    return np.asarray(cv2.warpAffine(frame, matrix, (640, 480), borderMode=cv2.BORDER_REPLICATE), np.uint8)


def unchanged(frame: Picture, number: int) -> Picture:
    return frame


@pytest.mark.parametrize("change", [unchanged, noisy, nodding])
def test_a_photograph_again_and_again_is_said_first(
    tmp_path: Path, shot: Sequence[Picture], faces: FaceFinder, change: Callable[[Picture, int], Picture]
) -> None:
    frames = [change(shot[0], number) for number in range(9)]
    first, *_ = told(film.video(tmp_path / "a.avi", frames), faces)
    assert first.startswith(STILL)


@pytest.mark.parametrize("change", [unchanged, noisy])
def test_a_moving_face_is_not_called_still(
    tmp_path: Path, shot: Sequence[Picture], faces: FaceFinder, change: Callable[[Picture, int], Picture]
) -> None:
    frames = [change(frame, number) for number, frame in enumerate(shot)]
    assert not [line for line in told(film.video(tmp_path / "a.avi", frames), faces) if line.startswith(STILL)]


# ---------------------------------------------------------------- one person


def little(frame: Picture) -> Picture:
    return np.asarray(cv2.resize(frame[80:460, 130:510], (190, 190), interpolation=cv2.INTER_AREA), np.uint8)


def scaled(frame: Picture, factor: float) -> Picture:
    """The image enlarged about its centre, of the same size."""
    matrix = cv2.getRotationMatrix2D((95, 95), 0, factor)
    return np.asarray(cv2.warpAffine(frame, matrix, (190, 190), borderMode=cv2.BORDER_REPLICATE), np.uint8)


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory, shot: Sequence[Picture]) -> Clip:
    """Two people side by side: the left one is the larger in the first frame only, and is not seen in the fourth."""
    frames = [
        np.hstack([little(frame), scaled(little(frame), 1.2 if number else 0.8)])
        for number, frame in enumerate(shot[:5])
    ]
    frames[3][:, :190] = 90
    return user_clips.read(film.folder(tmp_path_factory.mktemp("two") / "two", frames), 100).clip


def test_the_same_person_is_used_in_all_frames(two: Clip, faces: FaceFinder) -> None:
    sights = suitability.examine(two, faces)
    boxes = [sight.face and sight.face.box for sight in sights]
    assert boxes[3] is None
    assert all(box[0] < 95 and box[2] < 210 for box in boxes if box)
    assert sum(sight.others[1].area > sight.face.area for sight in sights if sight.face) == 3  # not the largest
    finder = suitability.person(sights, faces)
    for place, frame in enumerate(pictures.images.each_frame(two)):
        if place == 3:
            with pytest.raises(ClipError, match="frame 4"):
                finder.find(frame, "frame 4")
        else:
            assert finder.find(frame).box == boxes[place]
    assert [seen for _, seen in pictures.frames(two, (0, 3, 4), finder)] == [True, False, True]


def test_other_people_are_counted_and_named(two: Clip, faces: FaceFinder) -> None:
    source = user_clips.read(two.frames[0].parent, 100)
    lines = remarks.remarks(source, suitability.examine(two, faces), 100)
    (line,) = [line for line in lines if "other face" in line]
    assert line.startswith("1 other face in view, to the right in all 5 frames examined")
    assert "similar size" in line
    assert any("this person is not found in frame 4" in line for line in lines)


def face(x: int, size: int = 80) -> Face:
    return Face(np.zeros((68, 2), np.float32), "as it is", (x, 0, x + size, size))


def test_faces_are_joined_by_place_and_not_by_size() -> None:
    frames = [[face(0, 100), face(300)], [face(310, 120), face(10)], [face(20), face(600)], [face(315)]]
    people = person.tracks(frames)
    places = [[face and face.box[0] for face in one] for one in people]
    assert places == [[0, 10, 20, None], [300, 310, None, 315], [None, None, 600, None]]
    finder = PersonFinder(boxes=(face(0).box, face(20).box), others=(face(300).box,))
    own = face(25)
    assert finder.own([face(290, 200), own]) is own
    assert finder.own([face(290, 200)]) is None
    assert finder.own([]) is None


def test_arrays_of_one_person_are_not_taken_for_those_of_another() -> None:
    one, other = PersonFinder(boxes=(face(0).box,)), PersonFinder(boxes=(face(9).box,))
    assert len({one.digest("a"), other.digest("a"), one.digest("b")}) == 3


# ---------------------------------------------------------------- files


def test_every_file_of_a_folder_is_a_clip_or_is_listed(tmp_path: Path) -> None:
    clips = ["a.avi", "b.gif", "c.webm", "d.m4v", "e.mpeg", "f.MPG", "g"]
    others = ["h.flv", "i.txt", "j.webp", "k"]
    for name in (*clips, *others, ".hidden"):
        (tmp_path / name).mkdir() if name == "g" else (tmp_path / name).touch()
    found, lines = user_clips.entries(tmp_path)
    assert [path.name for path in found] == clips
    assert lines == [f"{tmp_path / name}: not a video or a folder of frames" for name in others]
    for name in clips:
        (tmp_path / name).rmdir() if name == "g" else (tmp_path / name).unlink()
    with pytest.raises(UserError, match=r"only h\.flv, i\.txt"):
        user_clips.entries(tmp_path)
    Image.new("RGB", (9, 9)).save(tmp_path / "l.png")
    found, lines = user_clips.entries(tmp_path)
    assert found == [tmp_path]
    assert len(lines) == len(others)


@pytest.mark.parametrize(("ending", "codec"), [("webm", "VP80"), ("m4v", "mp4v"), ("mpeg", "mpg1"), ("gif", "")])
def test_videos_of_other_endings_are_read(tmp_path: Path, ending: str, codec: str) -> None:
    frames = [np.full((64, 80, 3), 40 + 20 * number, np.uint8) for number in range(6)]
    path = tmp_path / f"a.{ending}"
    if codec:
        writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*codec), 25, (80, 64))
        if not writer.isOpened():
            pytest.skip(f"this OpenCV does not write {codec}")
        for frame in frames:
            writer.write(frame)
        writer.release()
    else:
        first, *rest = map(Image.fromarray, frames)
        first.save(path, save_all=True, append_images=rest, duration=40)
    clip = user_clips.read(path, None).clip
    assert (len(clip.frames), clip.fps) == (6, 25)
    for seen, frame in zip(pictures.images.each_frame(clip), frames, strict=True):
        assert np.abs(seen.astype(int) - frame).max() <= 8


# ---------------------------------------------------------------- models


def test_a_class_that_was_never_seen_is_never_named() -> None:
    rng = np.random.default_rng(0)
    card = {"classes": ["a", "b", "c"], "by_class": {"a": 4, "b": 0, "c": 1}}
    assert caveats.never_seen(card) == ("b",)
    for _ in range(50):
        probabilities = rng.dirichlet(np.full(3, 0.2)).astype(np.float32)
        kept = caveats.among_seen(card, probabilities)
        assert kept[1] == 0
        assert kept.sum() == pytest.approx(1, abs=1e-5)
        assert kept.argmax() != 1
        assert (kept[0] > kept[2]) == (probabilities[0] > probabilities[2])
    caveats.check(card, "model")
    for by_class in ({"a": 4}, {}, {"a": 0, "b": 0, "c": 2}):
        with pytest.raises(UserError, match="no prediction is made"):
            caveats.check(card | {"by_class": by_class}, "model")


@pytest.mark.parametrize("key", papers.available())
def test_without_a_name_the_network_is_one_that_the_corpora_allow(key: str) -> None:
    paper = papers.load(key)
    default, _ = choice.choose(paper, None)
    assert default.common_ground
    every = sorted({corpus for e in paper.experiments for corpus in e.corpora})
    for count in range(len(every) + 1):
        for found in combinations(every, count):
            free = [e for e in paper.experiments if e.leak_free and not e.space and not e.collected_from]
            possible = [e for e in free if set(e.corpora) <= set(found)]
            if not possible:
                with pytest.raises(UserError, match="no network can be trained"):
                    choice.choose(paper, None, found)
                continue
            chosen, why = choice.choose(paper, None, found)
            assert chosen in possible
            assert (chosen == default) == (default in possible) == (why == "")
            assert chosen == default or chosen.id in why
