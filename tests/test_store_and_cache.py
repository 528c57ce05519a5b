"""What lies on disk is whole, keyed by what matters, and never trusted when damaged."""

from __future__ import annotations

import hashlib
import json
import logging
import math
import os
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import papers
from common.environment import ROOT, code_digest
from common.errors import ClipError, UserError
from common.files import move_folder, write_atomically, write_json
from common.json_schema import INTEGER, NUMBER, UnexpectedFormat, by_name, holding, list_of, parsed, text_like
from common.report.assemble import _curves
from common.runs.cache import Cache, digest
from common.runs.manifest import read_plan
from common.runs.store import Run
from common.types import FoldResult


def result(fold: str = "smic/s1") -> FoldResult:
    probabilities = np.random.default_rng(1).dirichlet(np.ones(3), 2).astype(np.float32)
    return FoldResult(
        fold,
        ("a/b/c", "a/b/d"),
        np.array([0, 2]),
        probabilities,
        {"LSTM part": {"loss": [0.1]}},
        0,
        1.5,
        {"parameters": 12},
        {"python": "3"},
        caveats=("random weights",),
        relabelled=np.array([[0, 1], [2, 2], [1, 0]]),
    )


def test_a_fold_comes_back_bit_for_bit(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.save(result())
    back = run.load("smic/s1")
    assert back is not None
    assert back.clips == result().clips
    assert (back.truth == result().truth).all()
    assert back.probabilities.tobytes() == result().probabilities.tobytes()
    assert back.relabelled is not None
    assert back.relabelled.tolist() == [[0, 1], [2, 2], [1, 0]]
    run.save(replace(result("smic/s2"), relabelled=None))
    other = run.load("smic/s2")
    assert other is not None
    assert other.relabelled is None


def test_epochs_that_are_not_finite_are_stored_as_null(tmp_path: Path) -> None:
    run, history = Run(tmp_path), {"network": {"loss": [3.1, math.inf, math.nan], "val_accuracy": [0.5, 0.0, math.nan]}}
    run.save(replace(result(), history=history))
    (file,) = (tmp_path / "folds").iterdir()
    loss = [3.1, None, None]
    assert json.loads(file.read_text())["history"]["network"] == {"loss": loss, "val_accuracy": [0.5, 0.0, None]}
    back = run.load("smic/s1")
    assert back is not None
    for name, values in back.history["network"].items():
        finite = np.isfinite(history["network"][name])
        assert np.array_equal(np.isnan(values), ~finite)
        assert np.array(values)[finite].tolist() == np.array(history["network"][name])[finite].tolist()


@pytest.mark.parametrize(
    "damage", [lambda text: text[: len(text) // 2], lambda text: text.replace("0.1", "0.2"), lambda _: ""]
)
def test_a_damaged_fold_counts_as_missing_and_is_named(tmp_path: Path, damage, caplog) -> None:
    run = Run(tmp_path)
    run.save(result())
    (file,) = (tmp_path / "folds").iterdir()
    file.write_text(damage(file.read_text()))
    with caplog.at_level(logging.WARNING):
        assert run.load("smic/s1") is None
    assert file.name in caplog.text


@pytest.mark.parametrize(
    "change",
    [
        {"truth": [0]},
        {"truth": [0, 2**70]},
        {"truth": [0, 2.0]},
        {"truth": [0, True]},
        {"truth": [0, 3]},
        {"truth": [0, -1]},
        {"clips": ["a/b/c", "a/b/c"]},
        {"clips": ["a/b/c", 7]},
        {"probabilities": [[0.5, 0.5, 0.0]]},
        {"probabilities": [[0.5, 0.5, 0.0], [1.0]]},
        {"probabilities": [[0.5, 0.5, 0.0], [math.nan, 0.5, 0.5]]},
        {"probabilities": [[0.5, 0.5, 0.0], [math.inf, 0.0, 0.0]]},
        {"probabilities": [[0.5, 0.5, 0.0], [1.5, -0.5, 0.0]]},
        {"probabilities": [[0.5, 0.5, 0.0], [0.2, 0.2, 0.2]]},
        {"history": None},
        {"history": {"LSTM part": [0.1]}},
        {"seconds": "long"},
        {"seconds": 10**400},
        {"seconds": 2**70},
        {"seconds": True},
        {"seconds": math.nan},
        {"seconds": math.inf},
        {"seed": 0.0},
        {"seed": False},
        {"trials": [{"settings": {"epochs": None}, "uf1": 0.5, "log_loss": 0.5}]},
        {"measured": {"parameters": "many"}},
        {"environment": ["python"]},
        {"caveats": "random weights"},
        {"relabelled": [[0, 1], [2]]},
        {"relabelled": [[0, 1, 2]]},
        {"relabelled": [[0, 3]]},
        {"relabelled": [[0, -1]]},
        {"relabelled": [0, 1]},
        {"relabelled": [[0.0, 1.0]]},
        {"fold": "smic/s2"},
    ],
    ids=str,
)
def test_a_fold_of_another_form_counts_as_missing_though_its_digest_fits(tmp_path: Path, change: dict, caplog) -> None:
    Run(tmp_path).save(result())
    (file,) = (tmp_path / "folds").iterdir()
    record = {k: v for k, v in json.loads(file.read_text()).items() if k != "digest"} | change
    file.write_text(json.dumps(record | {"digest": digest(record)}))
    with caplog.at_level(logging.WARNING):
        assert Run(tmp_path).load("smic/s1") is None
    assert file.name in caplog.text


def test_a_damaged_fold_is_reported_once_and_kept_aside(tmp_path: Path, caplog) -> None:
    run = Run(tmp_path)
    run.save(result())
    assert run.holds("smic/s1")
    (file,) = (tmp_path / "folds").iterdir()
    whole = file.read_bytes()
    file.write_bytes(whole[:-30])
    with caplog.at_level(logging.WARNING):
        assert [run.holds("smic/s1"), run.load("smic/s1"), Run(tmp_path).holds("smic/s1")] == [False, None, False]
    assert caplog.text.count(file.name) >= 1
    assert len(caplog.records) == 1
    assert [path.name for path in file.parent.iterdir()] == [f"{file.name}.damaged"]
    assert file.with_name(f"{file.name}.damaged").read_bytes() == whole[:-30]
    run.save(result())
    assert run.holds("smic/s1")


def test_damage_in_a_store_that_cannot_be_written_is_reported_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError("read-only")

    run = Run(tmp_path)
    run.save(result())
    (file,) = (tmp_path / "folds").iterdir()
    file.write_text("{")
    monkeypatch.setattr(os, "replace", refuse)
    with caplog.at_level(logging.WARNING):
        assert [run.load("smic/s1") for _ in range(3)] == [None] * 3
    assert len(caplog.records) == 1
    assert file.read_text() == "{"


def test_a_fold_that_is_stored_anew_is_read_again(tmp_path: Path) -> None:
    first, second = Run(tmp_path), Run(tmp_path)
    assert not first.holds("smic/s1")
    second.save(result())
    assert first.holds("smic/s1")
    (file,) = (tmp_path / "folds").iterdir()
    file.unlink()
    assert not first.holds("smic/s1")


NUMBERS = {"0": True, "-1.5e3": True, str(2**63 - 1): True, "1e300": True}
NUMBERS |= dict.fromkeys(("NaN", "Infinity", "-Infinity", "1e999", "-1e999", str(2**63), str(-(2**63))), False)
NUMBERS |= dict.fromkeys(("true", "false", "null", '"1"', "[]", "{}"), False)


@pytest.mark.parametrize(("text", "read"), NUMBERS.items())
def test_numbers_are_finite_and_fit_64_bits(text: str, read: bool) -> None:
    for content, schema in ((text, NUMBER), (f"[{text}]", list_of(NUMBER)), (f'{{"a": {text}}}', by_name(NUMBER))):
        if read:
            assert parsed(content, schema) == json.loads(content)
        else:
            with pytest.raises(UnexpectedFormat):
                parsed(content, schema)


@pytest.mark.parametrize("text", ["1.0", "1e2", "true", "null", str(2**63)])
def test_whole_numbers_have_no_fraction(text: str) -> None:
    assert parsed("[0, -7]", list_of(INTEGER)) == [0, -7]
    with pytest.raises(UnexpectedFormat):
        parsed(f"[0, {text}]", list_of(INTEGER))


def test_a_record_may_hold_more_than_is_asked_for_and_no_less() -> None:
    schema = holding({"a": NUMBER, "name": text_like("x|y+")})
    assert parsed(b'{"a": 1, "name": "yy", "b": [null]}', schema) == {"a": 1, "name": "yy", "b": [None]}
    for content in ('{"a": 1}', '{"a": 1, "name": "yy\\n"}', '{"a": 1, "name": "xy"}', '[{"a": 1, "name": "x"}]'):
        with pytest.raises(UnexpectedFormat):
            parsed(content, schema)


def test_a_fold_never_answers_for_another(tmp_path: Path) -> None:
    Run(tmp_path).save(result())
    (file,) = (tmp_path / "folds").iterdir()
    file.with_name("smic-s2.json").write_bytes(file.read_bytes())
    assert Run(tmp_path).load("smic/s1") is not None
    assert Run(tmp_path).load("smic/s2") is None


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"notes":' * 5000, '{"notes": 7}', '{"notes": [7]}', "7", '{"reason": 7}']
)
def test_what_else_a_run_keeps_counts_as_missing_where_it_is_of_another_form(tmp_path: Path, text: str) -> None:
    run = Run(tmp_path)
    run.save_failure("smic/s1", "diverged")
    for file in (tmp_path / "run.json", tmp_path / "notes.json", tmp_path / "failed" / "smic-s1.json"):
        file.write_text(text)
    assert (run.description(), run.notes(), run.failure("smic/s1")) == (None, (), None)


def described(path: str, reason: object = "no face") -> dict:
    shown = {"title": "a figure", "caption": "", "path": path}
    excluded = {"clip": "smic/s1/x", "reason": reason, "fault": True}
    return {"exclusions": [excluded], "figures": [shown], "preprocessing_seconds": 1.5}


def test_a_run_names_no_figure_outside_its_folder(tmp_path: Path) -> None:
    outside = ("../a.png", "/a.png", "..", "", "a.png\n", "\na.png", "a.png/../../b", "a" * 101)
    for path, read in {"a b-1.png": True, "a" * 100: True, **dict.fromkeys(outside, False)}.items():
        Run(tmp_path).describe(described(path))
        assert (Run(tmp_path).description() is not None) == read, path
    Run(tmp_path).describe(described("a.png", reason=7))
    assert Run(tmp_path).description() is None


def test_a_plan_of_another_form_counts_as_missing(tmp_path: Path) -> None:
    plan: dict = {name: [] for name in ("command", "shortened", "differences", "corpora", "exclusions", "corrections")}
    plan |= {
        "data": "/data",
        "options": [["--set", "epochs=3"]],
        "runs": {"a/b": {"path": "0123456789abcdef", "folds": ["smic/s1"]}},
    }
    write_json(tmp_path / "plan.json", plan)
    assert read_plan(tmp_path / "plan.json") == plan
    for change in (
        {"runs": "x"},
        {"runs": {"a/b": {"path": "../../x", "folds": []}}},
        {"runs": {"a/b": {"path": "x\n", "folds": []}}},
        {"runs": {"a/b": {"path": "x", "folds": 7}}},
        {"runs": {"a/b": {"path": "x", "folds": [[]]}}},
        {"command": "x"},
        {"corpora": [{}]},
        {"exclusions": [7]},
    ):
        write_json(tmp_path / "plan.json", plan | change)
        assert read_plan(tmp_path / "plan.json") == {}, change
    (tmp_path / "plan.json").write_text("[" * 100_000)
    assert read_plan(tmp_path / "plan.json") == {}


def test_folds_of_different_histories_share_what_curves_they_can() -> None:
    fold, other = result(), replace(result(), fold="smic/s2", history={"another": {"loss": [0.5]}})
    (curve,) = _curves(papers.load("aouayeb2019").experiments[0], [fold, other])
    assert (curve.stage, curve.metric, curve.folds) == ("LSTM part", "loss", ((0.1,),))


def test_a_failure_is_no_result_and_goes_with_success(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.save_failure("smic/s1", "diverged")
    assert run.load("smic/s1") is None
    assert run.failure("smic/s1") == "diverged"
    run.save(result())
    assert run.failure("smic/s1") is None


def test_an_interrupted_write_leaves_the_old_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    def half(temporary: Path) -> None:
        temporary.write_text("ha")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_atomically(path, half)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What is flushed and renamed, in order: ("flush", name of a file or folder) and ("rename", new name)."""
    seen: list[tuple[str, str]] = []
    flush, rename = os.fsync, os.replace

    def name_of(handle: int) -> str:
        return Path(os.readlink(f"/proc/self/fd/{handle}")).name

    monkeypatch.setattr(os, "fsync", lambda handle: (seen.append(("flush", name_of(handle))), flush(handle))[1])
    monkeypatch.setattr(os, "replace", lambda old, new: (seen.append(("rename", Path(new).name)), rename(old, new))[1])
    return seen


def test_a_file_is_on_the_disk_before_its_name_is_and_its_name_after(tmp_path: Path, disk: list) -> None:
    folder = tmp_path / "folder"
    write_atomically(folder / "file", lambda temporary: temporary.write_bytes(b"x"))
    (flushed, temporary), renamed, folded = disk
    assert flushed == "flush"
    assert temporary.startswith(".file.")
    assert (renamed, folded) == (("rename", "file"), ("flush", "folder"))
    disk.clear()
    write_atomically(folder / "file", lambda temporary: temporary.write_bytes(b"y"), durable=False)
    assert disk == [("rename", "file")]


def test_all_of_a_kept_folder_is_on_the_disk_before_it_has_its_name(tmp_path: Path, disk: list) -> None:
    part = tmp_path / "part"
    (part / "inner").mkdir(parents=True)
    for path in (part / "network.keras", part / "inner" / "array.npz"):
        path.write_bytes(b"x")
    move_folder(part, tmp_path / "kept")
    renamed = disk.index(("rename", "kept"))
    assert {name for _, name in disk[:renamed]} == {"part", "inner", "network.keras", "array.npz"}
    assert disk[renamed + 1 :] == [("flush", tmp_path.name)]
    assert (tmp_path / "kept" / "inner" / "array.npz").read_bytes() == b"x"


def test_what_can_be_made_again_for_each_clip_is_not_flushed_and_what_folds_share_is(
    tmp_path: Path, disk: list
) -> None:
    cache, arrays = Cache(tmp_path / "cache"), {"x": np.zeros(3)}
    (tmp_path / "frame").write_bytes(b"x")
    cache.digests([tmp_path / "frame"])
    cache.arrays("clips", {"k": 1}, lambda: arrays)
    assert [what for what, _ in disk] == ["rename", "rename"]
    disk.clear()
    cache.arrays("shared", {"k": 1}, lambda: arrays)
    assert [what for what, _ in disk] == ["flush", "rename", "flush"]


def test_a_digest_that_a_power_cut_left_empty_is_made_again(tmp_path: Path) -> None:
    cache, file = Cache(tmp_path / "cache"), tmp_path / "a.bmp"
    file.write_bytes(b"one")
    known = cache.digests([file])
    (memo,) = (tmp_path / "cache").glob("content/*/*.txt")
    memo.write_bytes(bytes(64))
    assert cache.digests([file]) == known


def test_nan_is_never_stored(tmp_path: Path) -> None:
    bad = result()
    bad.probabilities[0, 0] = np.nan
    with pytest.raises(ValueError, match=r"[Nn]a[Nn]|Out of range"):
        Run(tmp_path).save(bad)
    assert not list((tmp_path / "folds").glob("*.json"))


def test_digests_depend_on_values_and_not_on_order() -> None:
    assert digest({"a": 1, "b": [1, 2]}) == digest({"b": [1, 2], "a": 1})
    assert digest({"a": 1}) != digest({"a": 2})


def test_code_digest_is_blind_to_comments_and_docstrings(tmp_path: Path) -> None:
    def of(text: str) -> str:
        (tmp_path / "m.py").write_text(text)
        return code_digest([os.path.relpath(tmp_path / "m.py", ROOT)])

    assert of('def f():\n    """One."""\n    return 1\n') == of('def f():  # note\n    """Two."""\n\n    return 1\n')
    assert of("def f():\n    return 1\n") != of("def f():\n    return 2\n")


def test_digests_of_files_follow_their_bytes(tmp_path: Path) -> None:
    cache, files = Cache(tmp_path / "cache"), (tmp_path / "a.bmp", tmp_path / "b.bmp")
    for file in files:
        file.write_bytes(b"one")
    first = hashlib.sha256(b"one").hexdigest()
    assert cache.digests(files) == (first, first)
    assert cache.digests(files) == (first, first)  # now remembered
    files[1].write_bytes(b"two!")
    assert cache.digests(files) == (first, hashlib.sha256(b"two!").hexdigest())
    for memo in (tmp_path / "cache").glob("content/*/*.txt"):
        memo.write_text("damaged")
    assert cache.digests(files)[0] == first
    with pytest.raises(ClipError, match="gone"):
        cache.digests([tmp_path / "gone"])


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:40],
        lambda data: bytes(len(data)),
        lambda data: b"",
        lambda data: data[:-1],
        lambda data: data.replace(bytes(range(5)), bytes(5)),  # blocks that a power cut left empty
    ],
)
def test_arrays_are_made_once_and_again_when_damaged(tmp_path: Path, damage, caplog) -> None:
    cache, calls = Cache(tmp_path), []

    def make() -> dict:
        calls.append(1)
        return {"x": np.arange(5, dtype=np.uint8)}

    assert [cache.arrays("clips", {"k": 1}, make)[1] for _ in range(2)] == [True, False]
    assert cache.arrays("clips", {"k": 2}, make)[1]
    (file, *_) = sorted(tmp_path.glob("clips/*/*.npz"))
    file.write_bytes(damage(file.read_bytes()))
    with caplog.at_level(logging.WARNING):
        loaded = [cache.arrays("clips", {"k": k}, make) for k in (1, 2)]
    assert sorted(new for _, new in loaded) == [False, True]
    assert all((arrays["x"] == np.arange(5)).all() for arrays, _ in loaded)
    assert file.name in caplog.text


def with_header(shape: str) -> bytes:
    """An array file of five bytes whose header states this shape."""
    header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}".encode()
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(5)


@pytest.mark.parametrize(
    "parts",
    [
        {},
        {"x": b"no array"},
        {"x.npy": with_header("(5,")},
        {"x.npy": with_header("(4,)")},
        {"x.npy": with_header("(6,)")},
        {"x.npy": with_header(f"({2**62},)")},
        {"x.npy": with_header("(" * 5000)},
    ],
    ids=["nothing", "no array", "header cut off", "shape too small", "too large", "far too large", "nested"],
)
def test_an_entry_that_holds_no_arrays_is_made_again(tmp_path: Path, parts: dict[str, bytes]) -> None:
    cache = Cache(tmp_path)
    cache.arrays("clips", {}, lambda: {"x": np.arange(5)})
    (file,) = tmp_path.glob("clips/*/*.npz")
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    arrays, made = cache.arrays("clips", {}, lambda: {"x": np.arange(5)})
    assert made
    assert (arrays["x"] == np.arange(5)).all()
    assert not cache.arrays("clips", {}, dict)[1]


def test_a_shape_that_one_bit_made_smaller_is_noticed(tmp_path: Path) -> None:
    """Else an entry would be read without its end: the checksum is compared only where that is reached."""
    cache = Cache(tmp_path)
    cache.arrays("clips", {}, lambda: {"x": np.arange(50_000)})
    (file,) = tmp_path.glob("clips/*/*.npz")
    content = file.read_bytes()
    assert content.count(b"'shape': (50000,)") == 1
    file.write_bytes(content.replace(b"'shape': (50000,)", b"'shape': (40000,)"))
    assert cache.arrays("clips", {}, lambda: {"x": np.arange(50_000)})[1]


def test_no_entry_is_unpickled(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.arrays("clips", {}, lambda: {"x": np.arange(5)})
    (file,) = tmp_path.glob("clips/*/*.npz")
    np.savez(file, x=np.array([{1: 2}], object))
    assert cache.arrays("clips", {}, lambda: {"x": np.arange(5)})[1]


def test_what_fails_is_not_cached(tmp_path: Path) -> None:
    def fail() -> dict:
        raise ClipError("no face")

    with pytest.raises(ClipError):
        Cache(tmp_path).arrays("clips", {}, fail)
    assert not list(tmp_path.rglob("*.npz"))


def test_an_unwritable_cache_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="--cache") as caught:
        Cache(tmp_path / "file").arrays("clips", {}, lambda: {"x": np.zeros(1)})
    assert "\n" not in str(caught.value)


def test_run_files_are_json(tmp_path: Path) -> None:
    Run(tmp_path).save(result())
    (file,) = (tmp_path / "folds").iterdir()
    assert set(json.loads(file.read_text())) >= {
        "fold",
        "clips",
        "truth",
        "probabilities",
        "history",
        "seed",
        "seconds",
    }
