"""The networks that the authors of STSTNet publish, on the public flow maps: each answers its own subject."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import test_flow_maps as maps
import test_torch_files as torch_format
from numpy.typing import NDArray

import run_all
from common.corpora import flow_maps
from common.errors import UserError
from common.training.weights import chosen
from papers.liong2019 import model
from papers.liong2019.model import FILTERS

SUBJECTS = {subject: "/".join(clip.split("/")[:2]) for subject, _, clip in maps.MAPS.values()}
"""By subject as files name it, the fold that leaves it out."""


def state(seed: int) -> dict[str, NDArray[np.generic]]:
    """Weights of a network, in PyTorch's order."""
    rng = np.random.default_rng(seed)

    def normal(*shape: int) -> NDArray[np.float32]:
        return rng.normal(0, 0.1, shape).astype(np.float32)

    arrays: dict[str, NDArray[np.generic]] = {}
    for number, filters in enumerate(FILTERS, start=1):
        arrays |= {f"conv{number}.weight": normal(filters, 3, 3, 3), f"conv{number}.bias": normal(filters)}
        arrays |= {f"bn{number}.weight": 1 + normal(filters), f"bn{number}.bias": normal(filters)}
        arrays |= {f"bn{number}.running_mean": normal(filters), f"bn{number}.running_var": 400 + normal(filters)}
        arrays |= {f"bn{number}.num_batches_tracked": np.array(800)}
    return arrays | {"fc.weight": normal(3, 400), "fc.bias": normal(3)}


def save(folder: Path, arrays: dict[str, dict[str, NDArray[np.generic]]]) -> None:
    folder.mkdir(exist_ok=True)
    for subject, own in arrays.items():
        tensors = {name: torch_format.whole(f"{number}", array) for number, (name, array) in enumerate(own.items())}
        (folder / f"{subject}.pth").write_bytes(torch_format.file_of(tensors))


def computed(arrays: dict[str, NDArray[np.generic]], path: Path) -> NDArray[np.float64]:
    """The probabilities as main.py computes them: channels first, blue, green, red, values from 0 to 255."""
    x = np.pad(cv2.imread(str(path)).astype(float).transpose(2, 0, 1), ((0, 0), (2, 2), (2, 2)))
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(1, 2))
    streams = []
    for number in (1, 2, 3):
        kernel, bias = arrays[f"conv{number}.weight"], arrays[f"conv{number}.bias"]
        scale, shift, mean, variance = (
            arrays[f"bn{number}.{name}"][:, None, None] for name in ("weight", "bias", "running_mean", "running_var")
        )
        own = np.maximum(np.einsum("crsij,fcij->frs", windows, kernel) + bias[:, None, None], 0)
        own = (own - mean) / np.sqrt(variance + 1e-5) * scale + shift
        padded = np.pad(own, ((0, 0), (1, 1), (1, 1)), constant_values=-np.inf)[:, :30, :30]
        streams.append(padded.reshape(-1, 10, 3, 10, 3).max(axis=(2, 4)))
    joined = np.concatenate(streams).reshape(16, 5, 2, 5, 2).mean(axis=(2, 4))
    scores = arrays["fc.weight"] @ joined.ravel() + arrays["fc.bias"]
    powers = np.exp(scores - scores.max())
    return powers / powers.sum()


def test_each_subject_is_answered_by_its_network_without_training(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    maps.write(tmp_path / "data", "u_test")
    own = {subject: state(number) for number, subject in enumerate(SUBJECTS)}
    save(tmp_path / "data" / flow_maps.NETWORKS, own)
    words = ["--paper", "liong2019", "--experiment", "public-maps/authors-networks", "--data", str(tmp_path / "data")]
    words += [
        "--profile",
        "smoke",
        "--out",
        str(tmp_path / "out"),
        "--cache",
        str(tmp_path / "cache"),
        "--workers",
        "1",
    ]
    assert run_all.main(words) == 0
    report = json.loads((tmp_path / "out" / "liong2019.json").read_text())
    assert (report["data"], report["notice"]) == ("public-maps", None)
    files = [json.loads(path.read_text()) for path in (tmp_path / "out").glob("runs/**/folds/*.json")]
    assert {file["fold"] for file in files} == {*SUBJECTS.values()}  # all of them, whatever the profile
    for name, (subject, label, clip) in maps.MAPS.items():
        (file,) = (file for file in files if clip in file["clips"])
        assert (file["fold"], file["truth"], file["history"]) == (SUBJECTS[subject], [label], {})
        known = computed(own[subject], maps.place(tmp_path / "data", "u_test", subject, name))
        assert file["probabilities"][0] == pytest.approx(known, abs=1e-4)
    capsys.readouterr()
    for path in (tmp_path / "data" / flow_maps.NETWORKS).iterdir():
        path.unlink()
    assert run_all.main([*words, "--weights", "none"]) == 2
    assert "--weights" in capsys.readouterr().err


def test_a_file_of_another_network_is_one_clear_line(tmp_path: Path) -> None:
    first = next(iter(SUBJECTS))
    for name, wrong in {
        "fc.weight": np.zeros((3, 256), np.float32),
        "bn2.running_var": np.full(5, np.nan, np.float32),
        "conv1.bias": np.zeros(3),
    }.items():
        save(tmp_path, {first: state(0) | {name: wrong}})
        with pytest.raises(UserError, match=name):
            model.published(chosen(str(tmp_path)), SUBJECTS[first])
    with pytest.raises(UserError, match=r"has no s03\.pth"):
        model.published(chosen(str(tmp_path)), "smic/s3")


def test_maps_have_no_stand_ins(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_all.main(["--paper", "liong2019", "--experiment", "public-maps", "--out", str(tmp_path)]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
