"""The accuracy on each held-out subject: one heat map for all experiments of a paper, to be drawn in `charts.STYLE`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from common.files import natural
from common.protocols.splits import LOSO
from common.report import formatting
from common.report.forest import WIDTH, fitted
from common.report.records import Report, SubjectRow

_ROWS = 24  # experiments in one drawing, which stays on one page
_LEFT, _RIGHT = 1.95, 0.35  # inches
_WIDEST = 0.42  # inches of a cell


def figures(report: Report) -> Iterator[tuple[Figure, str]]:
    """Draw the experiments that leave one subject out: a row each, a column per subject, subjects by corpus.

    What a split by clip holds out of a subject is chance, and an experiment with one subject has nothing to compare.
    """
    loso = {e.id for e in report.paper.experiments if e.protocol.startswith(LOSO)}
    rows: dict[str, dict[str, SubjectRow]] = {}
    for row in report.subjects:
        if (name := f"{row.experiment}/{row.variant}") in loso:
            rows.setdefault(name, {})[row.subject] = row
    rows = {name: by_subject for name, by_subject in rows.items() if len(by_subject) > 1}
    subjects = list(dict.fromkeys(subject for by_subject in rows.values() for subject in by_subject))
    corpora = list(dict.fromkeys(subject.partition("/")[0] for subject in subjects))
    subjects.sort(key=lambda subject: (corpora.index(subject.partition("/")[0]), natural(subject)))
    labels = {}
    for subject in subjects:
        clips = max(by_subject[subject].n_clips for by_subject in rows.values() if subject in by_subject)
        labels[subject] = f"{subject.rpartition('/')[2]} ({formatting.count(clips)})"
    names = list(rows)
    for start in range(0, len(names), _ROWS):
        part = names[start : start + _ROWS]
        yield _heat_map(report, {name: rows[name] for name in part}, labels), ", ".join(part)


def _heat_map(report: Report, rows: dict[str, dict[str, SubjectRow]], labels: Mapping[str, str]) -> Figure:
    """Cells as the fraction of correct clips, with correct/all clips in them where there is room; subjects labelled."""
    subjects = list(labels)
    wide = min(_WIDEST, (WIDTH - _LEFT - _RIGHT) / len(subjects))
    tall = 0.125
    size = min(5.5, wide * 72 * 0.85)
    above = 0.2 + 0.55 * size / 72 * max(map(len, labels.values()))
    height = above + tall * len(rows) + 0.06
    figure = Figure(figsize=(WIDTH, height))
    axes = figure.add_axes((_LEFT / WIDTH, 0.03 / height, wide * len(subjects) / WIDTH, tall * len(rows) / height))
    values = np.full((len(rows), len(subjects)), np.nan)
    for i, by_subject in enumerate(rows.values()):
        for j, subject in enumerate(subjects):
            row = by_subject.get(subject)
            if row and row.n_clips:
                values[i, j] = row.n_correct / row.n_clips
                if wide > 0.25:
                    text = f"{formatting.count(row.n_correct)}/{formatting.count(row.n_clips)}"
                    color = "white" if values[i, j] > 0.55 else "#202020"
                    axes.text(j, i, text, ha="center", va="center", fontsize=5, color=color)
    axes.imshow(np.ma.masked_invalid(values), cmap="Blues", vmin=0, vmax=1, aspect="auto")
    axes.set_facecolor("#f3f3f3")
    names = [fitted(name, _LEFT - 0.08, 6) for name in rows]
    axes.set_yticks(range(len(rows)), names, fontsize=6)
    axes.xaxis.tick_top()
    axes.set_xticks(range(len(subjects)), list(labels.values()), rotation=90, fontsize=size)
    axes.tick_params(length=0, pad=2)
    axes.spines[:].set_visible(False)
    _corpora(report, axes, subjects, 1 + (above - 0.02) / (tall * len(rows)))
    return figure


def _corpora(report: Report, axes: Axes, subjects: Sequence[str], top: float) -> None:
    """Name the corpora above their subjects, and draw a line between them."""
    start = 0
    for corpus, members in groupby(subject.partition("/")[0] for subject in subjects):
        end = start + len(list(members))
        if start:
            axes.axvline(start - 0.5, color="#303030", linewidth=0.6)
        name = formatting.corpus_name(report, corpus)
        axes.text(
            (start + end - 1) / 2, top, name, ha="center", va="top", fontsize=6.5, transform=axes.get_xaxis_transform()
        )
        start = end
