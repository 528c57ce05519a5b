"""Results on disk: one atomically written JSON file per fold, below a folder named by the key of the run.

A run's key is a digest of everything that affects its predictions: paper, experiment, variant, protocol, label map,
settings, seed, the clips with their labels and the content of their files, and the source code.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.files import file_name, write_json
from common.json_schema import FAILURE, FOLD, NOTES, RUN, Schema, read_json
from common.runs.cache import digest
from common.scoring.histories import as_json, from_json
from common.training.blocks import Block
from common.types import FoldResult, Trial

log = logging.getLogger("mer")

State = tuple[int, int, int]
"""What changes with the content of a file: its inode, its size, and the time of its last change in nanoseconds."""
_whole: dict[Path, State] = {}
"""The files of folds that this process has read and found whole: counting folds would else read each many times."""
_reported: set[tuple[Path, State | None]] = set()
"""The damaged files that this process has reported."""


@dataclass(frozen=True)
class Run:
    """One experiment's results below `path`; folders are created when something is saved."""

    path: Path

    def describe(self, record: Mapping[str, Any]) -> None:
        """Store what the run is and what it is based on."""
        write_json(self.path / "run.json", record)

    def description(self) -> dict[str, Any] | None:
        """The record that `describe` stored, or None if there is none that can be read."""
        return _read(self.path / "run.json", RUN)

    def is_described(self) -> bool:
        """Whether both the description and the notes are there."""
        return self.description() is not None and _read(self.path / "notes.json", NOTES) is not None

    def note(self, lines: Sequence[str]) -> None:
        """Store notes on the preparation of the clips."""
        write_json(self.path / "notes.json", {"notes": list(lines)})

    def notes(self) -> tuple[str, ...]:
        """The notes that `note` stored."""
        return tuple((_read(self.path / "notes.json", NOTES) or {"notes": []})["notes"])

    def save(self, result: FoldResult) -> None:
        """Store a finished fold; only finished folds are results."""
        record = {
            "fold": result.fold,
            "clips": list(result.clips),
            "truth": result.truth.tolist(),
            "probabilities": [[float(p) for p in row] for row in result.probabilities],
            "history": as_json(result.history),
            "seed": result.seed,
            "seconds": result.seconds,
            "measured": dict(result.measured),
            "environment": dict(result.environment),
            "trials": [asdict(trial) for trial in result.trials],
            "caveats": list(result.caveats),
            "blocks": [asdict(block) for block in result.blocks],
        }
        if result.relabelled is not None:
            record["relabelled"] = result.relabelled.tolist()
        write_json(self._file("folds", result.fold), record | {"digest": digest(record)})
        self._file("failed", result.fold).unlink(missing_ok=True)

    def save_failure(self, fold: str, reason: str, trace: str = "") -> None:
        """Store why a fold failed, and where in the code; it stays pending."""
        write_json(self._file("failed", fold), {"fold": fold, "reason": reason, "trace": trace})

    def holds(self, fold: str) -> bool:
        """Whether a fold is finished. Its file is read only if this process has not read it since it last changed."""
        file = self._file("folds", fold)
        return (file in _whole and _whole[file] == _state(file)) or self.load(fold) is not None

    def load(self, fold: str) -> FoldResult | None:
        """A finished fold, or None. A damaged file is logged, set aside, and counts as not finished."""
        file = self._file("folds", fold)
        state = _state(file)
        record = _read(file, FOLD)
        if record is None:
            return None
        try:
            if digest({name: value for name, value in record.items() if name != "digest"}) != record["digest"]:
                raise ValueError("its digest does not match its content")
            if record["fold"] != fold:
                raise ValueError("it belongs to another fold")
            result = FoldResult(
                fold=record["fold"],
                clips=tuple(record["clips"]),
                truth=np.array(record["truth"], np.int64),
                probabilities=np.array(record["probabilities"], np.float32),
                history=from_json(record["history"]),
                seed=record["seed"],
                seconds=record["seconds"],
                measured=record["measured"],
                environment=record["environment"],
                trials=tuple(Trial(trial["settings"], trial["uf1"], trial["log_loss"]) for trial in record["trials"]),
                caveats=tuple(record["caveats"]),
                blocks=tuple(Block(**block | {"shape": tuple(block["shape"])}) for block in record.get("blocks", [])),
                relabelled=np.array(record["relabelled"], np.int64) if "relabelled" in record else None,
            )
            _check(result)
        except (ValueError, RecursionError) as error:
            _set_aside(file, state, error)
            return None
        if state is not None:
            _whole[file] = state
        return result

    def fold_file(self, fold: str) -> Path:
        """The file of a finished fold."""
        return self._file("folds", fold)

    def set_aside(self) -> int:
        """Move all finished folds, and files of the recipe, to folders that are not read; returns their number."""
        files = list((self.path / "folds").glob("*.json"))
        number = sum(1 for _ in self.path.glob("folds-set-aside-*")) + 1
        for name in ("search", "saliency", "folds"):  # folds last: its move completes the operation
            if (folder := self.path / name).is_dir():
                folder.rename(self.path / f"{name}-set-aside-{number}")
        return len(files)

    def failure(self, fold: str) -> str | None:
        """Why a fold failed when it was last tried, or None."""
        record = _read(self._file("failed", fold), FAILURE)
        return None if record is None else str(record["reason"])

    def _file(self, kind: str, fold: str) -> Path:
        return self.path / kind / f"{file_name(fold)}.json"


def run_folder(out: Path, paper: str, experiment_id: str, key: Mapping[str, Any]) -> Run:
    """The run with this key below `out/runs`."""
    return Run(out / "runs" / paper / experiment_id / digest(key)[:16])


def _check(result: FoldResult) -> None:
    """Raise ValueError if the arrays do not belong together, or a row does not contain probabilities."""
    count, p = len(result.clips), result.probabilities
    if result.truth.shape != (count,) or p.ndim != 2 or len(p) != count:
        raise ValueError(f"{count} clips, truth {result.truth.shape}, probabilities {p.shape}")
    if len(set(result.clips)) != count:
        raise ValueError("a clip is predicted twice")
    if not ((result.truth >= 0) & (result.truth < p.shape[1])).all():
        raise ValueError(f"a true class is not one of the {p.shape[1]} classes")
    if not (p >= 0).all() or not np.allclose(p.sum(axis=1), 1, atol=1e-3):
        raise ValueError("its probabilities are negative or do not sum to 1")
    if (again := result.relabelled) is not None and not belongs(again, count, p.shape[1]):
        raise ValueError("the predictions of relabelled trainings are not classes of its clips")


def belongs(relabelled: NDArray[np.int64], clips: int, classes: int) -> bool:
    """Whether the predictions of relabelled trainings are of so many clips and classes."""
    return (
        relabelled.ndim == 2
        and relabelled.shape[1] == clips
        and bool(((relabelled >= 0) & (relabelled < classes)).all())
    )


def _read(path: Path, schema: Schema) -> dict[str, Any] | None:
    state = _state(path)
    try:
        record: dict[str, Any] = read_json(path, schema)
    except FileNotFoundError:
        return None
    except OSError as error:
        _report(path, state, f"result {path} cannot be read ({error}); it counts as missing")
        return None
    except (ValueError, RecursionError) as error:
        _set_aside(path, state, error)
        return None
    return record


def _state(path: Path) -> State | None:
    """None if there is no such file."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def _set_aside(path: Path, state: State | None, error: Exception) -> None:
    """Report a damaged file and rename it, so that it is reported once; it is written again by the next run."""
    aside = path.with_name(f"{path.name}.damaged")
    with contextlib.suppress(OSError):  # such as a store that can only be read
        if _state(path) == state:  # else another process has written it again
            os.replace(path, aside)
    kept = f"; it is kept as {aside.name}" if aside.is_file() else ""
    _report(path, state, f"result {path} is damaged ({error}) and counts as missing: a run writes it again{kept}")


def _report(path: Path, state: State | None, text: str) -> None:
    if (path, state) not in _reported:
        _reported.add((path, state))
        log.warning("%s", text)
