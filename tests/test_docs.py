"""README and pages against the code: commands, options, links, quoted messages, fields, and what is generated."""

from __future__ import annotations

import ast
import json
import re
import shlex
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import comparison_example
import pytest
import report_example

import papers
from common.audit import audit
from common.audit.documented import documented
from common.cli import arguments, listing
from common.protocols.splits import KNOWN
from common.report.comparison import record as side_record
from common.report.formatting import metric_name
from common.report.write import comparison_record, record
from common.runs import selection
from common.scoring.verdicts import METRICS
from docs import contributed, generate, marks, notebook

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs" / "pages").rglob("*.md"))
TEXTS = [ROOT / "README.md", *PAGES, *sorted(ROOT.glob("papers/*/notes.md"))]
README = ROOT / "README.md"
SYSTEM = ("source", "cp", "rm", "dask", "git")
NOT_RUN = {
    "/path/to/": "needs the licensed corpora, or a model that somebody saved",
    "/shared/": "needs the licensed corpora on a file system that several machines share",
    "DIR": "stands for a folder",
    "KEY": "stands for a paper",
    "OUT.zip": "stands for a file; .ci/run bundles and verifies a smoke run",
    "--json": "prints the same as data; tests/test_command_line.py runs it",
    "--report-only": "tests/test_command_line.py runs it",
    "--subjects": "trains for minutes; tests/test_options.py runs these options in the profile smoke",
    "quick": "trains for minutes; .ci/run runs the profile smoke",
    "smic-loso/tuned": "trains for a minute; .ci/run searches the settings of another paper",
    "python run_all.py --paper aouayeb2019": "trains for five minutes; .ci/run runs the profile smoke",
    "python run_all.py --paper aouayeb2019 kumar2019": "trains for minutes; .ci/run runs the profile smoke",
    "python run_all.py --paper liong2019 --data data": "takes hours; tests/test_public_networks.py uses a few maps",
    "https://github.com/": "needs the internet",
    "apexdiff": "tests/test_docs_example.py runs it in a copy of the project",
    "papers/apexdiff": "tests/test_docs_example.py does this in a copy of the project",
    "KERAS_BACKEND=": "needs another backend, which is not pinned",
    "benchmarks.": "takes up to hours; .ci/run runs all benchmarks with --short",
    "slow or not slow": "takes minutes; .ci/run runs those of these tests that are not slow",
    "dask": "needs a cluster; tests/test_cluster.py starts a small one",
    ".venv": ".ci/run makes its environment in a temporary folder",
    ".[gpu]": "downloads gigabytes, for a GPU",
    ".[fidelity]": "downloads gigabytes; .ci/run compares the networks that do not need PyTorch",
    "papers.reddy2019.published_weights": "needs the authors' file; tests/test_fidelity.py reads files of this layout",
    "mer-suite[cluster]": "its packages are in the extra test, too",
    ".[cluster]": "its packages are in the extra test, too",
    ".[tensorboard]": "its package is in the extra test, too",
    "--require-hashes": "downloads all packages again; tests/test_supply.py compares the lists",
    "--no-build-isolation": "follows the command with --require-hashes",
    "opencv-python": "replaces a package of the environment",
    "pip check": "reports the package that was replaced",
}
"""Why .ci/run does not run a printed command: by the command, or by the beginning of one of its words."""
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture(autouse=True)
def _nothing_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MER_DOCS_COUNT", "0")


# ---------------------------------------------------------------- commands


def commands() -> Iterator[tuple[str, str]]:
    """(file, command) of all that a reader may type: lines of fences without a language, and commands in the text."""
    for path in TEXTS:
        text, name = path.read_text(encoding="utf-8"), str(path.relative_to(ROOT))
        lines = [line for language, body in FENCE.findall(text) if not language for line in body.splitlines()]
        typed = [re.split(r"\s{2,}", line)[0] for line in lines if line and not line.startswith(" ")]
        inline = re.findall(r"`((?:python3?|pip|mkdocs|dask) [^`]+)`", FENCE.sub("", text))
        for line in [*typed, *inline]:
            for part in line.split("&&"):
                yield name, " ".join(part.split())


def words_of(command: str) -> list[str]:
    """The words, without what a synopsis adds and without variables that are set before."""
    words = shlex.split(re.sub(r"[\[\]…]", "", command))
    return [word for number, word in enumerate(words) if number or not re.fullmatch(r"[A-Z_]+=\w+", word)] or words


@pytest.mark.parametrize(("file", "command"), sorted(set(commands())))
def test_a_printed_command_can_be_typed(file: str, command: str) -> None:
    words = words_of(command)
    if words[:2] == ["python", "run_all.py"]:
        _run_all(words[2:])
    elif words[0] == "mer-suite":
        _run_all(words[1:])
    elif words[:3] == ["python", "-m", "pytest"]:
        assert all((ROOT / word).is_file() for word in words if word.startswith("tests/"))
    elif words[:2] == ["python", "-m"]:
        module = ROOT / words[2].replace(".", "/")
        source = (module / "__main__.py" if module.is_dir() else module.with_suffix(".py")).read_text(encoding="utf-8")
        assert "__main__" in source or module.is_dir()
        assert all(f'"{word}"' in source for word in words if word.startswith("--"))
    elif words[0] == "pip":
        _pip(words[2:])
    elif words[0] == "mkdocs":
        assert words[1:3] == ["build", "--strict"]
        assert (ROOT / words[words.index("-f") + 1]).is_file()
    elif words[:2] == ["python3", "-m"]:
        assert words[2] == "venv"
    else:
        assert words[0] in SYSTEM, f"nothing here checks {command!r}"
        assert all((ROOT / word).exists() for word in words if word.startswith("docs/"))


def _run_all(words: list[str]) -> None:
    options = arguments.parse(words)
    keys = [key for key in options.paper or () if key not in ("KEY", "apexdiff")]
    loaded = [papers.load(key) for key in keys]
    if loaded:
        selection.check_names(loaded, options.experiment or ())


def _pip(words: list[str]) -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    for before, word in zip(["", *words], words, strict=False):
        if before in ("-c", "-r"):
            assert (ROOT / word).is_file()
        if named := re.fullmatch(r"\.\[([\w,]+)\]", word):
            assert set(named[1].split(",")) <= set(extras)


def run_in_ci() -> list[set[str]]:
    """The words of each command in .ci/run, with what its variables, `--all` and a list of extras stand for."""
    text = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    shared = re.search(r"^shared=\((.*)\)$", text, re.MULTILINE)
    assert shared is not None
    lines = []
    for line in text.replace('"${shared[@]}"', shared[1]).splitlines():
        words = set(shlex.split(line, comments=True))
        if "--all" in words:
            words |= {"--paper", *papers.available()}
        lines.append(
            words | {f".[{extra}]" for word in words if word.startswith(".[") for extra in word[2:-1].split(",")}
        )
    extras = [words | {"."} for words in lines if "-e" in words]
    return lines + extras


def excuses(command: str) -> set[str]:
    """The keys of NOT_RUN that fit a command."""
    words = shlex.split(re.sub(r"\[--json\]", "--json", command))
    return {key for key in NOT_RUN if key == command or any(word.startswith(key) for word in words)}


def test_a_printed_command_is_run_or_has_a_reason_why_not() -> None:
    known, used = run_in_ci(), set[str]()
    for file, command in commands():
        words = set(shlex.split(command))
        if not any(words <= ran and ("smoke" in words or "smoke" not in ran) for ran in known):
            assert excuses(command), f"{file}: .ci/run does not run {command!r}; add it there or to NOT_RUN"
            used |= excuses(command)
    assert used == set(NOT_RUN), "these excuse nothing"


def test_the_reference_lists_every_option_and_no_other() -> None:
    reference = (ROOT / "docs" / "pages" / "reference.md").read_text(encoding="utf-8")
    synopsis = next(body for _, body in FENCE.findall(reference) if "--report-only" in body and "KEY" in body)
    told = set(re.findall(r"(?<![\w-])--[a-z-]+", synopsis)) - {"--no-motion"}
    known = set(re.findall(r"(?<![\w-])--[a-z-]+", marks.usage()))
    assert known - {"--help"} <= told
    assert told <= known


def test_examples_in_python_are_python() -> None:
    examples = [
        body for path in TEXTS for language, body in FENCE.findall(path.read_text("utf-8")) if language == "python"
    ]
    for body in examples:
        ast.parse(body)
    assert len(examples) > 3


def test_the_notebook_has_no_outputs_and_its_page_shows_them() -> None:
    cells = json.loads(notebook.NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    coded = [cell for cell in cells if cell["cell_type"] == "code"]
    assert not any(cell["outputs"] or cell["execution_count"] for cell in coded)
    shown = {"image/png": "UE5H", "text/plain": "<Figure>"}, {"text/html": "<table class='a'>", "text/plain": "plain"}
    coded[0]["outputs"] = [{"output_type": "display_data", "data": data} for data in shown]
    coded[1]["outputs"] = [{"output_type": "stream", "name": name, "text": name} for name in ("stdout", "stderr")]
    text, pictures = notebook.page({"cells": cells})
    assert pictures == {"own_network_1.png": b"PNG"}
    assert "](own_network_1.png)" in text
    assert "<table" in text
    assert "```text\nstdout\n```" in text
    assert "stderr" not in text
    assert all("".join(cell["source"]) in text for cell in cells)


# ---------------------------------------------------------------- README


def test_the_readme_is_short_and_has_the_two_commands() -> None:
    text = README.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 120
    lines = [line for _, body in FENCE.findall(text) for line in body.splitlines()]
    assert "pip install -e . -c constraints.txt && python run_all.py --paper aouayeb2019" in lines
    assert 'pip install -e ".[test]" -c constraints.txt && python -m pytest' in lines


def test_the_first_table_of_the_readme_has_the_scores_of_the_bundle() -> None:
    (entry,) = (entry for entry in contributed.counted().bundles if entry.bundle and entry.bundle.paper == "liong2019")
    assert entry.bundle is not None
    rows = [cells(line.replace("*", "")) for line in README.read_text("utf-8").splitlines() if line.startswith("|")]
    shown = {row[0]: row[1:] for row in rows[: next(i for i, row in enumerate(rows) if len(row) == 2)]}
    for name, experiment in {
        "the authors' 68 networks, run by this suite": "public-maps/authors-networks",
        "trained again, as in the paper": "public-maps/published",
        "the same, with the best epoch picked for each tested subject (guesses reach 0.81)": "public-maps/oracle",
        "a linear classifier on the same flow": "linear-public-maps/loso",
    }.items():
        scores = entry.bundle.of(experiment)[0].scores
        both = [scores["megc2019", metric] for metric in ("uf1", "uar")]
        assert shown[name] == [f"{score.value:.4f} ({score.low:.2f} to {score.high:.2f})" for score in both]


def test_the_readme_and_the_page_have_the_same_script() -> None:
    scripts = [
        next(body for language, body in FENCE.findall(path.read_text("utf-8")) if language == "python")
        for path in (README, ROOT / "docs" / "pages" / "python.md")
    ]
    assert scripts[0] == scripts[1]


def test_the_readme_names_every_paper() -> None:
    rows = re.findall(r"^\| \[`(\w+)`\]\((papers/\w+)\).*\|$", README.read_text("utf-8"), re.MULTILINE)
    assert sorted(rows) == sorted((key, f"papers/{key}") for key in papers.available())


def cells(line: str) -> list[str]:
    """The cells of a row of a Markdown table."""
    return [cell.strip() for cell in line.strip("| ").split(" | ")]


def test_the_readme_counts_the_checks_of_printed_numbers() -> None:
    loaded = [papers.load(key) for key in papers.available()]
    findings = [f for paper in loaded for f in audit(paper.facts, paper.claims, documented(), {}, paper.checks)]
    pattern = r"(\d+) checks, and (\d+) of them contradict a printed number, for (\d+) causes"
    told = re.search(pattern, " ".join(README.read_text("utf-8").split()))
    assert told is not None
    contradicted = [finding for finding in findings if finding.kind == "contradicted"]
    assert (int(told[1]), int(told[2])) == (len([f for f in findings if f.kind != "weak"]), len(contradicted))
    assert int(told[3]) == len({finding.cause or finding.statement for finding in contradicted})


# ---------------------------------------------------------------- links, messages, fields


def test_links_lead_somewhere() -> None:
    made = {
        "networks.md",
        "papers/index.md",
        *(f"papers/{key}.md" for key in papers.available()),
        "example.png",
        "own_network.md",
    }
    for path in TEXTS:
        text = FENCE.sub("", path.read_text(encoding="utf-8"))
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            name, _, anchor = target.partition("#")
            if name.startswith("http"):
                continue
            file = (path.parent / name).resolve() if name else path
            place = file.relative_to(ROOT / "docs" / "pages") if file.is_relative_to(ROOT / "docs" / "pages") else file
            assert file.exists() or str(place) in made, f"{path.name}: {target}"
            if anchor and file.suffix == ".md" and file.exists():
                titles = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
                assert anchor in {re.sub(r"\s+", "-", re.sub(r"[^\w\s-]", "", title.lower())) for title in titles}


def test_every_page_is_in_the_navigation() -> None:
    config = (ROOT / "docs" / "mkdocs.yml").read_text(encoding="utf-8")
    for path in PAGES:
        assert str(path.relative_to(ROOT / "docs" / "pages")) in config


def test_files_that_pages_name_are_there() -> None:
    for path in TEXTS:
        text = FENCE.sub("", path.read_text(encoding="utf-8"))
        for name in re.findall(r"`((?:benchmarks|common|docs|tests)/[\w./-]+\.py)`", text):
            assert (ROOT / name).exists(), f"{path.name}: {name}"


def test_every_item_of_the_checklist_is_answered_once() -> None:
    text = (ROOT / "docs" / "pages" / "reforms.md").read_text(encoding="utf-8")
    rows = [cells(line) for line in text.splitlines() if re.match(r"\| \d[a-z] ", line)]
    last = {"1": "c", "2": "e", "3": "g", "4": "c", "5": "f", "6": "c", "7": "c", "8": "b"}
    assert [row[0] for row in rows] == [
        f"{n}{x}" for n, end in last.items() for x in "abcdefg"[: "abcdefg".index(end) + 1]
    ]
    assert len(rows) == 32
    assert all(len(row) == 4 and all(row) for row in rows)


@cache
def messages() -> tuple[str, ...]:
    """All texts in the source of `common`, with `…` for what is filled in."""
    texts = []
    for path in (ROOT / "common").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                texts.append(
                    "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
                )
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.append(node.value)
    return tuple(texts)


def test_quoted_messages_are_those_of_the_code() -> None:
    text = (ROOT / "docs" / "pages" / "corpora.md").read_text(encoding="utf-8")
    rows = [line for line in text.partition("## What goes wrong")[2].splitlines() if line.startswith("| ")][1:]
    quoted = [message for row in rows for message in re.findall(r"`([^`]+)`", row.split("|")[2])]
    assert len(quoted) > 20
    for message in quoted:
        for part in filter(None, (part.strip(" :;") for part in message.split("…"))):
            assert any(part in code_message for code_message in messages()), message


def test_the_reference_names_every_field(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "pages" / "reference.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([\w/]+)`", text))
    report, side = report_example.licensed(tmp_path), comparison_example.side(tmp_path, n=2)
    comparison = comparison_record(report.comparisons[0])
    fields = {*record(report), *comparison, *side_record(side)}
    for group in ("published", "reproduced"):
        fields |= set(comparison[group])
    fields |= {name for row in side_record(side)["contenders"] for name in row}
    assert fields <= named


# ---------------------------------------------------------------- what is generated


@pytest.mark.parametrize("key", papers.available())
def test_the_page_of_a_paper_says_all_that_its_folder_says(key: str) -> None:
    paper, page = papers.load(key), generate.page(key)
    assert f"]({key}.md)" in generate.index()
    counts = [int(word) for word in listing.experiment_counts(paper).split() if word.isdigit()]
    assert sum(counts) == len(paper.experiments)
    assert all(
        listing.experiment_counts(paper) in text for text in (page, generate.index(), "\n".join(listing.lines(paper)))
    )
    for experiment in paper.experiments:
        assert experiment.tuned_of or f"| `{experiment.id}` |" in page
        assert not experiment.space or str(next(iter(experiment.space.values()))[0]) in page
        for name, value in experiment.settings.items():
            assert experiment.tuned_of or f"`{name}` {generate.setting(value)}" in page
    for departure in paper.departures:
        assert f"### {departure.number}. {generate.plain(departure.topic)}" in page
        for text in (departure.paper_says, departure.we_do, departure.why):
            assert generate.plain(text) in page
    for claim in paper.claims:
        assert f"| `{claim.corpus}` | {generate.plain(metric_name(claim.metric))} |" in page
        assert f"| {generate.plain(claim.printed + claim.unit)} |" in page
    for name in (*paper.profiles, *paper.profiles["paper"].settings.values()):
        assert f"| `{name}` |" in page


@pytest.mark.parametrize("key", papers.available())
def test_tables_have_as_many_cells_in_every_row(key: str) -> None:
    width = 0
    for line in FENCE.sub("", generate.page(key)).splitlines():
        cells = len(re.findall(r"(?<!\\)\|", re.sub(r"`[^`]*`", "", line))) if line.startswith("|") else 0
        assert not width or not cells or cells == width, line
        width = cells


def test_settings_are_not_written_as_python_writes_them() -> None:
    assert generate.setting((5, 10, 0.5)) == "5, 10, 0.5"
    assert [generate.setting(value) for value in (True, False, None, "a_b")] == ["yes", "no", "", r"a\_b"]
    rows = [line for key in papers.available() for line in generate.page(key).splitlines() if line.startswith("| `")]
    assert not [row for row in rows if re.search(r"\(\d+, \d|\w\(\w+=|\b(True|False|None)\b", row)]


def test_every_network_is_drawn_with_what_it_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    box = {"stage": "network", "branch": "face", "kind": "input", "label": "face", "count": 1}
    box |= {"parallel": 1, "shape": [8, 8, 3], "varies": False, "parameters": 0}
    captions, known = json.loads(generate.INPUTS.read_text(encoding="utf-8")), set[str]()
    for key in papers.available():
        networks = generate.by_network(papers.load(key))
        built = {"blocks": {name: [box] for name in networks}, "counts": {}}
        monkeypatch.setattr(generate, "_built", lambda _, built=built: built)
        page, gallery = generate.page(key), generate.gallery()
        drawn = generate.drawings(key)
        for network, experiment in networks.items():
            name = generate.file_of(key, network)
            known |= {name}
            assert b"<svg" in drawn[f"{name}.svg"]
            assert f"](../networks/{name}.svg)" in page
            assert f"](networks/{name}.svg)" in gallery
            assert (name in captions) == (not experiment.collected_from)
            assert name not in captions or (generate.FOLDER / f"{name}.png").is_file()
    assert {*captions, *(path.stem for path in generate.FOLDER.iterdir())} <= known


def test_text_stays_as_it_stands() -> None:
    assert generate.plain("a_b *c* <d> [e] | f^2\n g") == r"a\_b \*c\* &lt;d&gt; \[e\] \| f^2 g"


def test_counts_are_those_of_the_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = {"composite-loso/cnn-once": {"parameters": 1_093_531}, "composite-loso/cnn-in-fold": {"parameters": 7}}
    monkeypatch.setattr(generate, "parameters", lambda key: counts)
    page = generate.page("aouayeb2019")
    assert "| all | 1,093,531 | `composite-loso/cnn-once` |" in page
    assert "| all | 7 | `composite-loso/cnn-in-fold` |" in page


def test_every_mark_is_filled() -> None:
    for path in PAGES:
        text = path.read_text(encoding="utf-8")
        made = marks.filled(text)
        assert "<!-- generated" not in made
        assert text.count("<!--") == len(marks.MARK.findall(text))
    shown = marks.filled((ROOT / "docs" / "pages" / "extend" / "paper.md").read_text(encoding="utf-8"))
    for name in ("model.py", "preprocess.py", "claims.toml"):
        assert (ROOT / "docs" / "example" / "apexdiff" / name).read_text(encoding="utf-8").strip() in shown


def test_metrics_are_defined_on_the_page_of_scores() -> None:
    text = (ROOT / "docs" / "pages" / "protocols.md").read_text(encoding="utf-8")
    assert all(f"| {metric_name(name)} |" in text for name in METRICS)
    assert all(f"| `{name}` |" in text for name in KNOWN)
