"""Page 1 of a paper's report: what came out of each experiment, UF1 against motion, and what the page says in words."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from common.report import formatting, known, learning, network_chart, tables
from common.report.forest import fitted
from common.report.records import Learning, Report
from common.scoring.records import Comparison, Score
from common.scoring.verdicts import COMPARED, parts
from common.vision.picture_grid import BLUE, GREEN, GREY, INK, PALE, RED, WIDTH, apart

ROWS = 24
"""Experiments that fit on the page; the table of all scores has the others."""
_LABEL, _SCORES, _SUBJECTS, _MARKS = 1.72, 1.5, 0.72, 0.5  # inches: the columns of the plot of experiments
_COLOURS = (BLUE, RED, GREEN, "#8f5a83")
_TOP = 0.6
_SEEN_HEIGHT, _SEEN_WIDTH = 2.1, 11.0  # cm of the pictures of a clip


def view(report: Report) -> dict[str, Any]:
    """Return what the page says, as strings: tiles, settings, one conclusion and the next command."""
    shown = shown_rows(report)
    first = next((row for row in report.learning if row.score), Learning("", True, None, None, None))
    scores = [row.score.value for row in report.learning if row.score]
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
        "left": len(report.learning) - len(shown),
        "shown": formatting.count(len(shown)),
        "all": formatting.count(len(report.learning)),
        "leaks": any(not row.leak_free for row in shown),
        "next": _next(report),
    }


def _value(score: Score | None, decimals: int) -> str:
    return formatting.number(score.value if score else None, decimals)


def _printed_tile(report: Report) -> dict[str, str]:
    compared = [p.comparison.verdict for p in tables.printed(report)]
    total = formatting.many(len(compared), "printed number")
    if not report.comparable:
        return {"value": formatting.DASH, "label": "of the printed numbers", "more": "", "text": _not_compared(total)}
    counts = {name: compared.count(name) for name in formatting.VERDICTS}
    return {
        "value": f"{counts['MATCH']} of {len(compared)}",
        "label": "printed numbers reproduced",
        "text": f"{counts['CLOSE']} not distinguishable, {counts['DIFFERS']} not reproduced",
        "more": f"{len(compared) - sum(counts[name] for name in COMPARED)} not compared",
    }


def _not_compared(total: str) -> str:
    return f"{total}: none may be compared with a score on synthetic faces"


def _next(report: Report) -> dict[str, str]:
    """The command that follows from this report, and what it does."""
    words = report.command.split()
    key = report.paper.key
    if not report.comparable:
        return {"text": "With the corpora:", "command": f"python run_all.py --paper {key} --data FOLDER"}
    if report.profile != "paper":
        kept = " ".join(w for w in words if w != report.profile).replace(" --profile", "")
        return {"text": "With the paper's settings:", "command": f"{kept} --profile paper"}
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
    pictures.append(("input", clip.picture.read_bytes(), "the network's input"))
    files, shown = {}, []
    for name, content, label in pictures:
        wide, high = size(content)
        files[file := f"seen-{name}{'.png' if name == 'input' else '.jpg'}"] = content
        shown.append({"file": file, "label": label, "width": min(_SEEN_HEIGHT * wide / high, _SEEN_WIDTH)})
    labels = "; ".join(dict.fromkeys(clip.captions))
    before = ", ".join(moment for moment, *_ in pictures[:-1])
    text = f"{before.capitalize()}, and what the network gets" if before else "What the network gets"
    return {"pictures": shown, "text": f"{text}{': ' if labels else ''}{labels}. Clip {clip.clip}."}, files


def network(report: Report) -> Figure | None:
    """Draw the network of the first experiment that ran, as stored with its folds."""
    if not report.blocks:
        return None
    ran = {row.name for row in report.learning}
    classes = next(e.labels.classes for e in report.paper.experiments if e.id in ran)
    return network_chart.figure(report.blocks, classes, WIDTH, min(0.8 * network_chart.rows(report.blocks), 1.7))


# ---------------------------------------------------------------- what came out


def shown_rows(report: Report) -> tuple[Learning, ...]:
    """Return the experiments of the page: all, or the first ones, published variants and their twins before others."""
    variants = {e.id: e for e in report.paper.experiments}
    usual = [row for row in report.learning if variants[row.name].twin_of or not _is_alternative(report, row)]
    wanted = {row.name for row in (*usual, *(row for row in report.learning if row not in usual))[:ROWS]}
    return tuple(row for row in report.learning if row.name in wanted)


def _is_alternative(report: Report, row: Learning) -> bool:
    """Whether another variant of the same experiment comes first."""
    name = row.name.partition("/")[0]
    return next(other.name for other in report.learning if other.name.partition("/")[0] == name) != row.name


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
    printed = _printed(report)
    for y, row in enumerate(rows):
        _score(left, y, row, printed.get(row.name))
        subjects = [s.n_correct / s.n_clips for s in report.subjects if f"{s.experiment}/{s.variant}" == row.name]
        spread = np.linspace(-0.22, 0.22, len(subjects)) if len(subjects) > 1 else np.zeros(len(subjects))
        right.plot(subjects, y + spread, "o", ms=1.8, color=GREY, alpha=0.75, mew=0, clip_on=False)
        for x, mark in enumerate(learning.marks(row)):
            place = (_LABEL + _SCORES + 0.18 + _SUBJECTS + 0.08 + x * 0.16) / wide
            colour = {True: GREEN, False: RED, None: GREY}[mark]
            high = below + tall * (1 - (y + 0.6) / (len(rows) + 0.2))
            figure.text(place, high, learning.MARKS[mark], ha="center", va="center", fontsize=7, color=colour)
    _key(figure, left, rows, bool(set(printed) & {row.name for row in rows}))
    for x, word in enumerate(("learns", "beats chance", "by motion")):
        place = (_LABEL + _SCORES + 0.18 + _SUBJECTS + 0.08 + x * 0.16) / wide
        figure.text(place, below + tall + 0.04 / height, word, rotation=90, ha="center", va="bottom", fontsize=6)
    return figure


def _score(axes: Axes, y: float, row: Learning, printed: Comparison | None) -> None:
    if row.score is None:
        return
    if row.score.chance is not None:
        axes.plot([row.score.chance] * 2, [y - 0.45, y + 0.45], color=INK, linewidth=0.8, linestyle=(0, (2, 1.2)))
    if row.score.low is not None and row.score.high is not None:
        axes.plot([row.score.low, row.score.high], [y, y], color=BLUE, linewidth=1.4, solid_capstyle="butt")
    if row.metadata is not None:
        axes.plot(row.metadata.value, y, "x", ms=3.2, color=INK, mew=0.7, zorder=3)
    if row.control is not None:
        axes.plot(row.control.value, y, "o", ms=3.8, mfc="white", mec=RED, mew=0.9, zorder=4)
    axes.plot(row.score.value, y, "o", ms=4, color=BLUE, zorder=5)
    if printed is not None and printed.claim is not None:
        axes.plot(printed.claim.value, y, "D", ms=3.6, mfc="white", mec=INK, mew=0.8, zorder=6)


def _printed(report: Report) -> dict[str, Comparison]:
    """By experiment the comparison of its UF1 with a printed number, where that is allowed."""
    whole = {e.id: parts(e)[0][0] for e in report.paper.experiments}
    return {
        name: c
        for c in report.comparisons
        if c.metric == learning.METRIC and c.claim and c.verdict in COMPARED and report.comparable
        if whole.get(name := f"{c.experiment}/{c.variant}") == c.corpus
    }


def _key(figure: Figure, axes: Axes, rows: Sequence[Learning], printed: bool) -> None:
    """Name above the plot the signs that it has."""
    signs = [("o", BLUE, BLUE, "score" + (", 95% interval" if any(r.score and r.score.low for r in rows) else ""))]
    signs += [("o", "white", RED, "without motion")] if any(r.control for r in rows) else []
    signs += [("x", INK, INK, "metadata")] if any(r.metadata for r in rows) else []
    signs += [("|", INK, INK, "chance")]
    signs += [("D", "white", INK, "printed")] if printed else []
    handles = [
        axes.plot([], [], sign, mfc=fill, mec=edge, ms=3.6, mew=0.9, linewidth=0, label=word)[0]
        for sign, fill, edge, word in signs
    ]
    figure.legend(
        handles=handles, loc="upper left", bbox_to_anchor=(0, 1.0), ncols=len(handles), frameon=False, fontsize=6.5,
        handletextpad=0.1, columnspacing=0.9, borderaxespad=0.1, handlelength=1.2,
    )  # fmt: skip


def confusion_of(report: Report) -> str:
    """The experiment whose confusion matrix is on the page: the first that has one."""
    first = next((row.name for row in report.learning if row.score), "")
    return first or next((f"{c.experiment}/{c.variant}" for c in report.confusions), "")


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
    axes.axhline(1 / 3, color=INK, linewidth=0.7, linestyle=(0, (3, 2)), zorder=0)
    ends = [(cells[-1]["uf1"], name) for name, cells in lines.items()] + [(1 / 3, "chance")]
    for cells, colour in zip(lines.values(), _COLOURS, strict=False):
        xs = [place[cell["motion"]] for cell in cells]
        axes.plot(xs, [cell["uf1"] for cell in cells], "o-", ms=2.6, linewidth=1.1, color=colour)
    high = apart([value for value, _ in ends], 0.105)
    for (_, name), y in zip(ends, high, strict=True):
        colour = dict(zip(lines, _COLOURS, strict=False)).get(name, INK)
        axes.text(len(motions) - 0.88, y, fitted(name, 1.2, 6.5), fontsize=6.5, color=colour, va="center")
    if 1.0 in place:
        axes.axvline(place[1.0], color=PALE, linewidth=4, zorder=-1)
        axes.text(place[1.0], 1.05, "micro-expressions", fontsize=6, ha="center", va="bottom", color=GREY)
    if report.motion in place and report.motion != 1:
        axes.axvline(place[report.motion], color=PALE, linewidth=4, zorder=-1)
        axes.text(place[report.motion], 1.05, "this run", fontsize=6, ha="center", va="bottom", color=GREY)
    axes.set_xticks(range(len(motions)), [formatting.short(motion) for motion in motions], fontsize=6)
    axes.set_yticks([0, 0.5, 1], ["0", "0.5", "1"], fontsize=6)
    axes.set_ylim(0, 1.02)
    axes.set_xlim(-0.2, len(motions) - 0.9)
    axes.tick_params(pad=1.5)
    axes.set_xlabel("motion of the face, relative to micro-expressions", fontsize=6.5, labelpad=1)
    axes.set_ylabel("UF1, unseen subjects", fontsize=6.5, labelpad=1)
    return figure
