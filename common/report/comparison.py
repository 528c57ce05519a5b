"""Write the comparison of several papers: JSON with everything in full precision, tidy CSV, PDF for reading."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from common.report import comparison_learning as learnt
from common.report import exports, formatting, known, leak_price, learning, reference_rows, tables
from common.report.comparison_tables import corpora, name, ranked, scored, view
from common.report.records import SideBySide
from common.report.write import comparison_record, embed, json_bytes, plain, save_with_page, typeset
from common.scoring.verdicts import METRICS

_COSTS = ("parameters", "flops", "seconds_per_fold", "inference_ms_per_clip", "peak_memory_mib")
_SCORE = ("value", "low", "high", "chance", "picks", "n_clips", "n_folds_done", "n_folds", "p")


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


# ---------------------------------------------------------------- JSON and CSV


def record(side: SideBySide) -> dict[str, Any]:
    """Return plain data for JSON, contenders in their order: full precision, null for missing or not finite numbers."""
    return {
        "profile": side.profile,
        "data": side.data,
        "notice": formatting.banner(side.data, side.motion),
        "seeds": list(side.seeds),
        "labels": side.labels,
        "classes": list(side.classes),
        "protocol": side.protocol,
        "selection": side.selection,
        "corpora": plain(side.corpora),
        "differing": list(side.differing),
        "shortened": {report.paper.key: list(report.shortened) for report in side.reports},
        "learning": [plain(learning.record(row)) for row in learnt.rows(side)],
        "learning_summary": learnt.sentences(side),
        "contenders": [
            {"number": i, "name": name(c), **plain(c), "training_accuracy": plain(c.training_accuracy)}
            for i, c in enumerate(side.contenders, 1)
        ],
        "tests": plain(side.tests),
        "references": plain(side.references),
        "leak_price": {"twins": side.twins, "experiments": list(map(leak_price.record, side.prices))},
        "claims": [
            {"paper": report.paper.key, **comparison_record(p.comparison), "leak_free": _twin(p)}
            for report in side.reports
            for p in tables.printed(report)
        ],
        "audit": [{"paper": report.paper.key, **plain(finding)} for report in side.reports for finding in report.audit],
        "environment": plain(side.environment),
        "command": side.command,
    }


def _twin(printed: tables.Printed) -> dict[str, Any] | None:
    if printed.twin is None:
        return None
    return {"variant": printed.twin.variant, "reproduced": comparison_record(printed.twin)["reproduced"]}


def tidy_csv(side: SideBySide) -> bytes:
    """Return one row per contender, corpus and metric; missing values are empty."""
    columns = ["paper", "experiment", "title", "corpus", "metric", *_SCORE, "no_motion_value", "no_motion_p"]
    columns += ["metadata_value", "metadata_p", "training_accuracy", *_COSTS, "profile", "data", "seeds"]
    buffer = io.StringIO(newline="")
    writer = csv.DictWriter(buffer, columns, lineterminator="\n")
    writer.writeheader()
    metrics = list(dict.fromkeys(m for c in side.contenders for scores in c.scores.values() for m in scores)) or METRICS
    for c in side.contenders:
        about = {key: plain(getattr(c, key)) for key in ("paper", "experiment", "title", "training_accuracy", *_COSTS)}
        about |= {"n_folds_done": c.n_folds_done, "n_folds": c.n_folds}
        about |= {"profile": side.profile, "data": side.data, "seeds": " ".join(map(str, side.seeds))}
        for corpus in corpora(side) or [""]:
            for metric in metrics:
                score = scored(c, corpus, metric)
                values = {key: plain(getattr(score, key)) for key in _SCORE} if score else {}
                for control, scores in (("no_motion", c.control), ("metadata", c.metadata)):
                    if spoilt := scores.get(corpus, {}).get(metric):
                        values |= {f"{control}_value": plain(spoilt.value), f"{control}_p": plain(spoilt.p)}
                writer.writerow({**about, "corpus": corpus, "metric": metric, **values})
    return buffer.getvalue().encode()


# ---------------------------------------------------------------- PDF


def page(side: SideBySide) -> bytes:
    """Return the PDF, compiled from `comparison.typ`, with the contenders in the given order."""
    from common.report import comparison_charts, leak_charts

    drawn, pictures = embed(comparison_charts.draw(side) | {"prices": leak_charts.draw(side.prices)})
    papers = [report.paper for report in side.reports] if side.motion != 1 and side.data == "stand-in" else []
    shown = {
        "drawn": drawn,
        "known": known.table(papers),
        "learning": learnt.table(side),
        "learnt": learnt.sentences(side),
        "prices": leak_price.view(side),
        "references": reference_rows.table(side),
    }
    return typeset("comparison.typ", view(side) | shown, pictures)
