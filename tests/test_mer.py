"""Methods that are given as functions: clips, arrays, digests of functions, and predictions from elsewhere."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from threading import Lock

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, recall_score

import mer
from common import corpora, own
from common.corpora import flow_maps
from common.errors import ClipError, UserError
from common.types import ClipFrames

ROOT = Path(__file__).parents[1]
SIZE = 12


@pytest.fixture(autouse=True, scope="module")
def one_process() -> Iterator[None]:
    """Starting processes takes longer than to prepare these clips."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mer._cores", lambda: 1)
        yield


def brightness(clip: ClipFrames, faces: object) -> np.ndarray:
    """Stands for a preparation that needs no face: the number of frames and the rate."""
    return np.array([len(clip.numbers), clip.fps])


@pytest.fixture(scope="module")
def clips(standin_data: Path, cache: Path) -> mer.Clips:
    return mer.load(stand_ins=(2, 3), cache=cache)


def test_clips_have_their_classes_and_no_two_the_same_id(clips: mer.Clips) -> None:
    assert len(clips) == len(set(clips.ids)) == 18
    assert len(clips.subjects) == 6
    assert np.bincount(clips.y).tolist() == [6, 6, 6]
    table = clips.table()
    assert table.index.tolist() == list(clips.ids)
    assert [clips.classes.index(name) for name in table["class"]] == clips.y.tolist()


def test_arrays_are_in_the_order_of_the_clips(clips: mer.Clips) -> None:
    x = mer.prepare(clips, brightness)
    assert x["x"].dtype == np.float32
    assert x["x"].tolist() == [[len(clip.numbers), clip.fps] for clip in clips]


def test_a_clip_that_cannot_be_used_is_left_out_by_name(clips: mer.Clips) -> None:
    def only_smic(clip: ClipFrames, faces: object) -> np.ndarray:
        if clip.corpus != "smic":
            raise ClipError("not of SMIC")
        return np.zeros(2)

    x = mer.prepare(clips, only_smic)
    assert {clip.corpus for clip in x.clips} == {"smic"}
    assert len(x["x"]) == len(x.clips) == 6
    assert sum("not of SMIC" in line for line in x.clips.left_out) == 12
    with pytest.raises(UserError):
        mer.batches(clips, x)


def test_clips_of_different_shapes_are_refused(clips: mer.Clips) -> None:
    with pytest.raises(UserError):
        mer.prepare(clips, lambda clip, faces: np.zeros(len(clip.numbers)))


def test_batches_are_what_fit_takes(clips: mer.Clips) -> None:
    x = np.arange(18, dtype=np.uint8)[:, None]
    inputs, targets = zip(*(mer.batches(clips, x, batch=4)[index] for index in range(5)), strict=True)
    assert np.allclose(np.concatenate([part["x"] for part in inputs]) * 255, x)
    assert np.concatenate([part["emotion"] for part in targets]).argmax(axis=1).tolist() == clips.y.tolist()
    shuffled = mer.batches(clips, x, batch=18, shuffle=0)
    first = shuffled[0][0]["x"]
    shuffled.on_epoch_end()
    assert not np.array_equal(first, shuffled[0][0]["x"])


def helper(values: np.ndarray) -> np.ndarray:
    return values * SIZE


def prepared(clip: ClipFrames, faces: object, scale: int = 2) -> list[np.ndarray]:
    return [helper(np.zeros(3)) * scale for _ in range(2)]


def test_a_digest_depends_on_all_that_a_function_uses(monkeypatch: pytest.MonkeyPatch) -> None:
    before = own.digest(prepared)
    assert own.digest(prepared) == before
    assert own.digest(partial(prepared, scale=3)) != before
    monkeypatch.setattr("test_mer.SIZE", 13)
    changed = own.digest(prepared)
    assert changed != before
    monkeypatch.setattr("test_mer.helper", lambda values: values + SIZE)
    assert own.digest(prepared) not in (before, changed)
    with pytest.raises(UserError):
        own.digest(partial(prepared, scale=Lock()))
    monkeypatch.undo()
    monkeypatch.setattr("test_mer.fps", Lock(), raising=False)  # the name of an attribute that `brightness` reads
    own.digest(brightness)
    assert own.digest(prepared) == before


def test_predictions_from_elsewhere_are_scored_as_sklearn_does(clips: mer.Clips, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    answers = np.where(rng.random(18) < 0.6, clips.y, rng.integers(0, 3, 18))
    names = [clips.classes[k] if i % 2 else str(k) for i, k in enumerate(answers)]
    rows = [f"{clip},{name}" for clip, name in zip(clips.ids, names, strict=True)]
    file = tmp_path / "mine.csv"
    file.write_text("\n".join(["clip,predicted", *reversed(rows)]), encoding="utf-8")
    result = mer.score(file, clips)
    assert result.uf1 == pytest.approx(f1_score(clips.y, answers, average="macro"))
    assert result.uar == pytest.approx(recall_score(clips.y, answers, average="macro"))
    assert result.accuracy == pytest.approx(accuracy_score(clips.y, answers))
    assert [*result.f1_by_class.values()] == pytest.approx(f1_score(clips.y, answers, average=None))
    assert result.interval is not None
    assert result.predictions.loc[list(clips.ids), "predicted"].tolist() == [clips.classes[k] for k in answers]
    assert result.compare(mer.score(file, clips, name="again"))["difference"].tolist() == [0]
    with pytest.raises(UserError):
        result.compare(result)
    for wrong in (rows[:-1], [*rows, rows[0]], [*rows[:-1], "smic/s99/none,0"], [*rows[:-1], f"{clips.ids[-1]},9"]):
        file.write_text("\n".join(["clip,predicted", *wrong]), encoding="utf-8")
        with pytest.raises(UserError):
            mer.score(file, clips)


def test_flow_maps_are_written_for_every_clip_and_read_as_a_corpus(clips: mer.Clips, tmp_path: Path) -> None:
    used = mer.flow_maps(clips, "dis", tmp_path / "maps", "midpoint")
    corpus = corpora.load(flow_maps.CORPUS, tmp_path / "maps")
    assert {clip.id: clip.emotion for clip in corpus.clips} == {
        clip.id: clips.classes[label] for clip, label in used.pairs
    }
    assert used.ids == clips.ids
    record = json.loads((tmp_path / "maps" / "flow-maps.json").read_text(encoding="utf-8"))
    assert record["estimated"] == sum(clip.apex is None for clip in clips) == 6
    with (tmp_path / "maps" / "combined_3_class2_for_optical_flow.csv").open(encoding="utf-8", newline="") as lines:
        apexes = [int(row["apex"]) for row in csv.DictReader(lines)]
    assert all(apex == clip.apex or clip.apex is None for apex, clip in zip(apexes, used, strict=True))
    assert all(apex in clip.numbers for apex, clip in zip(apexes, used, strict=True))
    for recipe, method in (("none", "midpoint"), ("dis", "none")):
        with pytest.raises(UserError):
            mer.flow_maps(clips, recipe, tmp_path / "other", method)


def test_what_does_not_fit_is_refused_before_training(clips: mer.Clips, tmp_path: Path) -> None:
    x = np.zeros((18, 2), np.float32)
    with pytest.raises(UserError):
        mer.evaluate(clips, x, lambda shapes, classes: None, epochs=1, protocol="none", out=tmp_path)
    with pytest.raises(UserError):
        mer.loso(clips, x[:5], lambda shapes, classes: None, epochs=1, out=tmp_path)
    with pytest.raises(UserError):
        mer.loso(clips, x, lambda shapes, classes: None, epochs=1, name="liong2019", out=tmp_path)
    with pytest.raises(UserError):
        mer.load(tmp_path)


def test_numbers_below_one_and_what_is_no_array_of_numbers_are_refused(clips: mer.Clips, tmp_path: Path) -> None:
    x = np.zeros((18, 2), np.float32)
    for wrong in ({"epochs": 0}, {"epochs": 1, "batch": 0}, {"epochs": 1, "seeds": 0}, {"epochs": 1, "workers": 0}):
        with pytest.raises(UserError, match=r"at least 1"):
            mer.loso(clips, x, make=lambda shapes, classes: None, out=tmp_path, **wrong)
    for given in (x.tolist(), x.astype(str), x.astype(complex), np.array(None)):
        with pytest.raises(UserError):
            mer.batches(clips, given)
    files = own.given([*clips], {"x": np.full((18, 2), np.nan)}, tmp_path)
    assert len(files.row) == 18


@pytest.mark.slow
def test_what_is_no_network_of_these_clips_is_refused() -> None:
    import keras

    def flat(*ends: keras.layers.Layer, start: int = 4) -> keras.Model:
        return keras.Sequential([keras.Input((start, 4)), keras.layers.Flatten(), *ends])

    def built(model: object) -> keras.Model:
        return own.Made("own", lambda shapes, classes: model, {"x": (4, 4)}, 3).build(own.Network(), {"x": (4, 4)}, 3)

    start = keras.Input((4, 4))
    misnamed = keras.Model(start, {"y": keras.layers.Dense(3, "softmax")(keras.layers.Flatten()(start))})
    without_input = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(3, "softmax")])
    for wrong in (
        None,
        without_input,
        flat(keras.layers.Dense(3)),
        flat(keras.layers.Dense(3, "sigmoid")),
        flat(keras.layers.Dense(2, "softmax")),
        flat(keras.layers.Dense(3, "softmax"), start=5),
        misnamed,
    ):
        with pytest.raises(UserError):
            built(wrong)
    x = {"x": np.random.default_rng(0).random((5, 4, 4), np.float32)}
    model = flat(keras.layers.Dense(3, "softmax"))
    assert np.allclose(built(model)(x)["emotion"], model(x["x"]))


@pytest.mark.slow
def test_given_arrays_are_trained_on_and_a_second_call_only_reads(clips: mer.Clips, tmp_path: Path) -> None:
    def make(shapes: dict[str, tuple[int, ...]], classes: int) -> object:
        import keras

        inputs = keras.Input(shapes["x"], name="x")
        model = keras.Model({"x": inputs}, {"emotion": keras.layers.Dense(classes, "softmax")(inputs)})
        model.compile(keras.optimizers.SGD(0.5), "categorical_crossentropy")
        return model

    x = np.eye(3, dtype=np.float32)[clips.y]  # the classes themselves
    result = mer.loso(clips, x, make, epochs=30, out=tmp_path)
    assert result.uf1 == 1
    folds = sorted(tmp_path.glob("runs/own/composite/loso/*/folds/*.json"))
    written = [fold.stat().st_mtime_ns for fold in folds]
    again = mer.loso(clips, x, make, epochs=30, out=tmp_path)
    assert [fold.stat().st_mtime_ns for fold in folds] == written
    assert len(folds) == 6
    assert again.predictions.equals(result.predictions)


@pytest.mark.slow
def test_the_examples_of_the_page_run_as_one_script_in_an_empty_folder(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "pages" / "python.md").read_text(encoding="utf-8")
    examples = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    (tmp_path / "own.py").write_text("\n".join(examples), encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    done = subprocess.run([sys.executable, "own.py"], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-4000:]
    assert (tmp_path / "own.pdf").read_bytes().startswith(b"%PDF")
    told = re.findall(r"^(own|mine): UF1 ([\d.]+)", done.stdout, re.MULTILINE)
    assert [name for name, _ in told] == ["own", "mine"]
    assert all(float(uf1) > 0.6 for _, uf1 in told), "its faces move so far that networks learn"
    assert "landmarks composite/loso: all folds (6) are stored" in done.stdout, "more seeds train no fold again"
