"""What takes the place of marks in the pages: files, facts about a corpus, and the command line's help."""

from __future__ import annotations

import contextlib
import io
import os
import re
from collections.abc import Callable
from pathlib import Path

import papers
import run_all
from benchmarks.full_study import results as full_study
from benchmarks.learning import drawing, results
from benchmarks.learning.systems import SYSTEMS, Size
from common import corpora
from common.corpora.tables import Documented
from docs.generate import code, plain, table

ROOT = Path(__file__).resolve().parents[1]
MARK = re.compile(r"<!-- generated: (\w+) ?([\w./]*) -->")
LANGUAGES = {".py": "python", ".toml": "toml", ".diff": "diff"}


def filled(markdown: str) -> str:
    """A page with `<!-- generated: corpus smic -->` and the like replaced by what the function of that name returns.

    Raises KeyError for a mark that names none.
    """
    made: dict[str, Callable[..., str]] = {
        "corpus": corpus,
        "costs": costs,
        "file": file,
        "hours": hours,
        "learning": learning,
        "learning_settings": learning_settings,
        "usage": usage,
    }
    return MARK.sub(lambda mark: made[mark[1]](*filter(None, [mark[2]])), markdown)


def file(name: str) -> str:
    """A file of the project, by its path from the root, as it stands."""
    text = (ROOT / name).read_text(encoding="utf-8").rstrip()
    return f"```{LANGUAGES[Path(name).suffix]}\n{text}\n```"


def corpus(name: str) -> str:
    """What is known of a corpus: where images and table are looked for, and the published counts."""
    source = corpora.source(name)
    first = source.layouts[0]
    headings = ", ".join(code(heading) for layout in source.layouts for heading in layout.headings.values())
    rows = [
        ("Name here", code(name)),
        ("Frames a second", f"{first.fps:g}"),
        (
            "Folders of subjects",
            ", ".join(f"{code(f)} ({kind})" for layout in source.layouts for kind, f in layout.folders),
        ),
        (
            "Annotation table",
            ", ".join(code(pattern) for layout in source.layouts for pattern in layout.tables) or "none",
        ),
        ("Columns that are read", headings or "none"),
        *(("Published counts", _counts(documented)) for documented in source.documented),
        *(("Cite", plain(layout.citation)) for layout in source.layouts),
    ]
    return table(("", ""), rows)


def _counts(known: Documented) -> str:
    groups = (known.by_emotion, known.by_expression, known.by_valence)
    counts = "; ".join(", ".join(f"{plain(name)} {n}" for name, n in group.items()) for group in groups if group)
    where = ", ".join(filter(None, [known.title, known.source]))
    return f"{plain(where)}: {known.clips} clips of {known.subjects} subjects" + (f"; {counts}" if counts else "")


def learning() -> str:
    """The table of the learning benchmark, and the processors that it was measured on."""
    rows = results.rows(results.read(results.FILE, Size()))
    hours, processors = sum(row.seconds for row in rows) / 3600, sorted({row.processor for row in rows})
    told = (
        f"Trained and tested in {hours:.1f} hours in all, preparing clips apart, two networks at a time and some with "
        f"other work beside, on {', '.join(processors)}."
    )
    return f"{drawing.table(rows)}\n{told if rows else ''}"


def learning_settings() -> str:
    """The settings of the learning benchmark's networks that are not their paper's."""
    rows = []
    for system in SYSTEMS:
        own = papers.load(system.paper).profiles["paper"].settings.values()
        changed = (f"{name} {value} ({own[name]})" for name, value in system.changed.items())
        rows.append((plain(system.label), plain(", ".join(changed).replace("_", " "))))
    return table(("Network", "Settings here (the paper's)"), [row for row in rows if row[1]])


def costs() -> str:
    """The table of what each network took at its paper's settings, and the processors that it was measured on."""
    networks = full_study.read(full_study.FILE)["networks"]
    processors = sorted({record["processor"] for record in networks.values()})
    return full_study.table(networks) + (f"\nMeasured on {', '.join(processors)}." if processors else "")


def hours() -> str:
    """The hours of every experiment of every paper."""
    return full_study.hours(full_study.read(full_study.FILE))


def usage() -> str:
    """What `python run_all.py --help` prints."""
    printed, columns = io.StringIO(), os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = "110"
    try:
        with contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
            run_all.parse(["--help"])
    finally:
        if columns is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = columns
    return f"```text\n{printed.getvalue().strip()}\n```"
