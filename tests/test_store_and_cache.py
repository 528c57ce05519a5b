"""What lies on disk is whole, keyed by what matters, and never trusted when damaged."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path

import numpy as np
import pytest

from common.cache import Cache, digest
from common.environment import ROOT, code_digest
from common.errors import ClipError, UserError
from common.files import write_atomically
from common.store import Run
from common.types import FoldResult


def result(fold: str = "smic/s1") -> FoldResult:
    probabilities = np.random.default_rng(1).random((2, 3)).astype(np.float32)
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
    )


def test_a_fold_comes_back_bit_for_bit(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.save(result())
    back = run.load("smic/s1")
    assert back is not None
    assert back.clips == result().clips
    assert (back.truth == result().truth).all()
    assert back.probabilities.tobytes() == result().probabilities.tobytes()


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


def test_content_follows_the_bytes(tmp_path: Path) -> None:
    cache, file = Cache(tmp_path / "cache"), tmp_path / "a.bmp"
    file.write_bytes(b"one")
    first = cache.content([file])
    assert cache.content([file]) == first
    file.write_bytes(b"two!")
    assert cache.content([file]) != first
    with pytest.raises(ClipError, match="gone"):
        cache.content([tmp_path / "gone"])


def test_arrays_are_made_once_and_again_when_damaged(tmp_path: Path, caplog) -> None:
    cache, calls = Cache(tmp_path), []

    def make() -> dict:
        calls.append(1)
        return {"x": np.arange(5, dtype=np.uint8)}

    assert [cache.arrays("clips", {"k": 1}, make)[1] for _ in range(2)] == [True, False]
    assert cache.arrays("clips", {"k": 2}, make)[1]
    (file, *_) = sorted(tmp_path.glob("clips/*/*.npz"))
    file.write_bytes(file.read_bytes()[:40])
    with caplog.at_level(logging.WARNING):
        found = [cache.arrays("clips", {"k": k}, make) for k in (1, 2)]
    assert sorted(new for _, new in found) == [False, True]
    assert all((arrays["x"] == np.arange(5)).all() for arrays, _ in found)
    assert file.name in caplog.text


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
