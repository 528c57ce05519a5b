"""The content that replaces the marks in the pages: files, facts about corpora, benchmark results and usage."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import papers
from benchmarks import flow_recipes as recipes_benchmark
from benchmarks.coverage import results as simulated
from benchmarks.forgery.table import DRILLS, needs
from benchmarks.full_study import results as full_study
from benchmarks.leak_price import results as leaks
from benchmarks.learning import drawing, results
from benchmarks.learning.systems import SYSTEMS, Size
from benchmarks.real_motion import drawing as real_motion_drawing
from benchmarks.real_motion import results as real_motion_results
from common import corpora
from common.cli import arguments
from common.corpora.composite import DOCUMENTED, MEGC2019
from common.corpora.grounds import GROUNDS
from common.corpora.tables import Documented
from common.scoring import picks, public
from common.scoring.metrics import uf1
from common.scoring.records import Score
from common.vision.flow_recipes import RECIPES
from docs import contributed
from docs.generate import code, plain, table
from fidelity import results as compared

ROOT = Path(__file__).resolve().parents[1]
MARK = re.compile(r"<!-- generated: (\w+) ?([\w./]*) -->")
LANGUAGES = {".py": "python", ".toml": "toml", ".diff": "diff"}


def filled(markdown: str) -> str:
    """Replace marks such as `<!-- generated: corpus smic -->` with what the function of that name returns.

    Raises KeyError for a mark that names no function.
    """
    made: dict[str, Callable[..., str]] = {
        "corpus": corpus,
        "costs": costs,
        "coverage": coverage,
        "drills": drills,
        "fidelity": fidelity,
        "file": file,
        "grounds": ground_table,
        "flow_recipes": flow_recipe_scores,
        "hours": hours,
        "leaderboard": leaderboard,
        "leak_price": leak_price,
        "learning": learning,
        "learning_settings": learning_settings,
        "picks": picked_guesses,
        "real_motion": real_motion,
        "real_motion_settings": real_motion_drawing.settings,
        "recipes": recipes,
        "usage": usage,
    }
    return MARK.sub(lambda mark: made[mark[1]](*filter(None, [mark[2]])), markdown)


def file(name: str) -> str:
    """Return a file of the project unchanged, by its path from the root, as a code block."""
    text = (ROOT / name).read_text(encoding="utf-8").rstrip()
    return f"```{LANGUAGES[Path(name).suffix]}\n{text}\n```"


def corpus(name: str) -> str:
    """Return a table about a corpus: where its images and annotation table are searched for, and published counts."""
    source = corpora.source(name)
    first = source.layouts[0]
    headings = ", ".join(code(heading) for layout in source.layouts for heading in layout.headings.values())
    rows = [
        ("Name in this project", code(name)),
        ("Frames per second", f"{first.fps:g}"),
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


def ground_table() -> str:
    """Return a table of the common grounds: classes with the documented clips of all corpora, choice and citation."""
    rows = []
    for ground in GROUNDS.values():
        by_class = {name: [c[name] for c in (ground.counts or {}).values()] for name in ground.labels.classes}
        classes = ", ".join(f"{plain(name)} {sum(clips)}" if clips else plain(name) for name, clips in by_class.items())
        whole = sum(map(sum, by_class.values()))
        known = (code(ground.name), plain(ground.title), classes, str(whole or ""), ground.protocol)
        rows.append((*known, plain(ground.choice), plain(ground.source)))
    return table(("Name", "Ground", "Classes", "Clips", "Protocol", "What was chosen", "Source"), rows)


def leak_price() -> str:
    """Return what the published protocols add on stand-ins, and how it was measured."""
    stored = leaks.read(leaks.FILE)
    count, away = leaks.apart(stored["prices"])
    conditions = (
        f"Measured on {stored['date']} on {stored['processor']} with `python -m benchmarks.leak_price` "
        f"(`{stored['limits']}`). {away} of {count} intervals do not contain 0. If no leak added anything, this would "
        "be expected of one in twenty."
    )
    return f"{leaks.table(stored['prices'])}\n{conditions}"


def learning() -> str:
    """Return the table of the learning benchmark, and the processors on which it was measured."""
    stored = results.read(results.FILE, Size())
    rows, runs = results.rows(stored), stored["runs"]
    hours, processors = sum(run["seconds"] for run in runs) / 3600, sorted({run["processor"] for run in runs})
    conditions = (
        f"Holm's correction counts the {len(rows)} scores of this table. "
        f"Training and testing took {hours:.1f} hours in total, not counting the preparation of clips, on "
        f"{', '.join(processors)}, often while the machine did other work."
    )
    return f"{drawing.table(rows)}\n{conditions if rows else ''}"


def learning_settings() -> str:
    """Return a table of the settings in which the learning benchmark's networks differ from their papers."""
    rows = []
    for system in SYSTEMS:
        own = papers.load(system.paper).profiles["paper"].settings.values()
        changed = (f"{name} {value} ({own[name]})" for name, value in system.changed.items())
        rows.append((plain(system.label), plain(", ".join(changed).replace("_", " "))))
    return table(("Network", "Settings here (the paper's)"), [row for row in rows if row[1]])


def real_motion() -> str:
    """Return the table of the benchmark on real motion, and the processors on which it was measured."""
    stored = real_motion_results.read(real_motion_results.FILE)
    runs, text = stored["runs"], real_motion_drawing.table(stored)
    if not runs:
        return text
    hours, processors = sum(run["seconds"] for run in runs) / 3600, sorted({run["processor"] for run in runs})
    return (
        f"{text}\nAlways predicting the largest class scores {real_motion_results.guessing(stored['clips']):.2f}. "
        f"Training and testing took {hours:.1f} hours in total, not counting the preparation of clips, on two cores "
        f"({', '.join(processors)}), while the machine did other work."
    )


def recipes() -> str:
    """Return the table of the recipes for flow maps, from their records."""
    rows = [
        (
            code(recipe.name),
            plain(recipe.method),
            plain(", ".join(recipe.channels) or "the direction as hue, the length as value"),
            plain(f"{recipe.strain} differences" if "strain" in recipe.channels else "none"),
            plain(f"{' x '.join(map(str, recipe.pixels))}, {recipe.stretched}, {recipe.shrunk}"),
            plain(recipe.source),
            plain(recipe.differs),
        )
        for recipe in RECIPES.values()
    ]
    how = "Computed at; stretched while; shrunk by"
    return table(("Recipe", "Flow", "Blue, green, red", "Strain", how, "From", "Otherwise here"), rows)


def flow_recipe_scores() -> str:
    """Return the table of the benchmark on recipes for flow maps."""
    return recipes_benchmark.table(json.loads(recipes_benchmark.FILE.read_text(encoding="utf-8")))


def costs() -> str:
    """Return the table of each network's cost with its paper's settings, and the processors used."""
    networks = full_study.read(full_study.FILE)["networks"]
    processors = sorted({record["processor"] for record in networks.values()})
    return full_study.table(networks) + (f"\nMeasured on {', '.join(processors)}." if processors else "")


def fidelity(part: str) -> str:
    """Return a part of the stored comparison with second definitions: networks, steps, choices and so on."""
    record = compared.read()
    found = compared.stored(record)
    parts: dict[str, Callable[[], str]] = {
        "networks": lambda: table(compared.HEAD, [list(map(plain, compared.cells(row))) for row in found.networks]),
        "steps": lambda: table(
            ("Step", "Papers", "Deviation", "Tolerance", "Unit", ""),
            [list(map(plain, compared.step_cells(row))) for row in found.steps],
        ),
        "choices": lambda: table(
            ("Network or step", "Set by hand"),
            [
                *((plain(row.name), plain("; ".join(row.by_hand))) for row in found.networks if row.by_hand),
                *((plain(row.name), plain(row.by_hand)) for row in found.steps if row.by_hand),
            ],
        ),
        "generations": lambda: table(
            ("What", "Generations", "Touches", "This suite", "Measured effect"),
            [
                [*map(plain, (row.what, row.generations, row.touches, row.suite)), plain(compared.effect(row))]
                for row in found.differences
            ],
        ),
        "mutations": lambda: table(
            ("Network or step", "Fault", "Noticed by"),
            [(plain(row.where), plain(row.what), _noticed(row.noticed)) for row in found.mutations],
        ),
        "summary": lambda: (
            f"{compared.caught(found)}. Everything took {record['seconds'] / 60:.0f} minutes on {record['processor']}."
        ),
    }
    return parts[part]()


def _noticed(check: str | None) -> str:
    """The check that noticed a planted fault; a dash if it was not planted, for lack of PyTorch."""
    return compared.DASH if check is None else code(check or "none")


def drills() -> str:
    """Return the table of forged bundles, and their number; tests/test_bundles.py runs every one of them."""
    rows = [
        (plain(drill.name), code(drill.check) if drill.check else "**none**", plain(needs(drill))) for drill in DRILLS
    ]
    caught = sum(bool(drill.check) for drill in DRILLS)
    summary = f"{caught} of {len(DRILLS)} forgeries are noticed; {len(DRILLS) - caught} need a second run."
    return f"{summary}\n\n{table(('Forgery', 'Noticed by', 'Needs, or why not'), rows)}"


def hours() -> str:
    """Return the hours that every experiment of every paper takes."""
    return full_study.hours(full_study.read(full_study.FILE))


def leaderboard() -> str:
    """Return the scores of public predictions and of contributed bundles on the MEGC 2019 composite."""
    rows = []
    for method in public.methods():
        scores = public.scores(method)
        whole = scores[MEGC2019.name]
        parts = (f"{scores[corpus]['uf1'].value:.4f}" for corpus in DOCUMENTED)
        rules = f"leave one subject out, {public.rule(method.selection, method.leak_free, whole['uf1'])}"
        cells = (_with_interval(whole[metric]) for metric in ("uf1", "uar"))
        clips = str(whole["uf1"].n_clips)
        rows.append((plain(method.title), "public predictions", plain(rules), clips, *cells, *parts))
    bundles = contributed.counted()
    rows += contributed.rows(bundles)
    titles = (f"UF1, {corpora.source(corpus).layouts[0].title}" for corpus in DOCUMENTED)
    head = ("Method", "Tier", "Protocol, selection", "Clips", "UF1", "UAR", *titles)
    return f"{table(head, rows)}\n{contributed.sentence(bundles)}"


def picked_guesses() -> str:
    """Return UF1 of picked guesses with the subjects and classes of the MEGC 2019 composite, by number of picks."""
    subjects = public.by_subject(public.methods()[0].result)
    numbers = (1, 10, 30, 50, 100, 200, 800)
    levels = (picks.of_folds(subjects, [number] * len(subjects), uf1) for number in numbers)
    return table(("Picks", *map(str, numbers)), [("UF1", *(f"{level:.3f}" for level in levels))])


def _with_interval(score: Score) -> str:
    return f"{score.value:.4f} ({score.low:.4f} to {score.high:.4f})"


def coverage(part: str) -> str:
    """Return a table of the coverage benchmark, or the conditions under which it was measured."""
    stored = simulated.read_all(simulated.FILE)
    made: dict[str, Callable[[], str]] = {
        "methods": lambda: simulated.methods(stored),
        "cells": lambda: simulated.cells(stored),
        "widths": lambda: simulated.cells(stored, "width"),
        "limits": lambda: simulated.limits(stored),
        "seeds": lambda: simulated.seeds(stored),
        "differences": lambda: simulated.differences(stored),
        "conditions": lambda: simulated.conditions(stored),
        "folds": lambda: simulated.folds(stored),
        "alarms": lambda: simulated.alarms(stored),
        "errors": lambda: simulated.errors(stored),
        "retraining": lambda: simulated.retraining(stored),
    }
    return made[part]()


def usage() -> str:
    """Return what `python run_all.py --help` prints, as a code block."""
    printed, columns = io.StringIO(), os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = "110"
    try:
        with contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
            arguments.parse(["--help"])
    finally:
        if columns is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = columns
    return f"```text\n{printed.getvalue().strip()}\n```"
