"""Write stored folds as event files for TensorBoard, whatever process, machine or backend trained them.

`tensorboard --logdir OUT/tensorboard` shows every fold as a run of its own: each metric of each stage by epoch, from 1,
and the accuracy on the held-out clips. The time of an epoch is not stored, so events have no time.
"""

from __future__ import annotations

import hashlib
import io
import math
import os
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from common.errors import UserError, missing_extra
from common.files import file_name, write_atomically
from common.protocols.controls import controls
from common.runs.results import Results
from common.runs.store import Run
from common.types import FoldResult, Progress

_NAME = "events.out.tfevents"
"""How the names of files begin that TensorBoard reads."""


def check() -> None:
    """Raise UserError if TensorBoard is not installed."""
    try:
        from tensorboard.compat.proto import event_pb2  # noqa: F401
    except ImportError:
        raise missing_extra("--tensorboard", "tensorboard") from None


class Board:
    """The event files below `folder`; `runs` has a run and its folds for each folder below it."""

    def __init__(self, folder: Path, runs: Mapping[str, tuple[Run, Sequence[str]]]) -> None:
        self.folder = folder
        self._left = {
            folder / name / file_name(fold): (run, fold) for name, (run, folds) in runs.items() for fold in folds
        }
        self._written: set[Path] = set()
        self._lock = threading.Lock()

    def update(self, say: Progress) -> None:
        """Write what has finished since the last time, and remove files that belong to no result of these runs.

        Unchanged folds are not written again. Raises UserError if `folder` cannot be written.
        """
        with self._lock:
            try:
                self._update(say)
            except OSError as error:
                raise UserError(
                    f"cannot write event files to {self.folder}: {error.strerror}; name another folder with --out"
                ) from error

    def _update(self, say: Progress) -> None:
        results = {place: result for place, (run, fold) in self._left.items() if (result := run.load(fold)) is not None}
        for done, (place, result) in enumerate(results.items(), start=1):
            self._written.add(_write(place, events(result)))
            del self._left[place]
            say("event files", done, len(results))
        for old in set(self.folder.rglob(f"{_NAME}.*")) - self._written:
            old.unlink()


def of_paper(results: Results) -> Board:
    """Return the event files of the stored results of a paper.

    They are in `tensorboard/PAPER/EXPERIMENT/VARIANT/FOLD`; several seeds have a folder each below that of the paper.
    """
    runs = {}
    for seed in results.seeds:
        above = f"seed{seed}/" if len(results.seeds) > 1 else ""
        for experiment in (e for plain in results.paper.experiments for e in (plain, *controls(plain))):
            runs[above + experiment.id] = results.planned(experiment, seed)
    return Board(results.out / "tensorboard" / results.paper.key, runs)


def events(result: FoldResult) -> bytes:
    """Return the content of a fold's event file, in single precision as TensorBoard's scalars."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.record_writer import RecordWriter

    curves = {
        f"{stage}/{metric}": values for stage, metrics in result.history.items() for metric, values in metrics.items()
    }
    known = {tag: {n: value for n, value in enumerate(v) if math.isfinite(value)} for tag, v in curves.items()}
    content = io.BytesIO()
    writer = RecordWriter(content)
    writer.write(Event(file_version="brain.Event:2").SerializeToString())
    for epoch in range(max(map(len, curves.values()), default=0)):
        shown = [Summary.Value(tag=tag, simple_value=v[epoch]) for tag, v in known.items() if epoch in v]
        writer.write(Event(step=epoch + 1, summary=Summary(value=shown)).SerializeToString())
    right = float((result.probabilities.argmax(axis=1) == result.truth).mean())
    last = [Summary.Value(tag="held-out accuracy", simple_value=right)]
    writer.write(Event(summary=Summary(value=last)).SerializeToString())
    return content.getvalue()


def _write(place: Path, content: bytes) -> Path:
    """Write a file named by its content, replacing all others there; TensorBoard never sees part of it."""
    path = place / f"{_NAME}.{hashlib.sha256(content).hexdigest()[:16]}"
    if not path.is_file():
        whole = place / "whole"
        write_atomically(whole, lambda temporary: temporary.write_bytes(content))
        os.replace(whole, path)
    return path
