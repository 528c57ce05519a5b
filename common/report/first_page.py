"""Page 1 of a paper's report: what came out of each experiment, UF1 against motion, and what the page says in words."""

from __future__ import annotations

import io
import shlex
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from PIL import Image

from common import program
from common.report import formatting, known, learning, network_chart, numbers, tables
from common.report.forest import draw_key, draw_row, fitted
from common.report.records import Learning, Report
from common.runs.selection import of_ground
from common.scoring.records import Score
from common.scoring.verdicts import COMPARED, parts
from common.vision.picture_grid import COLOURS, GREEN, GREY, INK, PALE, RED, WIDTH, apart

ROWS = 24
"""Experiments that fit on the page; the table of all scores has the others."""
PICTURED = 10
"""Experiments of which the later pages show matrices and curves; the files of the report have those of all."""
_LABEL, _SCORES, _SUBJECTS, _MARKS = 1.72, 1.5, 0.72, 0.5  # inches: the columns of the plot of experiments
_HEADS = "learns", "beats guessing", "by motion"
_TOP = 0.72  # inches above the rows, for the key and the heads of the marks
_SEEN_HEIGHT, _SEEN_WIDTH = 2.1, 11.0  # cm of the pictures of a clip


def view(report: Report) -> dict[str, Any]:
    """Return what the page says, as strings: tiles, settings, one conclusion and the next command."""
    shown = shown_rows(report)
    scored = [row for row in report.learning if row.score]
    first = _first(report)
    scores = [row.score.value for row in scored if row.score]
    chance = formatting.number(first.score.chance if first.score else None, 3)
    metadata = f"from the clips' metadata alone: {_value(first.metadata, 3)}"
    return {
        "tiles": [
            _printed_tile(report),
            {
                "value": _value(first.score, 2),
                "label": "UF1",
                "text": f"{first.name}; chance {chance}" if scores else "nothing has run yet",
                "more": f"all {len(scores)} experiments: {formatting.interval(min(scores), max(scores), 2)}"
                if len(scores) > 1
                else "",
            },
            {
                "value": _value(first.control, 2),
                "label": "UF1 without motion",
                "text": first.name if first.control else "the control has not run (--controls)",
                "more": metadata if first.metadata else "",
            },
        ],
        "conclusion": learning.sentence(report.learning),
        "settings": [list(row) for row in report.differences],
        "pictured": f" of {PICTURED} of {len(report.learning)} experiments" * (len(report.learning) > PICTURED),
        "left": len(report.learning) - len(shown),
        "shown": formatting.count(len(shown)),
        "all": formatting.count(len(report.learning)),
        "not_run": numbers.count_missing(report),
        "leaks": any(not row.leak_free for row in shown),
        "next": _next(report),
    }


def _first(report: Report) -> Learning:
    """The experiment that stands for all on the page: the first that has a score without motion, else the first."""
    scored = [row for row in report.learning if row.score]
    return next((row for row in scored if row.control), (*scored, Learning("", True, None, None, None))[0])


def _value(score: Score | None, decimals: int) -> str:
    return formatting.number(score.value if score else None, decimals)


def _printed_tile(report: Report) -> dict[str, str]:
    verdicts = [p.comparison.verdict for p in tables.printed(report)]
    if not report.comparable:
        text = f"{formatting.many(len(verdicts), 'printed number')}; none belongs beside a score on synthetic faces"
        return {"value": formatting.DASH, "label": "no printed number compared", "text": text, "more": ""}
    return {
        "value": f"{verdicts.count('MATCH')} of {len(verdicts)}",
        "label": "printed numbers reproduced",
        "text": f"{verdicts.count('CLOSE')} not distinguishable, {verdicts.count('DIFFERS')} not reproduced",
        "more": f"{sum(verdict not in COMPARED for verdict in verdicts)} not compared",
    }


def _next(report: Report) -> dict[str, str]:
    """The command that follows from this report, and what it does."""
    key, words = report.paper.key, shlex.split(report.command)
    if not report.paper.claims and "--paper" not in words:  # a script that uses functions
        return {"text": "To run it again:", "command": report.command}
    if not report.comparable:
        command = [*program(), "--paper", key, *of_ground(report.paper), "--data", "FOLDER"]
        return {"text": "With the corpora:", "command": shlex.join(command)}
    if report.profile != "paper":
        place = words.index("--profile") + 1
        whole = shlex.join([*words[:place], "paper", *words[place + 1 :]])
        return {"text": "With the paper's settings:", "command": whole}
    return {"text": "To let others check it:", "command": f"{report.command} --bundle {key}.zip"}


def size(image: bytes) -> tuple[int, int]:
    """Return the width and height of an image file in pixels."""
    with Image.open(io.BytesIO(image)) as picture:
        return picture.size


def seen(report: Report) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The clip of page 1: pictures with their widths in cm and labels, and their files; no pictures if none is stored.

    All are as high as `_SEEN_HEIGHT`, unless they would be wider than the page together.
    """
    if report.seen is None:
        return {"pictures": []}, {}
    clip = report.seen
    pictures = [(moment, clip.frames[moment], moment) for moment in ("onset", "apex") if moment in clip.frames]
    pictures.append(("input", clip.picture.read_bytes(), "input"))
    files, shown = {}, []
    for name, content, label in pictures:
        wide, high = size(content)
        files[file := f"seen-{name}{'.png' if name == 'input' else '.jpg'}"] = content
        shown.append({"file": file, "label": label, "width": min(_SEEN_HEIGHT * wide / high, _SEEN_WIDTH)})
    labels = "; ".join(dict.fromkeys(clip.captions))
    before = ", ".join(moment for moment, *_ in pictures[:-1])
    text = f"{before.capitalize()}, and the input" if before else "The input"
    return {"pictures": shown, "text": f"{text}{': ' if labels else ''}{labels}. Clip {clip.clip}."}, files


def network(report: Report) -> Figure | None:
    """Draw the network of the first experiment that ran, as stored with its folds."""
    if not report.blocks:
        return None
    ran = {row.name for row in report.learning}
    classes = next(e.labels.classes for e in report.paper.experiments if e.id in ran)
    return network_chart.figure(report.blocks, classes, WIDTH, min(0.8 * network_chart.rows(report.blocks), 1.7))


# ---------------------------------------------------------------- what came out


def shown_rows(report: Report, most: int = ROWS) -> tuple[Learning, ...]:
    """Return the experiments of the page: all, or the first ones, published variants and their twins before others."""
    known = {e.id: e for e in report.paper.experiments}
    first: dict[str, str] = {}
    for row in report.learning:
        first.setdefault(known[row.name].name, row.name)
    usual = {row.name for row in report.learning if known[row.name].twin_of or row.name in first.values()}
    wanted = sorted(report.learning, key=lambda row: row.name not in usual)[:most]  # stable
    return tuple(row for row in report.learning if row in wanted)


def experiments(report: Report) -> Figure | None:
    """Draw UF1 with its interval, its controls and chance for each experiment, the accuracy of each subject, and marks.

    A printed number is drawn only where it may be compared.
    """
    rows = shown_rows(report)
    if not rows:
        return None
    pitch = min(0.2, max(0.105, 2.5 / len(rows)))
    height = _TOP + pitch * len(rows) + 0.34
    wide = _LABEL + _SCORES + 0.12 + _SUBJECTS + 0.06 + _MARKS
    figure = Figure(figsize=(wide, height))
    below, tall = 0.34 / height, pitch * len(rows) / height
    left = figure.add_axes((_LABEL / wide, below, _SCORES / wide, tall))
    right = figure.add_axes(((_LABEL + _SCORES + 0.12) / wide, below, _SUBJECTS / wide, tall))
    size = 6.5 if pitch > 0.12 else 6
    for axes, name in ((left, "UF1"), (right, "accuracy by subject")):
        axes.set_xlim(-0.03, 1.03)
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
        axes.set_xlabel(name, fontsize=6.5, labelpad=1)
        axes.tick_params(axis="x", labelsize=6, pad=1.5)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        for y in range(len(rows)):
            axes.axhline(y, color=PALE, linewidth=0.4, zorder=0)
    names = [fitted(row.name, _LABEL - 0.1, size) + ("" if row.leak_free else "*") for row in rows]
    left.set_yticks(range(len(rows)), names, fontsize=size)
    right.set_yticks([])
    columns = [(_LABEL + _SCORES + 0.26 + _SUBJECTS + x * 0.16) / wide for x in range(len(_HEADS))]
    for place, word in zip(columns, _HEADS, strict=True):
        figure.text(place, below + tall + 0.04 / height, word, rotation=90, ha="center", va="bottom", fontsize=6)
    printed, drawn = _printed(report), dict[str, Line2D]()
    for y, row in enumerate(rows):
        drawn |= draw_row(left, y, row.score, row.control, row.metadata, printed=printed.get(row.name))
        subjects = [s.n_correct / s.n_clips for s in report.subjects if f"{s.experiment}/{s.variant}" == row.name]
        spread = np.linspace(-0.22, 0.22, len(subjects)) if len(subjects) > 1 else np.zeros(len(subjects))
        right.plot(subjects, y + spread, "o", ms=1.8, color=GREY, alpha=0.75, mew=0, clip_on=False)
        high = below + tall * (1 - (y + 0.6) / (len(rows) + 0.2))
        for place, mark in zip(columns, learning.marks(row), strict=True):
            colour = {True: GREEN, False: RED, None: GREY}[mark]
            figure.text(place, high, learning.MARKS[mark], ha="center", va="center", fontsize=7, color=colour)
    draw_key(figure, drawn)
    return figure


def _printed(report: Report) -> dict[str, float]:
    """The printed UF1 by experiment, where it may be compared."""
    whole = {e.id: parts(e)[0][0] for e in report.paper.experiments}
    return {
        name: c.claim.value
        for c in report.comparisons
        if c.metric == learning.METRIC and c.claim and c.verdict in COMPARED and report.comparable
        if whole.get(name := f"{c.experiment}/{c.variant}") == c.corpus
    }


def confusion_of(report: Report) -> str:
    """The experiment whose confusion matrix is on the page: that of the tiles, else the first that has one."""
    return _first(report).name or next((f"{c.experiment}/{c.variant}" for c in report.confusions), "")


# ---------------------------------------------------------------- UF1 against motion


def against_motion(report: Report) -> Figure | None:
    """Draw UF1 of the paper's networks on unseen subjects by motion, as the learning benchmark measured it."""
    stored = known.cells([report.paper])
    motions = sorted({cell["motion"] for cell in stored})
    if not stored or len(motions) < 2:
        return None
    place = {motion: i for i, motion in enumerate(motions)}
    lines: dict[str, list[Mapping[str, Any]]] = {}
    for cell in sorted(stored, key=lambda cell: cell["motion"]):
        lines.setdefault(cell["system"], []).append(cell)
    wide, height = 0.47 * WIDTH, 1.35
    figure = Figure(figsize=(wide, height))
    axes = figure.add_axes((0.34 / wide, 0.33 / height, (wide - 1.52) / wide, (height - 0.45) / height))
    axes.axhline(known.CHANCE, color=INK, linewidth=0.7, linestyle=(0, (3, 2)), zorder=0)
    ends = [(cells[-1]["uf1"], name) for name, cells in lines.items()] + [(known.CHANCE, "chance")]
    for cells, colour in zip(lines.values(), COLOURS, strict=False):
        xs = [place[cell["motion"]] for cell in cells]
        axes.plot(xs, [cell["uf1"] for cell in cells], "o-", ms=2.6, linewidth=1.1, color=colour)
    high = apart([value for value, _ in ends], 0.105)
    for (_, name), y in zip(ends, high, strict=True):
        colour = dict(zip(lines, COLOURS, strict=False)).get(name, INK)
        axes.text(len(motions) - 0.88, y, fitted(name, 1.2, 6.5), fontsize=6.5, color=colour, va="center")
    if 1.0 in place:
        axes.axvline(place[1.0], color=PALE, linewidth=4, zorder=-1)
        axes.text(place[1.0], 1.05, "micro-expressions", fontsize=6, ha="center", va="bottom", color=GREY)
    if report.motion in place and report.motion != 1:
        axes.axvline(place[report.motion], color=PALE, linewidth=4, zorder=-1)
        axes.text(place[report.motion], 1.05, "motion of this run", fontsize=6, ha="center", va="bottom", color=GREY)
    axes.set_xticks(range(len(motions)), [formatting.short(motion) for motion in motions], fontsize=6)
    axes.set_yticks([0, 0.5, 1], ["0", "0.5", "1"], fontsize=6)
    axes.set_ylim(0, 1.02)
    axes.set_xlim(-0.2, len(motions) - 0.9)
    axes.tick_params(pad=1.5)
    axes.set_xlabel("motion of the face, relative to micro-expressions", fontsize=6.5, labelpad=1)
    axes.set_ylabel("UF1, unseen subjects", fontsize=6.5, labelpad=1)
    return figure
