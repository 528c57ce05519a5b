"""Export the comparisons of a report as one Markdown or LaTeX table, to be pasted elsewhere.

Rows are those of the CSV file, numbers those of the PDF: the decimals of the printed numbers, a dash for what was not
measured. The first line names paper, profile, data, seeds and version.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version

from common.report import comparison_tables as together
from common.report import formatting, tables
from common.report.latex import escape
from common.report.records import Report, SideBySide
from common.scoring.records import Comparison

FORMATS = ("csv", "markdown", "latex")
"""The formats to choose from; CSV is always written."""
_ENDINGS = {"markdown": ".md", "latex": ".tex"}
_COLUMNS = (
    "experiment",
    "variant",
    "corpus",
    "protocol",
    "metric",
    "published",
    "reproduced [95% interval]",
    "chance",
    "clips",
    "folds",
    "verdict",
)
_OTHERS = "reproduced by others"
_COMMON_COLUMNS = ("paper", "network", "corpus", "metric", "reproduced [95% interval]", "chance", "clips", "folds")


def of_report(report: Report, formats: Sequence[str]) -> dict[str, bytes]:
    """Return a paper's table by file name, `<paper key>.md` and `.tex`: one row per comparison."""
    seeds = report.seeds or (report.seed,)
    about = _about(report.paper.key, report.profile, report.data, report.motion, seeds, report.environment)
    columns = (*_COLUMNS, *([_OTHERS] if report.by_others else ()))
    rows = _rows(report)
    if not report.comparable:  # nothing published stands next to what was measured
        place = columns.index("published")
        columns = columns[:place] + columns[place + 1 :]
        rows = [row[:place] + row[place + 1 :] for row in rows]
    return _files(report.paper.key, formats, about, columns, rows)


def of_comparison(side: SideBySide, formats: Sequence[str]) -> dict[str, bytes]:
    """Return `comparison.md` and `.tex`: one row per network on common ground, corpus and metric, as ranked."""
    about = _about("common ground", side.profile, side.data, side.motion, side.seeds, side.environment)
    about += f" {side.protocol}, {formatting.selection_name(side.selection)}, classes {', '.join(side.classes)}."
    return _files("comparison", formats, about, _COMMON_COLUMNS, _common_rows(side))


def _files(
    name: str, formats: Sequence[str], about: str, head: Sequence[str], rows: Sequence[Sequence[str]]
) -> dict[str, bytes]:
    make = {"markdown": markdown, "latex": latex}
    return {
        name + ending: make[form](about, head, rows).encode() for form, ending in _ENDINGS.items() if form in formats
    }


def _about(
    title: str, profile: str, data: str, motion: float, seeds: Sequence[int], environment: Mapping[str, str]
) -> str:
    loud = (formatting.banner(data, motion) or "").replace("Stand-in corpora", "STAND-IN CORPORA")
    code = f", code {environment['code']}" if "code" in environment else ""
    seed = formatting.shown_seeds(seeds)
    facts = f"{title}: profile {profile}, {formatting.data_name(data)}, {seed}, mer-suite {_version()}{code}."
    return f"{loud} {facts}".strip()


def _version() -> str:
    try:
        return version("mer-suite")
    except PackageNotFoundError:
        return "(not installed)"


# ---------------------------------------------------------------- rows


def _rows(report: Report) -> list[list[str]]:
    free = tables.leak_free(report)
    rows = []
    for c in report.comparisons:
        cells = tables.cells(report, c, c.claim)
        leaks = {True: ", leak-free", False: ", not leak-free", None: ""}[free.get((c.experiment, c.variant))]
        rows.append(
            [
                c.experiment,
                c.variant,
                cells["corpus"],
                f"{c.protocol}, {formatting.selection_name(c.selection)}{leaks}",
                cells["metric"],
                f"{c.claim.printed} ({c.claim.source})" if c.claim else formatting.DASH,
                _with_interval(cells["reproduced"], cells["low"], cells["high"]),
                cells["chance"] if cells["picks"] == formatting.DASH else f"{cells['chance']}, picked {cells['picks']}",
                cells["clips"],
                cells["folds"],
                cells["label"],
                *([_others(report, c)] if report.by_others else ()),
            ]
        )
    return rows


def _others(report: Report, c: Comparison) -> str:
    cells = tables.by_others(report, c)
    return f"{cells['value']} ({cells['about']})" if cells["value"] else formatting.DASH


def _common_rows(side: SideBySide) -> list[list[str]]:
    rows = []
    metrics = list(dict.fromkeys(m for c in side.contenders for scores in c.scores.values() for m in scores))
    for c in side.contenders:
        for corpus in together.corpora(side):
            for metric in metrics:
                score = together.scored(c, corpus, metric)
                values = (score.value, score.low, score.high, score.chance) if score else (None,) * 4
                value, low, high, chance = (formatting.number(v, 4) for v in values)
                rows.append(
                    [
                        c.paper,
                        f"{c.title} ({c.experiment})",
                        formatting.corpus_name(side, corpus),
                        formatting.metric_name(metric),
                        _with_interval(value, low, high),
                        chance,
                        formatting.count(score.n_clips if score else None),
                        f"{formatting.count(c.n_folds_done)}/{formatting.count(c.n_folds)}"
                        if c.n_folds
                        else formatting.DASH,
                    ]
                )
    return rows


def _with_interval(value: str, low: str, high: str) -> str:
    return value if formatting.DASH in (low, high) else f"{value} [{low}, {high}]"


# ---------------------------------------------------------------- formats


def markdown(about: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table with pipes, as GitHub and Pandoc read it, below a line about it; texts are escaped."""
    lines = ["| " + " | ".join(map(_plain, row)) + " |" for row in (head, *rows)]
    return "\n".join([_plain(about), "", lines[0], "|" + " --- |" * len(head), *lines[1:], ""])


def _plain(text: str) -> str:
    return re.sub(r"([\\`*_\[\]<>|~&#$])", r"\\\1", " ".join(text.split()))


def latex(about: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table that may span pages, in ASCII, with `about` as its caption."""
    columns = "".join("p{30mm}" if name == "protocol" else "l" for name in head)
    lines = [" & ".join(map(escape, row)) + r" \\" for row in (head, *rows)]
    return "\n".join(
        [
            f"% {escape(about)}",
            r"% Needs \usepackage{booktabs} and \usepackage{longtable}. It is wide: leave columns out, or set it in",
            r"% landscape (package pdflscape). In two columns of text use tabular instead of longtable, and leave out",
            r"% \caption and \endhead.",
            r"\begingroup\scriptsize\setlength{\tabcolsep}{3pt}",
            rf"\begin{{longtable}}{{@{{}}{columns}@{{}}}}",
            rf"\caption{{{escape(about)}}} \\",
            r"\toprule",
            lines[0],
            r"\midrule",
            r"\endhead",
            *lines[1:],
            r"\bottomrule",
            r"\end{longtable}",
            r"\endgroup",
            "",
        ]
    )
