"""Write a report: JSON with everything in full precision, CSV with one row per comparison, PDF for reading.

Other formats, written on request, are in `exports`.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from common import program
from common.audit.sections import sections
from common.corpora.names import named
from common.environment import without_stderr
from common.errors import StoppedError, UserError
from common.files import write_atomically
from common.report import (
    corpus_tables,
    exports,
    formatting,
    known,
    learning,
    numbers,
    reliability_tables,
    tables,
)
from common.report.records import Report
from common.scoring.metrics import f1_by_class
from common.scoring.records import Comparison

if TYPE_CHECKING:
    from common.report.charts import Drawing

TEMPLATES = Path(__file__).parent
_SHARED_TEMPLATE = "page.typ"
_NAMES = ("experiment", "variant", "corpus", "metric", "source")
_OTHERS = ("value", "tier", "bundles", "date")
_SCORE = ["value", "low", "high", "n_clips", "n_folds_done", "n_folds", "chance", "picks", "p", "p_test", "caution"]
_FIGURE_WIDTH, _HALF_WIDTH = 17.6, 8.5  # cm that a paper's figure may take on a page, and each of two side by side
# of PNG files, which earlier versions drew: most cm in height; most pixels of two side by side; least pixels per cm
_FIGURE_HEIGHT, _SMALL, _PIXELS_PER_CM = 8.5, 1000, 40.0


def write(report: Report, out: Path, formats: Sequence[str] = ()) -> tuple[Path, ...]:
    """Write `<paper key>.pdf`, `.json` and `.csv` into `out`, and tables in other formats; return their paths.

    A file is written completely or not at all; equal reports give equal bytes. Raises `UserError` if `out` cannot be
    written, and `PageError`, after the other files are written, if the pages cannot be set.
    """
    key = report.paper.key
    contents = {f"{key}.json": json_bytes(record(report)), f"{key}.csv": comparison_csv(report)}
    return save_with_page(out, f"{key}.pdf", lambda: page(report), contents | exports.of_report(report, formats))


class PageError(StoppedError):
    """Typst cannot set a page; `written` are the files that were written without it."""

    written: tuple[Path, ...] = ()


def save_with_page(out: Path, name: str, draw: Callable[[], bytes], others: Mapping[str, bytes]) -> tuple[Path, ...]:
    """Write the PDF that `draw` returns, and other files, into `out` as `save` does; return their paths.

    If typst fails, the others are written, a PDF of an earlier run is removed, and `PageError` is raised.
    """
    try:
        pages = {name: draw()}
    except PageError as error:
        written = save(out, others)
        (out / name).unlink(missing_ok=True)  # it would contradict the other files
        told = PageError(f"{out / name} is not written: {error}")
        told.written = written
        raise told from error
    return save(out, pages | dict(others))


def save(out: Path, contents: Mapping[str, bytes]) -> tuple[Path, ...]:
    """Write files by name into `out`, each completely or not at all. Raises `UserError` if `out` cannot be written."""
    paths = tuple(out / name for name in contents)
    try:
        out.mkdir(parents=True, exist_ok=True)
        for path, content in zip(paths, contents.values(), strict=True):
            write_atomically(path, partial(Path.write_bytes, data=content))
    except OSError as error:
        raise UserError(
            f"cannot write the report to {out}: {error.strerror}; name another folder with --out"
        ) from error
    return paths


# ---------------------------------------------------------------- JSON and CSV


def record(report: Report) -> dict[str, Any]:
    """Return the report as plain data for JSON: full precision, null for missing or not finite numbers."""
    paper = report.paper
    return {
        "paper": paper.key,
        "reference": {
            "title": paper.title,
            "authors": paper.authors,
            "venue": paper.venue,
            "year": paper.year,
            "url": paper.url,
        },
        "profile": report.profile,
        "data": report.data,
        "notice": formatting.banner(report.data, report.motion),
        "seed": report.seed,
        "shortened": list(report.shortened),
        "motion": None if report.comparable else report.motion,
        "command": report.command,
        "seeds": list(report.seeds),
        "learning": [plain(learning.record(row)) for row in report.learning],
        "learning_summary": [learning.sentence(report.learning)],
        "less_motion": known.cells([paper]) if report.motion != 1 and report.data == "stand-in" else [],
        "comparisons": [comparison_record(c) for c in report.comparisons],
        "by_others": [
            {name: getattr(claim, name) for name in _NAMES} | plain(others) | {"bundles": others.bundles}
            for claim, others in report.by_others.items()
        ],
        "left_out": list(report.left_out),
        "controls": [comparison_record(c) for c in report.controls],
        "tests": plain(report.tests),
        "tried": plain(report.tried),
        "spread": plain(report.spread),
        "confusions": [plain(c) | {"f1": f1_by_class(c.matrix, c.classes)} for c in report.confusions],
        "published_confusions": plain(report.paper.facts.get("confusions", ())),
        "cited": plain(paper.cited),
        "departures": plain(paper.departures),
        "audit": plain(report.audit),
        "corpora": plain(report.corpora),
        "notes": list(report.notes),
        "exclusions": plain(report.exclusions),
        "corrections": plain(report.corrections),
        "subjects": plain(report.subjects),
        "curves": plain(report.curves),
        "predictions": plain(report.predictions),
        "figures": [{"title": f.title, "caption": f.caption, "file": f.path.name} for f in report.figures],
        "environment": plain(report.environment),
        "cost": plain(report.cost),
    }


def comparison_record(c: Comparison) -> dict[str, Any]:
    """Return a comparison; values are fractions even if the paper prints percentages, see `printed` and `unit`."""
    return {
        "experiment": c.experiment,
        "variant": c.variant,
        "corpus": c.corpus,
        "protocol": c.protocol,
        "selection": c.selection,
        "metric": c.metric,
        "published": {
            "value": plain(c.claim.value),
            "source": c.claim.source,
            "printed": c.claim.printed,
            "unit": c.claim.unit,
            "note": c.claim.note,
        }
        if c.claim
        else None,
        "reproduced": {name: plain(getattr(c.score, name)) for name in _SCORE} if c.score else None,
        "verdict": c.verdict,
        "reason": c.reason,
        "command": c.command,
    }


def plain(value: Any) -> Any:
    """Convert dataclasses, mappings, arrays and numpy scalars for JSON; a float that is not finite becomes None."""
    if is_dataclass(value):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (np.ndarray, np.generic)):
        return plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return str(value) if isinstance(value, Path) else value


def json_bytes(data: Any) -> bytes:
    """Return plain data as JSON. Raises ValueError if a float is not finite."""
    return (json.dumps(data, ensure_ascii=False, indent=1, allow_nan=False) + "\n").encode()


def comparison_csv(report: Report) -> bytes:
    """Return a row per comparison, nested fields as `published_value` and so on, then F1 by class; empty if missing."""
    nested = {
        "published": ("value", "source", "printed", "unit", "note"),
        "reproduced": _SCORE,
    }
    columns = ["experiment", "variant", "corpus", "protocol", "selection", "metric"]
    columns += [f"{group}_{name}" for group, names in nested.items() for name in names]
    columns += ["verdict", "reason", "command", *(f"by_others_{name}" for name in _OTHERS if report.by_others)]
    buffer = io.StringIO(newline="")
    writer = csv.DictWriter(buffer, ["paper", "profile", "data", *columns], lineterminator="\n")
    writer.writeheader()
    about = {"paper": report.paper.key, "profile": report.profile, "data": report.data}
    for comparison in report.comparisons:
        c = comparison_record(comparison)
        row: dict[str, Any] = about | {key: value for key, value in c.items() if key not in nested}
        row |= {f"{group}_{name}": (c[group] or {}).get(name) for group, names in nested.items() for name in names}
        if others := tables.others_of(report, comparison):
            row |= {f"by_others_{name}": getattr(others, name) for name in _OTHERS}
        writer.writerow(row)
    writer.writerows(about | row for row in tables.f1_rows(report))
    return buffer.getvalue().encode()


# ---------------------------------------------------------------- PDF


def page(report: Report) -> bytes:
    """Return the PDF, compiled from `template.typ`."""
    from common.report import charts, first_page

    drawn, pictures = embed(charts.draw(report))
    figures, copies = _figures(report)
    seen, frames = first_page.seen(report)
    data = _view(report) | {"first": first_page.view(report), "drawn": drawn, "figures": figures, "seen": seen}
    return typeset(TEMPLATES / "template.typ", data, pictures | copies | frames)


def typeset(template: Path, view: Mapping[str, Any], pictures: Mapping[str, bytes]) -> bytes:
    """Return the PDF of a template with `view` as its data: no text is ever read as markup.

    Raises `PageError` if typst fails.
    """
    import matplotlib
    import typst

    fonts = typst.Fonts(  # those of typst itself and of matplotlib: the same pages on every machine
        include_system_fonts=False, font_paths=[Path(matplotlib.get_data_path()) / "fonts" / "ttf"]
    )
    files = {path.name: path.read_bytes() for path in (template, TEMPLATES / _SHARED_TEMPLATE)}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, content in {**files, **pictures, "data.json": json_bytes(view)}.items():
            (folder / file).write_bytes(content)
        where: dict[str, Any] = {"root": str(folder), "font_paths": fonts, "ignore_system_fonts": True}
        try:
            with without_stderr():  # where a panic also leaves a trace
                pdf = typst.Compiler(str(folder / template.name), **where).compile(format="pdf", timestamp=0)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # a panic of typst is no Exception
            reason = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
            raise PageError(f"typst cannot set {template.name} ({reason}); please report it") from error
        assert isinstance(pdf, bytes)
        return pdf


def embed(drawn: Mapping[str, Sequence[Drawing]]) -> tuple[dict[str, list[dict[str, str]]], dict[str, bytes]]:
    """Return figures by kind as templates name them, (file, subject) each, and the contents of these files."""
    shown = {
        kind: [{"file": f"{kind}{i}.svg", "subject": d.subject} for i, d in enumerate(drawings)]
        for kind, drawings in drawn.items()
    }
    return shown, {f"{kind}{i}.svg": d.svg for kind, drawings in drawn.items() for i, d in enumerate(drawings)}


def _figures(report: Report) -> tuple[list[dict[str, str | float | bool | None]], dict[str, bytes]]:
    """The paper's figures, each with its width in cm on the page, and their files; file None if missing.

    Those as wide as the page come first, then those that are printed in pairs.
    """
    shown: list[dict[str, str | float | bool | None]] = []
    files: dict[str, bytes] = {}
    for i, figure in enumerate(report.figures):
        content = figure.path.read_bytes() if figure.path.is_file() else b""
        file, width = (f"figure{i}{figure.path.suffix.lower()}", _width(content)) if content else (None, 0.0)
        files |= {file: content} if file else {}
        about = {"title": named(figure.title), "caption": figure.caption, "file": file}
        shown.append({**about, "width": width, "half": file is not None and width <= _HALF_WIDTH})
    shown.sort(key=lambda item: bool(item["half"]))
    above = ""
    for item in shown:
        if item["caption"] == above:
            item["caption"] = "As above."
        else:
            above = str(item["caption"])
    return shown, files


def _width(image: bytes) -> float:
    """The width in cm at which a figure is shown: that of an SVG as its first tag says; a PNG is made to fit."""
    from common.report import first_page

    if size := re.search(rb'<svg\b[^>]* width="([0-9.]+)pt"', image):
        return min(float(size[1]) / 72 * 2.54, _FIGURE_WIDTH)
    wide, high = first_page.size(image)
    room = _HALF_WIDTH if wide <= _SMALL else _FIGURE_WIDTH
    return min(room, _FIGURE_HEIGHT * wide / high, wide / _PIXELS_PER_CM)


def _view(report: Report) -> dict[str, Any]:
    """Everything that the template shows, all strings."""
    paper = report.paper
    corpora = {c.name: c for c in report.corpora}.values()
    counted = [
        f"{c.title}: {formatting.many(c.clips, 'clip')}, {formatting.many(c.subjects, 'subject')}" for c in corpora
    ]
    return {
        "banner": formatting.banner(report.data, report.motion),
        "dash": formatting.DASH,
        "program": " ".join(program()),
        "key": paper.key,
        "title": paper.title,
        "authors": paper.authors,
        "venue": f"{paper.venue}, {paper.year}" if paper.year else paper.venue,
        "url": paper.url,
        "about": paper.summary,
        "data": formatting.data_name(report.data).capitalize(),
        "profile": report.profile,
        "clips": "; ".join(counted) or "no corpus was read",
        "citations": [[c.title, c.citation] for c in corpora if c.citation],
        "numbers": numbers.view(report),
        "missing": numbers.command_for_missing(report),
        "titles": [[e.id, e.title] for e in paper.experiments if any(row.name == e.id for row in report.learning)],
        "prepared": [named(note) for note in report.notes],
        "tables": [
            *numbers.missing(report),
            *reliability_tables.more_tables(report),
            *corpus_tables.corpora(report.corpora),
        ],
        "seeds": [str(seed) for seed in report.seeds],
        "departures": plain(paper.departures),
        "audit": sections((paper.key, finding) for finding in report.audit),
        "exclusions": corpus_tables.exclusion_rows(report.exclusions),
        "excluded": formatting.count(len(report.exclusions)),
        "corrections": corpus_tables.correction_rows(report.corrections),
        "environment": [[key, str(value)] for key, value in report.environment.items()],
        "cost": tables.costs(report),
        "command": report.command,
    }
