"""Values to strings, and the rows of every table of the page. The only place of the suite where numbers are rounded."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from common.histories import is_accuracy
from common.types import CitedRow, Claim, Comparison, CorpusSummary, Correction, Exclusion, Report, SideBySide

DASH = "\u2013"


def banner(data: str, motion: float) -> str | None:
    """What every page of a report on stand-ins says; None for one on licensed corpora."""
    if data != "stand-in":
        return None
    moved = "" if motion == 1 else " without motion" if motion == 0 else f", motion x {motion:g}"
    faces = f"synthetic faces{moved}"
    return f"Stand-in corpora: {faces}. Not a reproduction; no number here may be compared with a published one."


VERDICTS = {
    "MATCH": "match",
    "CLOSE": "close",
    "DIFFERS": "differs",
    "NOT_COMPARABLE": "not comparable",
    "INCOMPLETE": "incomplete",
    "NOT_RUN": "not run",
}
_METRICS = {"uf1": "UF1", "uar": "UAR", "acc": "accuracy", "accuracy": "accuracy", "f1": "F1"}
_SELECTIONS = {
    "last": "last epoch",
    "inner": "inner validation, split from the training subjects",
    "oracle": "oracle: best epoch on the test fold itself",
}
_COSTS = {
    "training_seconds": "Training, all folds",
    "preprocessing_seconds": "Preprocessing",
    "seconds_per_fold": "Training, per fold",
    "inference_ms_per_clip": "Inference, per clip",
    "peak_memory_mib": "Peak memory",
    "parameters": "Parameters",
}
_COMPOSITES = {"megc2019": "MEGC 2019"}
_CLIPS_SHOWN = 24
_CORRECTIONS_SHOWN = 30
_CITED_COLUMNS = 8


# ---------------------------------------------------------------- single values


def number(value: float | None, decimals: int) -> str:
    """`value` with a fixed number of decimals and a true minus sign; a dash where it is missing or not finite."""
    if value is None or not math.isfinite(value):
        return DASH
    return f"{value:.{decimals}f}".replace("-", "\u2212")


def count(value: float | None) -> str:
    """A whole number with its thousands apart; a dash where it is missing."""
    return DASH if value is None or not math.isfinite(value) else f"{value:,.0f}"


def percent(part: float, whole: float) -> str:
    """`part / whole` as a whole percentage; a dash where `whole` is 0."""
    return f"{100 * part / whole:.0f}%" if whole else DASH


def difference(value: float | None, decimals: int = 3) -> str:
    """A difference with its sign; none where it rounds to zero."""
    text = number(value, decimals)
    if value is None or not math.isfinite(value) or not text.strip("\u22120."):
        return text.lstrip("\u2212")
    return text if value < 0 else f"+{text}"


def probability(p: float | None) -> str:
    """A p value to three decimals; what is smaller than these can say is `<0.001`."""
    return "<0.001" if p is not None and p < 0.001 else number(p, 3)


def significant(value: float | None, figures: int = 3) -> str:
    """`value` to so many figures, never with an exponent; a dash where it is missing."""
    if value is None or not math.isfinite(value):
        return DASH
    exponent = int(f"{value:.{figures - 1}e}".partition("e")[2])
    places = max(figures - 1 - exponent, 0)
    return count(value) if not places else number(value, places)


def short(value: float) -> str:
    """The ticks of an axis of magnitudes: `0.01`, `20`, `1,000`."""
    return f"{value:,.10f}".rstrip("0").rstrip(".")


def decimals(printed: str) -> int:
    """How many decimals a printed figure has."""
    return len(printed.strip().rstrip("%").partition(".")[2])


def duration(seconds: float | None) -> str:
    """Seconds in the two largest units that fit: `0.04 s`, `12.3 s`, `5 min 02 s`, `3 h 20 min`, `2 d 04 h`."""
    if seconds is None or not math.isfinite(seconds):
        return DASH
    if seconds < 59.95:
        return f"{seconds:.{2 if seconds < 9.995 else 1}f} s"
    if (whole := round(seconds)) < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if (minutes := round(seconds / 60)) < 24 * 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    hours = round(seconds / 3600)
    return f"{hours // 24} d {hours % 24:02d} h"


def cost(name: str, value: float) -> tuple[str, str]:
    """(label, value with its unit) of one cost; the unit is read from the words of its name."""
    words = name.split("_")
    label = _COSTS.get(name) or " ".join(w for w in words if w not in {"seconds", "ms", "mib"}).capitalize() or name
    if "seconds" in words:
        return label, duration(value)
    if "ms" in words:
        return label, f"{number(value, 1)} ms"
    if "mib" in words:
        return label, f"{count(value)} MiB"
    return label, count(value) if float(value).is_integer() else number(value, 3)


def metric_name(metric: str) -> str:
    """The metric as a reader knows it (`uf1` is UF1)."""
    return _METRICS.get(metric.casefold(), metric.replace("_", ", ", 1) if metric.startswith("recall_") else metric)


def selection_name(selection: str) -> str:
    """The selection rule in words."""
    return _SELECTIONS.get(selection, selection)


def data_name(data: str) -> str:
    """What was learned from, in words: licensed or stand-in corpora."""
    return "licensed corpora" if data == "licensed" else "stand-in corpora"


def corpus_name(report: Report | SideBySide, corpus: str) -> str:
    """The title of a corpus or composite; an unknown name stays as it is."""
    return next((c.title for c in report.corpora if c.name == corpus), _COMPOSITES.get(corpus, corpus))


# ---------------------------------------------------------------- published beside reproduced


def unrequested(report: Report) -> list[dict[str, str]]:
    """Id and title of the variants that run on request alone and did not."""
    run = {(c.experiment, c.variant) for c in report.comparisons if c.verdict != "NOT_RUN"}
    return [
        {"id": e.id, "title": e.title}
        for e in report.paper.experiments
        if e.on_request and (e.name, e.variant) not in run
    ]


def waiting(report: Report) -> list[dict[str, str]]:
    """Those of `unrequested` that a reader must name: all but the ones that --tune adds."""
    tuned = {e.id for e in report.paper.experiments if e.tuned_of}
    return [one for one in unrequested(report) if one["id"] not in tuned]


def groups(report: Report) -> list[tuple[Comparison, ...]]:
    """The comparisons by experiment, variant and protocol, those of one selection together, in order of appearance.

    Without those of `unrequested`.
    """
    left_out = {one["id"] for one in unrequested(report)}
    found: dict[tuple[str, ...], dict[str, list[Comparison]]] = {}
    for c in report.comparisons:
        if f"{c.experiment}/{c.variant}" in left_out:
            continue
        found.setdefault((c.experiment, c.variant, c.protocol), {}).setdefault(c.selection, []).append(c)
    return [tuple(c for part in group.values() for c in part) for group in found.values()]


def main_tables(report: Report) -> list[dict[str, Any]]:
    """One table per group of `groups`: heading, rows, numbered notes (the reasons) and commands, all strings.

    `corpus` is that of all rows, empty where they have several. A row whose selection differs from that of the row
    above it carries it as its `head`. All rows of a metric have the decimals of its printed figures, and are in percent
    where those are.
    """
    experiments = {(e.name, e.variant): e for e in report.paper.experiments}
    tables = []
    for group in groups(report):
        first = group[0]
        experiment = experiments.get((first.experiment, first.variant))
        notes = list(dict.fromkeys(c.reason for c in group if c.reason))
        shown = scales(group)
        rows = [_main_row(report, c, shown[c.metric], notes) for c in group]
        for above, c, row in zip(group, group[1:], rows[1:], strict=False):
            row["head"] = selection_name(c.selection) if c.selection != above.selection else ""
        tables.append(
            {
                "id": f"{first.experiment}/{first.variant}",
                "title": experiment.title if experiment else "",
                "note": experiment.note if experiment else "",
                "leak_free": experiment.leak_free if experiment else None,
                "corpus": rows[0]["corpus"] if len({c.corpus for c in group}) == 1 else "",
                "protocol": first.protocol,
                "selection": selection_name(first.selection),
                "rows": rows,
                "notes": notes,
                "sources": list(dict.fromkeys(c.claim.source for c in group if c.claim)),
                "readings": list(
                    dict.fromkeys(
                        c.claim.note for c in group if c.claim and c.claim.note and c.claim.variant == c.variant
                    )
                ),
                "commands": list(dict.fromkeys(c.command for c in group if c.command)),
            }
        )
    return tables


def scales(group: Sequence[Comparison]) -> dict[str, tuple[int, bool]]:
    """By metric of a group, how many decimals its numbers are shown with and whether they are shown in percent."""
    names = {c.metric for c in group}
    percents = {c.metric for c in group if c.claim and c.claim.unit == "%"}
    percents |= {name for name in names if is_accuracy(name)} if percents else set()
    usual = max((decimals(c.claim.printed) for c in group if c.claim and c.claim.unit == "%"), default=4)
    places = {
        m: max(
            (decimals(c.claim.printed) for c in group if c.claim and c.metric == m),
            default=usual if m in percents else 4,
        )
        for m in names
    }
    return {name: (places[name], name in percents) for name in names}


def cells(report: Report, c: Comparison, scale: tuple[int, bool]) -> dict[str, str]:
    """A comparison as strings, its numbers shown as one of `scales` says; half an interval is none."""
    score, (places, percents) = c.score, scale
    bounds = (score.low, score.high) if score else (None, None)
    bounded = all(v is not None and math.isfinite(v) for v in bounds)

    def shown(value: float | None) -> str:
        return number(value * 100 if percents and value is not None else value, places)

    return {
        "corpus": corpus_name(report, c.corpus),
        "metric": metric_name(c.metric) + (", %" if percents else ""),
        "published": c.claim.printed if c.claim else DASH,
        "reproduced": shown(score.value) if score else DASH,
        "low": shown(bounds[0]) if bounded else DASH,
        "high": shown(bounds[1]) if bounded else DASH,
        "chance": shown(score.chance) if score else DASH,
        "clips": count(score.n_clips) if score else DASH,
        "folds": f"{count(score.n_folds_done)}/{count(score.n_folds)}" if score else DASH,
        "verdict": c.verdict,
        "label": VERDICTS.get(c.verdict, c.verdict),
    }


def _main_row(report: Report, c: Comparison, scale: tuple[int, bool], notes: Sequence[str]) -> dict[str, str]:
    row = cells(report, c, scale)
    interval = f"{row['low']} to {row['high']}" if row["low"] != DASH else DASH
    return {"head": "", **row, "interval": interval, "note": str(notes.index(c.reason) + 1) if c.reason else ""}


@dataclass(frozen=True)
class Printed:
    """A printed number, what its own variant made of it, and the first leak-free twin of that with a score.

    `leak_free` says that the variant is leak-free itself and has no twin.
    """

    claim: Claim
    own: Comparison | None
    twin: Comparison | None
    leak_free: bool


def printed(report: Report) -> list[Printed]:
    """Every number that the paper prints about its own systems, in its order."""
    found = {(c.experiment, c.variant, c.corpus, c.metric): c for c in report.comparisons}
    free = {(e.name, e.variant) for e in report.paper.experiments if e.leak_free}
    rows = []
    for claim in report.paper.claims:
        where = claim.corpus, claim.metric
        twins = (
            found.get((e.name, e.variant, *where))
            for e in report.paper.experiments
            if e.name == claim.experiment and e.leak_free and not e.tuned_of and e.twin_of in ("", claim.variant)
        )
        rows.append(
            Printed(
                claim,
                found.get((claim.experiment, claim.variant, *where)),
                next((c for c in twins if c and c.score), None),
                (claim.experiment, claim.variant) in free,
            )
        )
    return rows


def overview(report: Report) -> list[list[str]]:
    """One row per printed number, in the paper's order, beside what its own variant and its leak-free twin reached.

    Columns: source, experiment, corpus, metric, published, reproduced, leak-free twin with its variant, chance. A
    variant that is leak-free has no twin.
    """
    rows = []
    for p in printed(report):
        claim, score = p.claim, p.own.score if p.own else None
        places, scale = decimals(claim.printed), 100 if claim.unit == "%" else 1

        def shown(value: float | None, places: int = places, scale: int = scale) -> str:
            return number(None if value is None else scale * value, places)

        twin = f"{shown(p.twin.score.value)} ({p.twin.variant})" if p.twin and p.twin.score else DASH
        rows.append(
            [
                claim.source,
                f"{claim.experiment}/{claim.variant}",
                corpus_name(report, claim.corpus),
                metric_name(claim.metric) + (", %" if claim.unit == "%" else ""),
                claim.printed,
                shown(score.value if score else None),
                "leak-free itself" if p.leak_free else twin,
                shown(score.chance if score else None),
            ]
        )
    return rows


def cited_tables(report: Report) -> list[dict[str, Any]]:
    """The rows that the paper quotes from others, in tables of at most `_CITED_COLUMNS` columns of numbers."""
    rows = report.paper.cited
    columns = list(dict.fromkeys((c, m) for row in rows for c, values in row.values.items() for m in values))
    metrics = max(len({m for c, m in columns if c == corpus}) for corpus, _ in columns) if columns else 1
    wide = max(_CITED_COLUMNS // metrics, 1) * metrics
    places = min(
        max((decimals(repr(_cited(r, *k))) for r in rows for k in columns if _cited(r, *k) is not None), default=4), 4
    )
    return [
        {
            "corpora": _spans([corpus_name(report, c) for c, _ in part]),
            "metrics": [metric_name(m) for _, m in part],
            "rows": [[row.method, *(number(_cited(row, c, m), places) for c, m in part)] for row in rows],
            "sources": list(dict.fromkeys(row.source for row in rows)),
        }
        for part in (columns[i : i + wide] for i in range(0, len(columns), wide))
    ]


def _cited(row: CitedRow, corpus: str, metric: str) -> float | None:
    return row.values.get(corpus, {}).get(metric)


def _spans(names: Sequence[str]) -> list[dict[str, Any]]:
    spans: list[dict[str, Any]] = []
    for name in names:
        if spans and spans[-1]["name"] == name:
            spans[-1]["span"] += 1
        else:
            spans.append({"name": name, "span": 1})
    return spans


# ---------------------------------------------------------------- corpora, faults, costs


def listing(counts: Mapping[str, int]) -> str:
    """`disgust 63, happiness 32`; a dash where there is nothing."""
    return ", ".join(f"{name} {count(n)}" for name, n in counts.items()) or DASH


def corpus_rows(corpora: Sequence[CorpusSummary]) -> list[dict[str, str]]:
    """What was read of each corpus, whatever classes it is used with."""
    return [
        {
            "title": c.title,
            "citation": c.citation,
            "tree": c.tree,
            "table": c.table,
            "clips": count(c.clips),
            "subjects": count(c.subjects),
            "emotions": listing(c.by_emotion),
        }
        for c in {c.name: c for c in corpora}.values()
    ]


def class_tables(corpora: Sequence[CorpusSummary]) -> list[dict[str, Any]]:
    """A `class_table` for each set of classes."""
    found: dict[tuple[str, ...], list[CorpusSummary]] = {}
    for c in corpora:
        found.setdefault(tuple(c.by_class), []).append(c)
    return [class_table(some) for some in found.values()]


def class_table(corpora: Sequence[CorpusSummary]) -> dict[str, Any]:
    """Clips per class and corpus as used, with sums; a class that a corpus does not have is a dash."""
    classes = list(dict.fromkeys(name for c in corpora for name in c.by_class))
    rows = [[c.title, *(count(c.by_class.get(k)) for k in classes), count(sum(c.by_class.values()))] for c in corpora]
    if len(corpora) > 1:
        sums = [sum(c.by_class.get(k, 0) for c in corpora) for k in classes]
        rows.append(["All", *(count(n) for n in sums), count(sum(sums))])
    return {"classes": classes, "rows": rows, "total": len(corpora) > 1}


def exclusion_rows(exclusions: Iterable[Exclusion]) -> list[dict[str, str]]:
    """Exclusions by reason, faults first; a long list of clips is cut, with the number of those left out."""
    found: dict[tuple[bool, str], list[str]] = {}
    for e in exclusions:
        found.setdefault((not e.fault, e.reason), []).append(e.clip)
    return [
        {"kind": "rule" if rule else "fault", "reason": reason, "count": count(len(clips)), "clips": _some(clips)}
        for (rule, reason), clips in sorted(found.items(), key=lambda item: item[0][0])
    ]


def correction_rows(corrections: Sequence[Correction]) -> list[list[str]]:
    """(clip, column, printed, used, source), by column and source where there are many."""
    if len(corrections) <= _CORRECTIONS_SHOWN:
        return [[c.clip, c.column, c.printed, c.used, c.source] for c in corrections]
    found: dict[tuple[str, str], list[Correction]] = {}
    for c in corrections:
        found.setdefault((c.column, c.source), []).append(c)
    return [
        [
            f"{count(len(group))}: {_some([c.clip for c in group])}",
            column,
            group[0].printed if len({c.printed for c in group}) == 1 else "various",
            group[0].used if len({c.used for c in group}) == 1 else "various",
            source,
        ]
        for (column, source), group in found.items()
    ]


def cost_tables(costs: Mapping[str, float]) -> dict[str, Any]:
    """Costs of the whole run as rows, and those of its parts as tables, one per set of parts.

    What follows a space in a key says which part of the run is meant: `training_seconds stcnn-smic/loso`.
    """
    whole = [cost(key, value) for key, value in costs.items() if " " not in key]
    parts: dict[str, dict[str, float]] = {}
    for key, value in costs.items():
        name, _, part = key.partition(" ")
        if part:
            parts.setdefault(name, {})[part] = value
    tables: dict[tuple[str, ...], list[str]] = {}
    for name, values in parts.items():
        tables.setdefault(tuple(values), []).append(name)
    return {
        "whole": whole,
        "parts": [
            {
                "head": [cost(name, 0.0)[0] for name in names],
                "rows": [[part, *(cost(name, parts[name][part])[1] for name in names)] for part in rows],
            }
            for rows, names in tables.items()
        ],
    }


def _some(clips: Sequence[str]) -> str:
    left = len(clips) - _CLIPS_SHOWN
    more = f" and {count(left)} more (all of them in the JSON file)" if left > 0 else ""
    return ", ".join(clips[:_CLIPS_SHOWN]) + more
