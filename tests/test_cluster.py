"""The same folds on a Dask cluster of other processes, and what a lost worker costs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import guessing
import pytest

import papers
import run_all

pytestmark = pytest.mark.usefixtures("without_pages")
KEY = "aouayeb2019"


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    from distributed import LocalCluster

    monkeypatch.setenv("DEADLY", str(tmp_path))
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as local_cluster:
        yield local_cluster


def run(out: Path, cache: Path, *words: str) -> int:
    where = ["--out", str(out), "--cache", str(cache)]
    return run_all.main(["--paper", KEY, "--profile", "smoke", *where, *words])


def predictions(out: Path) -> dict[str, Any]:
    by_fold = {}
    for file in sorted(out.glob("runs/*/*/*/*/folds/*.json")):
        record = json.loads(file.read_text(encoding="utf-8"))
        by_fold["/".join(file.parts[-5:])] = (record["clips"], record["probabilities"])
    return by_fold


def test_a_lost_worker_costs_nothing_that_is_stored(
    cluster: Any, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr(papers, "parts", guessing.parts)
    assert run(tmp_path / "alone", cache, "--workers", "1") == 0
    monkeypatch.setattr(papers, "parts", guessing.deadly)
    (tmp_path / "1.bullet").touch()
    capsys.readouterr()
    assert run(tmp_path / "cluster", cache, "--scheduler", cluster.scheduler_address) == 0
    assert not list(tmp_path.glob("*.bullet"))
    assert predictions(tmp_path / "cluster") == predictions(tmp_path / "alone")
    assert capsys.readouterr().out.count("clips right") == len(predictions(tmp_path / "alone")) == 8


def test_workers_of_several_threads_are_refused(tmp_path: Path, capsys: Any) -> None:
    from distributed import LocalCluster

    with LocalCluster(n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None) as local_cluster:
        assert run(tmp_path / "out", tmp_path / "cache", "--scheduler", local_cluster.scheduler_address) == 2
    assert "start workers with --nthreads 1" in capsys.readouterr().err


def test_no_scheduler_is_one_line_and_status_2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr("common.runs.dask_cluster.SECONDS", 1)
    assert run(tmp_path / "out", tmp_path / "cache", "--scheduler", "tcp://127.0.0.1:9") == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "no Dask scheduler responds there" in line
    for words in (["--workers", "2", "--scheduler", "tcp://127.0.0.1:9"], ["--workers", "0"]):
        with pytest.raises(SystemExit) as stopped:
            run(tmp_path, tmp_path, *words)
        assert stopped.value.code == 2
