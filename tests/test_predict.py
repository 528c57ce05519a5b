"""A user's own clips from the command line: what is answered, what is refused and said, and what is left on disk."""

from __future__ import annotations

import io
import json
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import film
import guessing
import numpy as np
import pytest
from film import Picture
from pypdf import PdfReader

import papers
import run_all
from common.contract import FoldRun, Parts, Trained
from common.errors import ClipError, UserError
from common.predict import command, page, pictures, records, remarks, suitability, user_clips
from common.predict.suitability import Sight
from common.predict.user_clips import Source
from common.report.records import Report
from common.training import occlusion
from common.types import Experiment, Predictions, Samples
from common.vision.faces import Face, FaceFinder

KEY = "aouayeb2019"


def told(path: Path, faces: FaceFinder, fps: float | None = None) -> list[str]:
    """The remarks on a clip; raises ClipError where it is refused."""
    source = user_clips.read(path, fps)
    sights = suitability.examine(source.clip, faces)
    remarks.refuse(source, sights, faces)
    return remarks.remarks(source, sights, 100)


# ---------------------------------------------------------------- reading


def test_a_folder_of_frames_is_read_in_natural_order(tmp_path: Path, shot: Sequence[Picture]) -> None:
    path = film.folder(tmp_path / "frames", shot[:12])
    (path / ".hidden.png").write_bytes(b"")
    (path / "notes.txt").write_text("not a frame")
    source = user_clips.read(path, 120.0)
    assert [file.name for file in source.clip.frames] == [f"img{number}.png" for number in range(1, 13)]
    assert (source.clip.onset, source.clip.offset, source.clip.apex, source.clip.fps) == (1, 12, None, 120.0)
    assert source.size == (480, 640)
    assert source.remarks == ()
    (path / "img7.png").unlink()
    assert "1 of the file numbers between 1 and 12" in user_clips.read(path, 120.0).remarks[0]


def test_a_video_has_its_own_rate_unless_another_is_given(tmp_path: Path, shot: Sequence[Picture]) -> None:
    path = film.video(tmp_path / "a.avi", shot[:6], fps=50)
    assert user_clips.read(path, None).clip.fps == pytest.approx(50)
    assert user_clips.read(path, 200.0).clip.fps == 200
    assert len(user_clips.read(path, None).clip.frames) == 6


def test_the_digest_is_that_of_the_bytes(tmp_path: Path, shot: Sequence[Picture]) -> None:
    import hashlib

    path = film.video(tmp_path / "a.avi", shot[:3])
    assert user_clips.read(path, None).sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    frames = film.folder(tmp_path / "frames", shot[:3])
    before = user_clips.read(frames, 100).sha256
    film.folder(tmp_path / "other", [shot[1], shot[0], shot[2]])
    assert user_clips.read(tmp_path / "other", 100).sha256 != before


@pytest.mark.parametrize(
    ("make", "expected_text"),
    [
        (lambda d: None, "no such file"),
        (lambda d: d.write_bytes(b"x" * 500), "not a video; the name"),
        (lambda d: d.mkdir(), "contains no video"),
        (lambda d: os.mkfifo(d), "neither a file nor a folder"),
        (lambda d: (d.mkdir(), (d / "a.png").touch(), (d / "b.avi").touch()), "contains images and also b.avi"),
        (lambda d: (d.mkdir(), (d / "a.png").touch(), (d / "sub").mkdir()), "contains images and also sub"),
    ],
)
def test_a_path_that_is_no_clip_is_one_line(tmp_path: Path, make: Callable[[Path], Any], expected_text: str) -> None:
    make(tmp_path / "given")
    with pytest.raises(UserError, match=expected_text):
        user_clips.entries(tmp_path / "given")


def test_files_that_cannot_be_used_are_one_line_each(tmp_path: Path, shot: Sequence[Picture]) -> None:
    whole = film.video(tmp_path / "whole.avi", shot[:8]).read_bytes()
    for name, content in (("empty.avi", b""), ("text.mp4", b"not a video" * 90), ("cut.avi", whole[:200])):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ClipError) as caught:
            user_clips.read(tmp_path / name, None)
        assert name in str(caught.value)
    frames = film.folder(tmp_path / "frames", shot[:3])
    with pytest.raises(ClipError, match="no frame rate; give it with --fps"):
        user_clips.read(frames, None)
    with pytest.raises(UserError, match="--fps"):
        user_clips.check_rates([frames], None)
    user_clips.check_rates([frames, tmp_path / "a.avi"], None)
    (frames / "img2.png").write_bytes(b"no picture")
    (frames / "img9.jpg").write_bytes(b"no picture")
    with pytest.raises(ClipError, match=r"end in \.jpg and in \.png"):
        user_clips.read(frames, 100)
    with pytest.raises(ClipError, match="a single frame shows no motion"):
        user_clips.read(film.folder(tmp_path / "one", shot[:1]), 100)
    for number, shape in enumerate([(1, 1, 3), (8, 300, 3)]):
        with pytest.raises(ClipError, match="too small to show a face"):
            user_clips.read(film.folder(tmp_path / f"tiny{number}", [np.zeros(shape, np.uint8)] * 2), 100)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ClipError, match="contains no image"):
        user_clips.read(tmp_path / "empty", 100)


def test_long_and_large_clips_are_refused_before_they_are_held(tmp_path: Path, monkeypatch) -> None:
    grey = np.full((32, 40, 3), 90, np.uint8)
    path = film.video(tmp_path / "long.avi", [grey] * (user_clips.MOST_FRAMES + 5))
    with pytest.raises(ClipError, match=f"more than {user_clips.MOST_FRAMES} frames; cut"):
        user_clips.read(path, None)
    monkeypatch.setattr(user_clips, "MOST_PIXELS", 32 * 40 * 7)
    with pytest.raises(ClipError, match=r"8 frames of 40x32 pixels .* the limit is 7 frames"):
        user_clips.read(film.video(tmp_path / "large.avi", [grey] * 8), None)


@pytest.mark.parametrize("name", ["a b/../c.avi", "\udcff\x07.avi", "…" * 300, "..", "-x", "日本" * 90 + ".mp4"])
def test_names_become_parts_of_file_names(name: str) -> None:
    safe = user_clips.safe(Path(name))
    assert safe
    assert len(safe.encode()) < 130
    assert "/" not in safe
    assert safe[0] not in ".-"
    assert safe.isprintable()


# ---------------------------------------------------------------- what is said of a clip


def little(frame: Picture) -> Picture:
    """A picture that dlib searches quickly."""
    return np.asarray(cv2.resize(frame[80:460, 130:510], (190, 190), interpolation=cv2.INTER_AREA), np.uint8)


def test_a_good_clip_has_no_remark(tmp_path: Path, shot: Sequence[Picture], faces: FaceFinder) -> None:
    assert told(film.video(tmp_path / "a.avi", shot), faces) == []


@pytest.mark.parametrize(("turns", "degrees", "how"), [(1, 90, "transpose=1"), (2, 180, "hflip,vflip"), (3, 270, "=2")])
def test_a_clip_on_its_side_is_refused_with_the_turn_that_mends_it(
    tmp_path: Path, shot: Sequence[Picture], faces: FaceFinder, turns: int, degrees: int, how: str
) -> None:
    small = [np.rot90(little(frame), turns) for frame in shot[:2]]
    with pytest.raises(ClipError, match=f"rotated by {degrees} degrees clockwise; .*{how}"):
        told(film.video(tmp_path / "a.avi", small), faces)
    if turns == 2:
        with pytest.raises(ClipError, match=f"rotated by {degrees} degrees clockwise; rotate them$"):
            told(film.folder(tmp_path / "frames", small), faces, 100)


def test_no_face_is_refused_and_one_that_goes_is_said(
    tmp_path: Path, shot: Sequence[Picture], faces: FaceFinder
) -> None:
    half = [little(frame) for frame in shot[:5]]
    grey = [np.full_like(half[0], 90)] * 4
    with pytest.raises(ClipError, match="no face in any of the 4 frames"):
        told(film.video(tmp_path / "none.avi", grey), faces)
    with pytest.raises(ClipError, match=r"no face in the first frame, .* finds one in frames 5, 6, 7, 8 and 9; cut"):
        told(film.video(tmp_path / "late.avi", [*grey, *half]), faces)
    lines = told(film.video(tmp_path / "gone.avi", [*half, *grey]), faces)
    assert any("No face is found in frames 6, 7, 8 and 9 of 9 examined" in line for line in lines)


@pytest.mark.parametrize(
    ("perturb", "expected_text"),
    [
        (lambda i, f: cv2.resize(f, (213, 160)), "The face is small: 3"),
        (lambda i, f: np.roll(f, 12 * i, axis=1), "The head moves a lot"),
        (lambda i, f: turned(f, 26), "The head is tilted by up to 2"),
        (lambda i, f: f[:380], "is outside the image"),
    ],
)
def test_what_makes_an_answer_doubtful_is_said(
    tmp_path: Path,
    shot: Sequence[Picture],
    faces: FaceFinder,
    perturb: Callable[[int, Picture], Picture],
    expected_text: str,
) -> None:
    frames = [perturb(place, frame) for place, frame in enumerate(shot[:7])]
    lines = told(film.video(tmp_path / "a.avi", frames), faces)
    assert [line for line in lines if line.startswith(expected_text) or expected_text in line]


def turned(frame: Picture, degrees: float) -> Picture:
    matrix = cv2.getRotationMatrix2D((320, 240), degrees, 1)
    return np.asarray(cv2.warpAffine(frame, matrix, (640, 480), borderMode=cv2.BORDER_REPLICATE), np.uint8)


def test_time_is_held_against_that_of_a_micro_expression() -> None:
    def lines(frames: int, fps: float, trained: float = 100) -> str:
        face = Face(mean_face() * 100 + 200, "as it is", (0, 0, 99, 99), 2.0, "frontal")
        sights = [Sight(0, face, {}, 99.0)]
        clip = user_clips.Clip(
            "own", "clip", "a", (Path("a"),) * frames, tuple(range(frames)), 1, None, frames, fps, ""
        )
        return " ".join(remarks.remarks(Source(Path("a"), clip, "", (800, 800), ()), sights, trained))

    assert "lasts 2.00 s" in lines(200, 100)
    assert "lasts 0.020 s" in lines(2, 100)
    assert lines(50, 100) == ""
    assert "The frame rate is low, 30 frames per second" in lines(10, 30)
    assert lines(15, 30, trained=30) == ""


def mean_face() -> np.ndarray:
    """Landmarks of a face that looks into the camera, of unit width, mirror images of each other."""
    points = np.zeros((68, 2), np.float32)
    points[0:17] = np.stack([np.linspace(0, 1, 17), np.sin(np.linspace(0, np.pi, 17))], 1)
    points[17:36] = points[48:68].mean() + 0.5
    points[36:42], points[42:48] = (0.25, 0.3), (0.75, 0.3)
    points[48:68] = (0.5, 0.8)
    return points


def test_measures_of_landmarks_do_not_depend_on_place_size_or_tilt() -> None:
    points = mean_face()
    turn = np.radians(25)
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    moved = 80 * points @ matrix.T + (300, 90)
    assert suitability.eye_distance(moved) == pytest.approx(40, abs=1e-3)
    assert suitability.tilt(moved) == pytest.approx(25, abs=1e-3)
    assert suitability.asymmetry(moved) == pytest.approx(0, abs=1e-4)
    aside = points.copy()
    aside[17:36, 0] += 0.2
    assert suitability.asymmetry(aside) == pytest.approx(0.4 / (1 - 2 / 16), abs=1e-4)
    assert suitability.asymmetry(80 * aside @ matrix.T) == pytest.approx(suitability.asymmetry(aside), abs=1e-4)
    assert suitability.travel([points, points + np.array((0.5, 0)), points + np.array((0, 0.5))]) == pytest.approx(
        np.sqrt(0.5)
    )


# ---------------------------------------------------------------- a whole prediction, with a network of one layer


class Tiny:
    """A recipe that learns in no time: the mean of the nose, and a dense layer. Fails where MODE says so."""

    class Networks:
        def __init__(self, seed: int) -> None:
            import keras

            from common.training.learner import Learner

            def build() -> keras.Model:
                nose = keras.Input((20, 30, 4), name="nose")
                pooled = keras.layers.GlobalAveragePooling2D()(nose)
                answer = keras.layers.Dense(3, activation="softmax", name="emotion")(pooled)
                return keras.Model({"nose": nose}, {"emotion": answer}, name="tiny")

            optimizer = keras.optimizers.SGD(0.1)
            self.learner = Learner(
                build, loss="categorical_crossentropy", optimizer=optimizer, batch=64, epochs=1, seed=seed
            )

        def facts(self) -> dict[str, int]:
            return {}

        def flops(self, rows_per_clip: float) -> float:
            return 0.0

    @classmethod
    def build_networks(cls, network: object, training: object, shapes: object, classes: object, seed: int) -> Networks:
        return cls.Networks(seed)

    fails: Exception | type[BaseException] | None = None

    @classmethod
    def train(cls, networks: Any, experiment: Experiment, samples: Samples, fold_run: FoldRun) -> Trained:
        from common.training.learner import one_hot

        assert fold_run.held_out_access is None
        guessing.TRAININGS.append(fold_run.fold)  # here, what a fold changes would stop the run
        if cls.fails is not None:
            raise cls.fails
        nose = {"nose": samples.x["nose"]}
        history = networks.learner.fit(nose, one_hot(samples, 3), fold_run.seed)
        models = {"network": networks.learner.model}
        return Trained(lambda test: cls.answers(models, test, None), {"network": history}, models)

    @staticmethod
    def answers(models: Any, samples: Samples, settings: Any) -> Predictions:
        """The mean over frames."""
        from common.training.learner import predict

        probabilities = predict(models["network"], {"nose": samples.x["nose"]}, 64)["emotion"]
        return {clip: probabilities[samples.clip == clip].mean(axis=0) for clip in dict.fromkeys(samples.clip.tolist())}


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> type[Tiny]:
    import common.training.learner  # noqa: F401  (imports Keras quietly)

    real = papers.parts(KEY)
    figures: Any = SimpleNamespace(draw=lambda *_: [], results=lambda *_: [], input_views=real.figures.input_views)
    monkeypatch.setattr(papers, "parts", lambda key: Parts(real.preprocess, figures, lambda: Tiny))  # type: ignore[arg-type,return-value]
    monkeypatch.setattr(guessing, "TRAININGS", [])
    monkeypatch.setattr(Tiny, "fails", None)
    return Tiny


@pytest.fixture
def ask(tmp_path: Path, standin_data: Path, cache: Path, tiny: type[Tiny], monkeypatch) -> Callable[..., int]:
    """The command line on a path, with the tiny recipe and few patches."""
    monkeypatch.setattr(occlusion, "MOST", 12)
    monkeypatch.setattr("os.cpu_count", lambda: 1)  # clips are prepared in this process, where the patches are

    def call(path: Path, *more: str, data: bool = True) -> int:
        where = ["--out", str(tmp_path / "out"), "--cache", str(cache)]
        where += ["--data", str(standin_data), "--profile", "smoke"] if data else []
        return run_all.main(["--predict", str(path), "--paper", KEY, *where, *more])

    return call


def test_a_prediction_leaves_what_it_promises(
    tmp_path: Path, shot: Sequence[Picture], ask: Callable[..., int], tiny: type[Tiny], capsys
) -> None:
    path = film.video(tmp_path / "my clip.avi", [little(frame) for frame in shot[:12]])
    assert ask(path) == 0
    printed = capsys.readouterr().out
    assert "STAND-IN MODEL" in printed
    record = json.loads((tmp_path / "out/predictions/my-clip-aouayeb2019.json").read_text())
    assert record["notice"]
    assert {*record["probabilities"], *record["never_seen"]} == {"negative", "positive", "surprise"}
    assert sum(record["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    assert record["answer"] == max(record["probabilities"], key=record["probabilities"].get)
    assert sum(record["chance"].values()) == pytest.approx(1)
    assert record["apex"]["how"].startswith("estimated")
    assert 1 <= record["apex"]["frame"] <= 12
    assert record["source"] | {"name": "my clip.avi", "frames": 12, "fps": 100.0, "kind": "video"} == record["source"]
    pdf = PdfReader(tmp_path / "out/predictions/my-clip-aouayeb2019.pdf")
    assert len(pdf.pages) == 1
    text = " ".join(pdf.pages[0].extract_text().split())
    assert "says nothing about people" in text or "say nothing about people" in text
    assert "my clip.avi" in text
    assert "not measured" in text
    (folder,) = (tmp_path / "out/models" / KEY).glob("composite-loso-cnn-in-fold-*")
    card = json.loads((folder / "card.json").read_text())
    assert card["data"] == "stand-in"
    assert card["clips"] == sum(card["by_class"].values()) == sum(corpus["clips"] for corpus in card["corpora"])
    assert card["scores"] == []
    assert len(card["departures"]) == len(papers.load(KEY).departures)
    assert card["files"]["network"]["reads"]["nose"] == {"shape": [None, 20, 30, 4], "dtype": "uint8"}
    assert "--experiment composite-loso/cnn-in-fold" in card["scores_command"]
    assert guessing.TRAININGS == ["all clips"]
    first = (tmp_path / "out/predictions/my-clip-aouayeb2019.json").read_bytes()
    assert ask(path) == 0
    assert guessing.TRAININGS == ["all clips"]
    assert (tmp_path / "out/predictions/my-clip-aouayeb2019.json").read_bytes() == first
    for named in (folder, folder / "network.keras"):
        assert ask(path, "--model", str(named), data=False) == 0
    assert guessing.TRAININGS == ["all clips"]
    capsys.readouterr()
    (folder / "network.keras").write_bytes((folder / "network.keras").read_bytes()[:-1])
    assert ask(path) == 2
    assert "damaged, or not the file" in capsys.readouterr().err
    assert ask(path, "--seed", "1") == 0
    assert len(guessing.TRAININGS) == 2


def test_scores_of_the_same_experiment_come_into_the_card(
    tmp_path: Path, shot: Sequence[Picture], ask: Callable[..., int], standin_data: Path, cache: Path, monkeypatch
) -> None:
    path = film.video(tmp_path / "a.avi", [little(frame) for frame in shot[:4]])
    assert ask(path) == 0
    reports: list[Report] = []
    monkeypatch.setattr("common.report.write", lambda report, out, formats: (reports.append(report), ())[1])
    shared = ["--profile", "smoke", "--data", str(standin_data), "--out", str(tmp_path / "out"), "--workers", "1"]
    experiment = ["--experiment", "composite-loso/cnn-in-fold", "--cache", str(cache)]
    assert run_all.main(["--paper", KEY, *shared, *experiment]) == 0
    assert ask(path) == 0
    record = json.loads((tmp_path / "out/predictions/a-aouayeb2019.json").read_text())
    measured = {
        comparison.metric: comparison.score
        for comparison in reports[0].comparisons
        if (comparison.variant, comparison.corpus) == ("cnn-in-fold", "megc2019")
    }
    assert [score["metric"] for score in record["model"]["scores"]] == ["uf1", "uar", "accuracy"]
    for score in record["model"]["scores"]:
        for name in ("value", "low", "high", "chance", "n_folds_done", "n_folds"):
            assert score[name] == getattr(measured[score["metric"]], name)


def test_one_bad_clip_leaves_the_others_and_equal_names_stay_apart(
    tmp_path: Path, shot: Sequence[Picture], ask: Callable[..., int], capsys
) -> None:
    several = tmp_path / "several"
    several.mkdir()
    film.video(several / "a.avi", [little(frame) for frame in shot[:3]])
    film.folder(several / "a", [little(frame) for frame in shot[8:11]])
    (several / "b.avi").write_bytes(b"RIFF nothing")
    film.video(several / "c.avi", [np.rot90(little(frame)) for frame in shot[:2]])
    assert ask(several, "--fps", "100") == 1
    captured = capsys.readouterr()
    assert len(captured.err.strip().splitlines()) == 2
    assert "b.avi" in captured.err
    assert "c.avi" in captured.err
    written = {file.name for file in (tmp_path / "out/predictions").glob("*.json")}
    assert len(written) == 2
    for name in written:  # asked again, each takes the place of its own
        record = json.loads((tmp_path / "out/predictions" / name).read_text())
        assert f"{records.stem(tmp_path / 'out/predictions', record)}-{KEY}.json" == name
    clip = record | {"source": record["source"] | {"sha256": "1" * 64}}
    model = record | {"model": record["model"] | {"folder": "another"}}
    for other in (clip, model):  # another clip, or the same by another model
        assert f"{records.stem(tmp_path / 'out/predictions', other)}-{KEY}.json" not in written


def test_nothing_is_trained_for_clips_that_cannot_be_used(
    tmp_path: Path, ask: Callable[..., int], tiny: type[Tiny], shot: Sequence[Picture], capsys
) -> None:
    (tmp_path / "a.avi").write_bytes(b"RIFF nothing")
    assert ask(tmp_path / "a.avi") == 1
    assert ask(film.folder(tmp_path / "frames", shot[:2])) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 2
    assert guessing.TRAININGS == []
    assert not (tmp_path / "out/models").exists()


def test_a_class_without_clips_and_a_short_profile_are_said_everywhere(
    tmp_path: Path, shot: Sequence[Picture], ask: Callable[..., int], capsys
) -> None:
    path = film.video(tmp_path / "a.avi", [little(frame) for frame in shot[:4]])
    assert ask(path, "--clips", "3") == 0
    (folder,) = (path for path in (tmp_path / "out/models" / KEY).iterdir() if path.is_dir())
    card = json.loads((folder / "card.json").read_text())
    record = json.loads((tmp_path / "out/predictions/a-aouayeb2019.json").read_text())
    assert record["never_seen"] == []
    unseen = record["answer"]
    (folder / "card.json").write_text(json.dumps(card | {"by_class": card["by_class"] | {unseen: 0}}))
    capsys.readouterr()
    assert ask(path, "--model", str(folder), data=False) == 0
    printed = capsys.readouterr().out
    record = json.loads((tmp_path / "out/predictions/a-aouayeb2019.json").read_text())
    assert record["answer"] != unseen
    assert record["never_seen"] == [unseen]
    assert set(record["probabilities"]) == set(record["chance"]) == set(card["classes"]) - {unseen}
    assert sum(record["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    page = " ".join(PdfReader(tmp_path / "out/predictions/a-aouayeb2019.pdf").pages[0].extract_text().split())
    for text in (printed.lower(), page.lower(), record["notice"].lower()):
        assert f"without any clip of {unseen}" in text
        assert "profile smoke" in text
    others = dict.fromkeys(card["by_class"], 0) | {unseen: 3}
    (folder / "card.json").write_text(json.dumps(card | {"by_class": others}))
    assert ask(path, "--model", str(folder), data=False) == 2
    assert "no prediction is made" in capsys.readouterr().err


def test_the_network_is_also_written_as_onnx(
    tmp_path: Path, shot: Sequence[Picture], ask: Callable[..., int], monkeypatch, capsys
) -> None:
    path = film.video(tmp_path / "a.avi", [little(frame) for frame in shot[:4]])
    with monkeypatch.context() as patch:
        patch.setattr(command, "ONNX", ("no_such_package",))
        assert ask(path, "--export", "onnx") == 2
        assert 'pip install -e ".[onnx]"' in capsys.readouterr().err
    for package in command.ONNX:
        pytest.importorskip(package)
    from common.predict import onnx_files

    assert ask(path, "--export", "onnx") == 0
    (file,) = (tmp_path / "out/models" / KEY).glob("*/network.onnx")
    assert str(file) in capsys.readouterr().out
    with monkeypatch.context() as patch:
        patch.setattr(onnx_files, "MOST_PARAMETERS", 1)
        assert ask(path, "--export", "onnx") == 1
        assert "use the .keras file" in capsys.readouterr().err
    monkeypatch.setattr(onnx_files, "TOLERANCE", -1.0)
    assert ask(path, "--export", "onnx") == 1
    assert "differ from those of Keras" in capsys.readouterr().err
    assert not file.exists()
    assert (tmp_path / "out/predictions/a-aouayeb2019.json").exists()


@pytest.mark.parametrize("fault", [RuntimeError("out of luck"), KeyboardInterrupt])
def test_training_that_stops_leaves_no_half_model(
    tmp_path: Path, shot: Sequence[Picture], ask: Callable[..., int], tiny: type[Tiny], fault: Any, capsys
) -> None:
    path = film.video(tmp_path / "a.avi", [little(frame) for frame in shot[:3]])
    tiny.fails = fault
    assert ask(path) == (130 if fault is KeyboardInterrupt else 1)
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert not [file for file in (tmp_path / "out/models" / KEY).iterdir() if not file.name.endswith(".lock")]
    tiny.fails = None
    if fault is KeyboardInterrupt:
        (lock,) = (tmp_path / "out/models" / KEY).iterdir()
        lock.with_name(f"{lock.stem}.0123abcd.part").mkdir()  # as a kill leaves it
        assert ask(path) == 0
        assert len([file for file in (tmp_path / "out/models" / KEY).iterdir() if file.is_dir()]) == 1


@pytest.mark.parametrize(
    "damage",
    [
        lambda card: None,
        lambda card: card | {"paper": "kumar2019"},
        lambda card: card | {"files": {"network": card["files"]["network"] | {"file": "../../x.keras"}}},
        lambda card: card | {"settings": card["settings"] | {"sequence_length": 10**9}},
        lambda card: card | {"classes": ["a", "b", "c"]},
        lambda card: {name: value for name, value in card.items() if name != "licence"},
        lambda card: [card],
    ],
)
def test_a_foreign_card_is_one_line(tmp_path: Path, shot: Sequence[Picture], kept: Path, damage: Any, capsys) -> None:
    folder = tmp_path / "model"
    shutil.copytree(kept, folder)
    card = damage(json.loads((folder / "card.json").read_text()))
    (folder / "card.json").write_text(json.dumps(card)) if card else (folder / "card.json").unlink()
    path = film.video(tmp_path / "a.avi", shot[:4])
    where = ["--out", str(tmp_path / "out"), "--cache", str(tmp_path / "cache")]
    assert run_all.main(["--predict", str(path), "--paper", KEY, "--model", str(folder), *where]) == 2
    captured = capsys.readouterr().err
    assert len(captured.strip().splitlines()) == 1
    assert str(folder) in captured


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A card without its network: it is refused before that is read."""
    from common.predict import cards

    paper = papers.load(KEY)
    experiment = next(experiment for experiment in paper.experiments if experiment.common_ground)
    settings = paper.profiles["smoke"].settings.having(experiment.settings)
    folder = tmp_path_factory.mktemp("kept")
    (folder / "network.keras").write_bytes(b"none")
    texts = ("scores_command", "protocol", "title", "scores_of", "licence")
    card = {
        "format": cards.FORMAT,
        "paper": KEY,
        "experiment": experiment.id,
        "data": "stand-in",
        "profile": "smoke",
        "precision": "float32",
        "settings": cards.plain_settings(settings),
        "classes": list(experiment.labels.classes),
        "by_class": {"positive": 1},
        **dict.fromkeys(texts, ""),
        **dict.fromkeys(("seed", "clips", "subjects"), 0),
        **{name: [] for name in ("corpora", "scores", "shortened", "departures", "set")},
        **{name: {} for name in ("environment", "how")},
        "reference": {"title": "", "authors": "", "venue": "", "url": "", "year": 2019},
        "files": {
            "network": {"file": "network.keras", "sha256": "0" * 64, "parameters": 1, "reads": {}, "answers": {}},
        },
    }
    (folder / "card.json").write_text(json.dumps(card))
    return folder


@pytest.mark.parametrize(
    "arguments",
    [
        ["--all"],
        ["--paper", KEY, "kumar2019"],
        ["--paper", KEY, "--dry-run"],
        ["--paper", KEY, "--report-only"],
        ["--paper", KEY, "--controls"],
        ["--paper", KEY, "--tune"],
        ["--paper", KEY, "--workers", "2"],
        ["--paper", KEY, "--seeds", "2"],
        ["--paper", KEY, "--fps", "0"],
        ["--paper", KEY, "--fps", "nan"],
        ["--paper", KEY, "--experiment", "a", "b"],
        ["--paper", KEY, "--model", "m", "--seed", "1"],
        ["--paper", KEY, "--model", "m", "--data", "d"],
        ["--paper", KEY, "--json"],
        ["--paper", KEY, "--export", "csv"],
        ["--paper", KEY, "--export", "onnx", "latex"],
        [],
    ],
)
def test_options_that_make_no_sense_together(arguments: list[str], capsys) -> None:
    with pytest.raises(SystemExit) as caught:
        run_all.main(["--predict", "a.avi", *arguments])
    assert caught.value.code == 2
    assert capsys.readouterr().err.count("error:") == 1


def test_options_of_a_prediction_need_one(capsys) -> None:
    for option in (["--fps", "3"], ["--model", "m"], ["--export", "onnx"]):
        with pytest.raises(SystemExit):
            run_all.main(["--paper", KEY, *option])
        assert f"{option[0]}" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        run_all.main(["--predict", "a b.avi"])
    assert "add --paper KEY, such as --predict 'a b.avi' --paper" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["composite-loso/cnn-once", "composite-loso", "composite-loso/cnn-in-fold+no-motion"])
def test_only_leak_free_experiments_answer(tmp_path: Path, name: str, capsys) -> None:
    where = ["--out", str(tmp_path / "out"), "--cache", str(tmp_path / "cache")]
    assert run_all.main(["--predict", "a.avi", "--paper", KEY, "--experiment", name, *where]) == 2
    assert "composite-loso/cnn-in-fold" in capsys.readouterr().err


def test_no_probability_is_shown_as_a_certainty() -> None:
    assert [page.likely(p) for p in (0.0, 0.0004, 0.5, 0.9996, 1.0)] == [
        "<0.001",
        "<0.001",
        "0.500",
        ">0.999",
        ">0.999",
    ]


@pytest.mark.parametrize("inputs", [1, 2, 6])
@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("a", []),
        ("b" * 3000, ["Very long remark " * 60] * 30),
        ("$x$ *b* #panic()", ["#" * 500, "\\ @y <z> `r` " * 20]),
    ],
)
def test_every_prediction_is_one_page(inputs: int, name: str, lines: list[str], kept: Path) -> None:
    rng = np.random.default_rng(0)
    card = json.loads((kept / "card.json").read_text())
    record = {
        "source": {"name": name, "frames": 9, "width": 9, "height": 9, "fps": 1e4, "seconds": 9e-4, "sha256": "0" * 64},
        "probabilities": {"positive": 1.0, "negative": 0.0},
        "never_seen": ["surprise"],
        "answer": "positive",
        "remarks": lines,
        "model": {"sha256": "0" * 64, "folder": "m" * 500},
    }

    def picture(height: int, width: int) -> Picture:
        return rng.integers(0, 256, (height, width, 3)).astype(np.uint8)

    strips = [pictures.Strip(f"input_{n}", picture(20, 150), ("a", "b", "c"), 0.1) for n in range(inputs)]
    frames = [("onset", picture(80, 20)), ("apex", picture(10, 90)), ("offset", picture(5, 5))]
    pdf = PdfReader(io.BytesIO(page.page(record, card, frames, strips)))
    assert len(pdf.pages) == 1
    assert ">0.999" in pdf.pages[0].extract_text()
    assert "1.000" not in pdf.pages[0].extract_text()
