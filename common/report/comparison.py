"""Write the comparison of several papers: JSON with everything in full precision, tidy CSV, PDF for reading."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from common.report import comparison_learning as learnt
from common.report import exports, formatting, leak_price, learning, tables
from common.report.comparison_tables import corpora, name, ranked, scored, view
from common.report.records import SideBySide
from common.report.write import TEMPLATES, comparison_record, embed, json_bytes, plain, save_with_page, typeset
from common.scoring.metrics import f1_by_class
from common.scoring.verdicts import METRICS

_COSTS = ("parameters", "flops", "seconds_per_fold", "inference_ms_per_clip", "peak_memory_mib")
_SCORE = ("value", "low", "high", "chance", "picks", "n_clips", "n_folds_done", "n_folds", "p", "p_test")


def write_comparison(side: SideBySide, out: Path, formats: Sequence[str] = ()) -> tuple[Path, ...]:
    """Write `comparison.pdf`, `.json` and `.csv` into `out`, and tables in other formats; return their paths.

    `leak_price.csv` is added if an experiment and its leak-free twin have finished.
    A file is written completely or not at all; equal input gives equal bytes. `side.tests` name contenders as `name`
    does. Raises ValueError if they name others, `UserError` if `out` cannot be written, and `PageError`, after the
    other files are written, if the pages cannot be set.
    """
    side = ranked(side)
    return save_with_page(
        out,
        "comparison.pdf",
        lambda: page(side),
        {"comparison.json": json_bytes(record(side)), "comparison.csv": tidy_csv(side)}
        | ({"leak_price.csv": leak_price.tidy_csv(side.prices)} if side.prices else {})
        | exports.of_comparison(side, formats),
    )


def record(side: SideBySide) -> dict[str, Any]:
    """Return plain data for JSON, contenders in their order: full precision, null for missing or not finite numbers."""
    return {
        "profile": side.profile,
        "data": side.data,
        "notice": formatting.banner(side.data, side.motion),
        "seeds": list(side.seeds),
        "ground": {key: getattr(side.ground, key) for key in ("name", "title", "source", "choice")},
        "labels": side.labels,
        "classes": list(side.classes),
        "protocol": side.protocol,
        "selection": side.selection,
        "corpora": plain(side.corpora),
        "differing": list(side.differing),
        "shortened": {report.paper.key: list(report.shortened) for report in side.reports},
        "learning": [plain(learning.record(row)) for row in learnt.rows(side)],
        "learning_summary": [learning.sentence(learnt.rows(side))],
        "contenders": [
            {"number": i, "name": name(c), **plain(c), "training_accuracy": plain(c.training_accuracy)}
            | {"f1": f1_by_class(c.confusion, side.classes)}
            for i, c in enumerate(side.contenders, 1)
        ],
        "tests": plain(side.tests),
        "references": plain(side.references),
        "leak_price": {"twins": side.twins, "experiments": list(map(leak_price.record, side.prices))},
        "claims": [
            {"paper": report.paper.key, **comparison_record(p.comparison), "leak_free": twin}
            for report in side.reports
            for p in tables.printed(report)
            for twin in [p.twin and {"variant": p.twin.variant, "reproduced": comparison_record(p.twin)["reproduced"]}]
        ],
        "audit": [{"paper": report.paper.key, **plain(finding)} for report in side.reports for finding in report.audit],
        "environment": plain(side.environment),
        "command": side.command,
    }


def tidy_csv(side: SideBySide) -> bytes:
    """Return one row per contender, corpus and metric, last F1 of each class (`f1_<class>`); missing ones are empty."""
    columns = ["paper", "experiment", "title", "corpus", "metric", *_SCORE, "no_motion_value", "no_motion_p"]
    columns += ["metadata_value", "metadata_p", "training_accuracy", *_COSTS, "profile", "data", "seeds"]
    buffer = io.StringIO(newline="")
    writer = csv.DictWriter(buffer, columns, lineterminator="\n")
    writer.writeheader()
    metrics = list(dict.fromkeys(m for c in side.contenders for scores in c.scores.values() for m in scores)) or METRICS
    shared = {"profile": side.profile, "data": side.data, "seeds": " ".join(map(str, side.seeds))}
    own = ("paper", "experiment", "title", "training_accuracy", *_COSTS, "n_folds_done", "n_folds")
    for c, corpus, metric in itertools.product(side.contenders, corpora(side) or [""], metrics):
        row = shared | {key: plain(getattr(c, key)) for key in own} | {"corpus": corpus, "metric": metric}
        if score := scored(c, corpus, metric):
            row |= {key: plain(getattr(score, key)) for key in _SCORE}
        for control, scores in (("no_motion", c.control), ("metadata", c.metadata)):
            if spoilt := scores.get(corpus, {}).get(metric):
                row |= {f"{control}_value": plain(spoilt.value), f"{control}_p": plain(spoilt.p)}
        writer.writerow(row)
    whole = next(iter(corpora(side)), "")
    for c in side.contenders:
        for label, value in f1_by_class(c.confusion, side.classes).items() if c.confusion.any() else ():
            row = shared | {key: plain(getattr(c, key)) for key in own} | {"corpus": whole, "metric": f"f1_{label}"}
            writer.writerow(row | {"value": value, "n_clips": int(c.confusion.sum())})
    return buffer.getvalue().encode()


def page(side: SideBySide) -> bytes:
    """Return the PDF, compiled from `comparison.typ`, with the contenders in the given order."""
    from common.report import comparison_charts, leak_charts

    drawn, files = embed(comparison_charts.draw(side) | {"prices": leak_charts.draw(side.prices)})
    inputs = {f"input-{key}.png": path.read_bytes() for key, path in _inputs(side)}
    shown = {
        "drawn": drawn,
        "inputs": [{"file": file, "paper": key} for file, (key, _) in zip(inputs, _inputs(side), strict=True)],
        "learning": learnt.table(side),
        "learnt": learning.sentence(learnt.rows(side)),
        "agreement": formatting.number(learnt.agreement(side), 2),
        "twins": f"{len(side.prices)} of {formatting.many(side.twins, 'experiment')}",
    }
    return typeset(TEMPLATES / "comparison.typ", view(side) | shown, files | inputs)


def _inputs(side: SideBySide) -> list[tuple[str, Path]]:
    """The key of each paper with networks here, and a picture of what one of them sees of a clip (PNG)."""
    papers = {c.paper for c in side.contenders}
    return [(r.paper.key, r.seen.picture) for r in side.reports if r.paper.key in papers and r.seen]
