"""The pages of the papers, generated from their folders so that they cannot contradict the code."""

from __future__ import annotations

import html
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import matplotlib

import papers
from common.audit import audit
from common.audit.documented import documented
from common.audit.finding import causes, checks
from common.audit.sections import sections
from common.cli import listing
from common.contract import Paper
from common.environment import code_digest
from common.errors import listed
from common.files import write_json
from common.profiles import shortened
from common.report import charts, network_chart
from common.report.formatting import DASH, metric_name
from common.training.blocks import Block
from common.types import Experiment, LabelMap

ROOT = Path(__file__).resolve().parents[1]
BUILT = ROOT / "build" / "networks"
"""Facts by paper and source code: building all networks takes a minute or two and is repeated only if they change."""
FOLDER, INPUTS = ROOT / "docs" / "pages" / "inputs", ROOT / "docs" / "inputs.json"
"""Pictures of the networks' inputs and their captions, which `docs/inputs.py` writes."""
WIDTH, ROW = 6.0, 1.0
"""Inches: the width of the drawing of a network, and the height of each of its rows."""
Counts = Mapping[str, Mapping[str, int]]
"""Parameter counts by experiment id and name."""


# ---------------------------------------------------------------- Markdown


def plain(text: object) -> str:
    """Escape text so that Markdown shows it unchanged, also in a table cell."""
    return re.sub(r"([\\`*_{}\[\]|~])", r"\\\1", html.escape(" ".join(str(text).split()), quote=False))


def setting(value: object) -> str:
    """Return the value of a setting as Markdown, not as Python writes it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (tuple, list)):
        return ", ".join(map(setting, value))
    if is_dataclass(value):
        return ", ".join(filter(None, (setting(getattr(value, field.name)) for field in fields(value))))
    return "" if value is None else plain(value)


def code(text: object) -> str:
    """Format text as code, also in a table cell."""
    return f"`{text}`"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table whose cells are Markdown; an empty cell becomes a dash."""
    lines = [head, ["---"] * len(head), *([cell or DASH for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


# ---------------------------------------------------------------- papers


def index() -> str:
    """Return the page that lists all papers."""
    loaded = [papers.load(key) for key in papers.available()]
    rows = [
        (
            f"[{code(paper.key)}]({paper.key}.md)",
            f"{plain(paper.authors)}, *{plain(paper.title)}*, {plain(paper.venue)}, {paper.year}",
            plain(paper.summary),
            f"{listing.experiment_counts(paper)}; {sum(e.leak_free for e in paper.experiments)} leak-free",
            str(len(paper.claims)),
            str(len(paper.departures)),
        )
        for paper in loaded
    ]
    head = ("Key", "Paper", "What it does", "Experiments", "Printed numbers", "Departures")
    return (
        "# Papers\n\nEach page is generated from the files in the paper's folder. A departure is a place where the "
        "paper's text is silent, contradicts itself or is not followed.\n\n" + table(head, rows)
    )


def page(key: str) -> str:
    """Return the page of a paper, with the notes from its folder if there are any."""
    paper = papers.load(key)
    notes = ROOT / "papers" / key / "notes.md"
    counts = parameters(key)
    parts = [
        f"# {key}\n\n{plain(paper.authors)}. **{plain(paper.title)}.** {plain(paper.venue)}, {paper.year}."
        + (f" <{paper.url}>" if paper.url else ""),
        plain(paper.summary),
        notes.read_text(encoding="utf-8").strip() if notes.is_file() else "",
        f"```\npython run_all.py --paper {key} --profile smoke\n```",
        _networks(paper, counts),
        _experiments(paper),
        _searches(paper),
        _classes(paper),
        _printed(paper),
        _departures(paper),
        _profiles(paper),
        _audit(paper, counts),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def parameters(key: str) -> Counts:
    """Return the parameter counts of a paper's networks as `_built` does."""
    counts: Counts = _built(key)["counts"]
    return counts


def _built(key: str) -> Mapping[str, Any]:
    """Run `docs/parameters.py` in a separate process and return what it prints; nothing if MER_DOCS_COUNT is 0.

    Raises RuntimeError if that process fails.
    """
    if os.environ.get("MER_DOCS_COUNT") == "0":
        return {"counts": {}, "blocks": {}}
    digest = code_digest(papers.code(key))[:16]
    file = BUILT / f"{key}-{digest}.json"
    if not file.is_file():
        command = [sys.executable, str(ROOT / "docs" / "parameters.py"), key]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()[-2000:]}")
        write_json(file, json.loads(done.stdout.splitlines()[-1]))
    made: Mapping[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return made


# ---------------------------------------------------------------- networks


def by_network(paper: Paper) -> dict[str, Experiment]:
    """Return the first experiment of each network, which the drawings show."""
    return {experiment.network: experiment for experiment in reversed(paper.experiments)}


def file_of(key: str, network: str) -> str:
    """Return the name of the files about a network, without an ending."""
    return re.sub(r"[^a-z0-9]+", "-", f"{key}-{network}".lower())


def drawings(key: str) -> dict[str, bytes]:
    """Return the drawings of a paper's networks, SVG by file name."""
    paper, drawn = papers.load(key), {}
    with matplotlib.rc_context({**charts.STYLE, "svg.fonttype": "path"}):  # a browser may lack the font
        for network, blocks in _blocks(key).items():
            classes = by_network(paper)[network].labels.classes
            figure = network_chart.figure(blocks, classes, WIDTH, ROW * network_chart.rows(blocks))
            drawn[f"{file_of(key, network)}.svg"] = charts.svg(figure)
    return drawn


def _blocks(key: str) -> dict[str, list[Block]]:
    stored = _built(key)["blocks"]
    return {name: [Block(**entry | {"shape": tuple(entry["shape"])}) for entry in own] for name, own in stored.items()}


def gallery() -> str:
    """Return the page with the drawings of all networks and their inputs."""
    parts = [
        f"## {key}\n\n{plain(papers.load(key).title)}: [its page](papers/{key}.md)\n\n{shown}"
        for key in papers.available()
        if (shown := _drawn(key, ""))
    ]
    return f"# The networks\n\n{ABOUT}\n\n" + "\n\n".join(parts) + "\n"


ABOUT = (
    "Each drawing is made from the Keras model at the paper's own sizes. Boxes of one colour are layers of one kind: "
    "convolution blue, pooling yellow, recurrent pink, dense orange. Heights follow the logarithm of the number of "
    "places in a map; below each box stand its layers and the shape of its output, channels last. Activations, "
    "normalisation, dropout and padding belong to the box before them."
)


def _drawn(key: str, up: str) -> str:
    """Return the drawing and the input of each network of a paper; `up` leads from the page to the root of the site."""
    captions = json.loads(INPUTS.read_text(encoding="utf-8"))
    seen: dict[bytes, str] = {}
    parts = []
    for network, blocks in _blocks(key).items():
        name = file_of(key, network)
        steps = ", ".join(f"{block.label} {'x'.join(map(str, block.shape))}" for block in blocks)
        parts.append(f"### {plain(network)}\n\n![{html.escape(f'{network}: {steps}')}]({up}networks/{name}.svg)")
        if name not in captions:  # it reads maps of real clips
            continue
        picture = (FOLDER / f"{name}.png").read_bytes()
        if picture in seen:
            parts.append(f"It reads the same as {plain(seen[picture])}.")
        else:
            seen[picture] = network
            below = "; ".join(map(plain, captions[name]["captions"]))
            parts.append(f"![The input of {html.escape(network)}]({up}inputs/{name}.png){{ .input }}")
            parts.append(f"What it reads of a synthetic face: {below}.")
    return "\n\n".join(parts)


def _networks(paper: Paper, counts: Counts) -> str:
    users: dict[tuple[str, int], list[str]] = {}
    for experiment, named in counts.items():
        for name, value in named.items():
            users.setdefault((name, value), []).append(experiment)
    rows = [
        (plain(name.removeprefix("parameters").replace("_", " ").strip() or "all"), f"{value:,}", _some(ids))
        for (name, value), ids in users.items()
    ]
    printed = paper.facts.get("parameters")
    paper_count = f"The paper prints {printed:,} parameters.\n\n" if isinstance(printed, int) else ""
    counted = table(("Network", "Parameters", "Experiments"), rows) if rows else f"Parameters as built: {DASH}\n"
    intro = "Parameters are counted on the networks built at the paper's own sizes."
    drawn = _drawn(paper.key, "../")
    return f"## Networks\n\n{drawn and ABOUT}\n\n{drawn}\n\n### Parameters\n\n{intro} {paper_count}\n\n{counted}"


def _some(names: Sequence[str], most: int = 4) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(code, names[:most])) + more


def _experiments(paper: Paper) -> str:
    twins = {(e.name, e.twin_of): e for e in paper.experiments if e.twin_of}
    shown = [e for e in paper.experiments if not e.tuned_of]
    notes = list(dict.fromkeys(e.note for e in shown if e.note))

    def row(e: Experiment) -> tuple[str, ...]:
        twin = twins.get((e.name, e.variant))
        related = f"its twin: {code(twin.variant)}" if twin else f"twin of {code(e.twin_of)}" if e.twin_of else ""
        when = "on request" if e.on_request else "by default"
        ground = f"; also when several papers run, as {plain(e.network)}" if e.common_ground else ""
        note = str(notes.index(e.note) + 1) if e.note else ""
        free = "yes" if e.leak_free else "**no**"
        own = "<br>".join(f"{code(name)} {setting(value)}" for name, value in e.settings.items())
        cells = (code(e.id), plain(e.title), own, plain(e.protocol), plain(e.selection), free, related)
        return *cells, when + ground, note

    head = ("Experiment", "Description", "Own settings", "Protocol", "Selection", "Leak-free", "Twin", "Runs", "Note")
    listed = "\n".join(f"{number}. {plain(note)}" for number, note in enumerate(notes, start=1))
    count = (
        f"{listing.experiment_counts(paper)}. Tuned copies are under [Searches](#searches)."
        if len(shown) < len(paper.experiments)
        else f"{listing.experiment_counts(paper)}."
    )
    return f"## Experiments\n\n{count}\n\n{table(head, map(row, shown))}\n{listed and 'Notes:'}\n\n{listed}"


def _searches(paper: Paper) -> str:
    users: dict[str, list[str]] = {}
    for e in paper.experiments:
        if e.space:
            values = (f"{name.replace('_', ' ')}: {', '.join(map(str, choices))}" for name, choices in e.space.items())
            users.setdefault("; ".join(values), []).append(e.id)
    if not users:
        return ""
    rows = [(plain(space), _some(ids)) for space, ids in users.items()]
    intro = "The settings that [--tune](../tune.md) chooses using only the training subjects of each fold."
    return f"## Searches\n\n{intro}\n\n{table(('Settings and their values', 'Experiments'), rows)}"


def _classes(paper: Paper) -> str:
    maps: dict[str, LabelMap] = {e.labels.name: e.labels for e in paper.experiments}
    parts = []
    for labels in maps.values():
        rows = [
            (code(corpus), plain(emotion), plain(name) if name else "*dropped*", "")
            for corpus, emotions in labels.mapping.items()
            for emotion, name in emotions.items()
        ]
        rows += [(code(clip), "", plain(name or "dropped"), plain(why)) for clip, (name, why) in labels.by_clip.items()]
        head = ("Corpus or clip", "Emotion", "Class", "Why")
        parts.append(f"### {plain(labels.name)}\n\nClasses: {plain(', '.join(labels.classes))}.\n\n{table(head, rows)}")
    intro = "How emotions are mapped to classes. The report counts the clips that are dropped."
    return f"## Classes\n\n{intro}\n\n" + "\n".join(parts)


def _printed(paper: Paper) -> str:
    if not paper.claims:
        return "## Printed numbers\n\nNone."
    rows = [
        (
            plain(c.source),
            code(f"{c.experiment}/{c.variant}"),
            code(c.corpus),
            plain(metric_name(c.metric)),
            plain(c.printed + c.unit),
            str(c.n_clips or ""),
            plain("; ".join(filter(None, (c.note, c.not_comparable)))),
        )
        for c in paper.claims
    ]
    head = ("Printed in", "Assigned to", "Corpus", "Metric", "Printed", "Clips", "Interpretation")
    whose = "Every number that the paper prints about its own systems."
    if quoting := paper.facts.get("quoted_by"):
        whose = f"The paper's numbers about its own systems, as quoted by {listed(quoting)}. Its text was not read."
    return f"## Printed numbers\n\n{whose}\n\n" + table(head, rows)


def _departures(paper: Paper) -> str:
    parts = [
        f"### {d.number}. {plain(d.topic)}\n\n**The paper says:** {plain(d.paper_says)}\n\n"
        f"**Done here:** {plain(d.we_do)}\n\n**Why:** {plain(d.why)}"
        for d in paper.departures
    ]
    intro = "Places where the paper's text is silent, contradicts itself or is not followed."
    return f"## Departures\n\n{intro}\n\n" + "\n\n".join(parts)


def _profiles(paper: Paper) -> str:
    full = paper.profiles["paper"]
    rows = [
        (code(name), "<br>".join(map(plain, shortened(paper, profile))) or "nothing: the paper's own epochs and sizes")
        for name, profile in paper.profiles.items()
    ]
    settings = [
        (code(one.name), record.name, setting(getattr(getattr(full.settings, record.name), one.name)))
        for record in fields(full.settings)
        for one in fields(getattr(full.settings, record.name))
    ]
    return (
        f"## Profiles\n\n{table(('Profile', 'What it shortens'), rows)}\n\n### All settings\n\n"
        "The settings of the profile `paper`; an experiment's own settings replace them. Settings in the group inputs "
        "determine how clips are prepared, those in network what is built, and those in training everything else."
        f"\n\n{table(('Setting', 'Group', 'Value'), settings)}"
    )


def _audit(paper: Paper, counts: Counts) -> str:
    built = {name: value for named in counts.values() for name, value in named.items()}
    findings = audit(paper.facts, paper.claims, documented(), built, paper.checks)
    if not findings:
        return "## Printed numbers checked\n\nThere is no number that can be checked."
    about = f"{len(checks(findings))} checks. Each is arithmetic or a look-up, not a judgement."
    if numbers := sum(finding.kind == "contradicted" for finding in findings):
        about += f" Contradicted numbers: {numbers}; causes: {causes(findings)}."
    parts = [f"## Printed numbers checked\n\n{about}"]
    for section in sections((paper.key, finding) for finding in findings):
        rows = [
            (
                row["mark"] if row["holds"] else f"**{row['mark']}**",
                plain(row["topic"]),
                plain(row["statement"]),
                plain(row["source"]),
            )
            for row in section["rows"]
        ]
        shown = table(("Finding", "Topic", "Statement", "Source"), rows) if rows else section["empty"]
        parts.append(f"### {section['title']}\n\n{section['text'] if rows else ''}\n\n{shown}")
    return "\n\n".join(parts)
