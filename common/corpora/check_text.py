"""Print what `check.check` returns in readable form."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape as plain_markup
from rich.table import Table

from common import program
from common.corpora import SOURCES
from common.corpora.marker import REAL_MOTION, STAND_IN
from common.errors import printable, quoted

DASH = "-"
Row = tuple[str, str, str]
"""What a line is (with markup), the clip that it is about (empty if none), and its text."""
_EXAMPLES, _MOST = 3, 5
"""How many lines that are alike are printed if there are more than the second number."""
_VARYING = re.compile(r"'[^']*'|\S*[0-9]\S*")


def print_check(result: Mapping[str, Any], console: Console) -> None:
    """Print what `check` returned."""
    for name, report in result["corpora"].items():
        console.print(f"[bold]{name}[/bold]  {escape(report['root'])}")
        if report["error"]:
            console.print(f"  [red]cannot be read[/red] {escape(report['error'])}\n")
            continue
        if report["data"] in (STAND_IN, REAL_MOTION):
            faces = "synthetic faces with real motion" if report["data"] == REAL_MOTION else "synthetic faces"
            console.print(f"  [cyan]stand-in[/cyan]: {faces}, not recordings of people")
        console.print(f"  {escape(report['title'])}: images {escape(_place(report))}, {_table(report['table'])}")
        console.print(_counts(report))
        _print_verdict(report["documented"], console)
        for line in _lines(report):
            console.print(f"  {line}")
        console.print()
    for name, composite in result["composites"].items():
        if not composite["by_corpus"]:
            continue
        rule = (
            f"by the list {composite['list']}"
            if composite["list"] and not composite["error"]
            else "by the published rule"
        )
        console.print(f"[bold]{name}[/bold]  {escape(rule)}")
        console.print(_composite(composite))
        _print_whole(composite, console)
        for reason, count in composite["dropped"].items():
            console.print(f"  dropped {count}: {escape(reason)}")
        excluded = [("[red]excluded[/red]", row["clip"], row["reason"]) for row in composite["exclusions"]]
        unlike = [*composite["differences"], *filter(None, [composite["error"]])]
        for line in _summary([*excluded, *(("[yellow]list file[/yellow]", "", line) for line in unlike)]):
            console.print(f"  {line}")
        console.print()
    errors = " ".join(filter(None, (report["error"] for report in result["corpora"].values())))
    other = [("[yellow]not read[/yellow]", "", line) for line in result["unread"] if line not in errors]
    other += [("[red]shared files[/red]", "", line) for line in result["shared"]]
    other += [("[red]cannot open[/red]", "", f"{row['folder']}: {row['reason']}") for row in result["unreadable"]]
    for line in _summary(other):
        console.print(line)
    _print_experiments(result, console)


def escape(text: str) -> str:
    """`text` for the console, without markup, whatever names and cells it quotes."""
    return plain_markup(printable(text))


def _place(report: Mapping[str, Any]) -> str:
    """The folder that was read, relative to the corpus' folder, or the name of its layout if both are the same."""
    inside = report["images"].removeprefix(report["root"]).strip("/\\")
    return inside or report["tree"]


def _table(table: str) -> str:
    return f"table {escape(table)}" if table else "no table needed"


def _counts(report: Mapping[str, Any]) -> Table:
    """Found and documented counts: clips, subjects, emotions, and expressions and valences if there are several."""
    table = Table(box=None, padding=(0, 2), show_edge=False, pad_edge=True)
    table.add_column("")
    table.add_column("found", justify="right")
    table.add_column("documented", justify="right")
    documented = report["documented"] or {}
    rows = [
        ("clips", report["clips"], documented.get("clips")),
        ("subjects", report["subjects"], documented.get("subjects")),
    ]
    for field, prefix in (("by_emotion", ""), ("by_expression", ""), ("by_valence", "micro, ")):
        there, known = report[field], documented.get(field) or {}
        if field == "by_expression" and set(there) <= {"micro"} and not known:
            continue
        rows += [
            (prefix + name, there.get(name, 0), known.get(name, 0) if known else None)
            for name in dict.fromkeys([*known, *there])
        ]
    for name, here, expected in rows:
        style = "" if expected in (None, here) else "yellow"
        table.add_row(escape(name), str(here), DASH if expected is None else str(expected), style=style)
    return table


def _composite(composite: Mapping[str, Any]) -> Table:
    """Clips per corpus and class, with the published number in brackets where it differs."""
    known = composite["documented"]["by_corpus"]
    columns = [*composite["by_class"], "clips", "subjects"]
    table = Table(box=None, padding=(0, 2), show_edge=False, pad_edge=True)
    for heading in ("", *columns):
        table.add_column(heading, justify="right" if heading else "left")
    for corpus, published in known.items():
        here = composite["by_corpus"].get(corpus)
        cells = [
            DASH
            if here is None
            else str(here[column]) + (f" ({published[column]})" * (here[column] != published[column]))
            for column in columns
        ]
        table.add_row(corpus, *cells, style="" if here == published else "yellow")
    total = {**composite["by_class"], "clips": composite["clips"], "subjects": composite["subjects"]}
    table.add_row("all", *(str(total[column]) for column in columns))
    return table


def _print_whole(composite: Mapping[str, Any], console: Console) -> None:
    """Whether the composite is the published one, or which clips of which corpora it lacks."""
    published = composite["documented"]["by_corpus"]
    if not composite["lacking"]:
        _print_verdict({**composite["documented"], "source": "published composition, the whole composite"}, console)
        return
    total = sum(row["clips"] for row in published.values())
    gaps = [
        f"{_title(name)}: {'all' if count == known else f'{count} of'} {known} clips missing"
        + " (not read)" * (name not in composite["by_corpus"])
        for name, count in composite["lacking"].items()
        for known in [published[name]["clips"]]
    ]
    console.print(f"  [yellow]incomplete[/yellow]: {composite['clips']} of {total} clips; {'; '.join(gaps)}")


def _title(name: str) -> str:
    """The usual name of a corpus: CASME II for casme2."""
    layouts = SOURCES[name].layouts if name in SOURCES else ()
    return layouts[0].title if layouts else name


def _print_verdict(documented: Mapping[str, Any] | None, console: Console) -> None:
    if documented is None:
        console.print("  no published counts to compare with")
    elif documented["agrees"]:
        console.print(f"  [green]as documented[/green] ({documented['source']})")
    else:
        console.print(f"  [yellow]differs from the published counts[/yellow] ({documented['source']})")


def _lines(report: Mapping[str, Any]) -> Iterator[str]:
    """Apexes, notes, exclusions, unusable files and corrections."""
    apexes = ", ".join(f"{count} {escape(source)}" for source, count in report["by_apex"].items())
    later = "; unknown apexes are estimated where an experiment needs them"
    yield f"apex: {apexes or DASH}" + later * ("unknown" in report["by_apex"])
    rows = [("[cyan]note[/cyan]", "", note) for note in report["notes"]]
    rows += [("[red]excluded[/red]", row["clip"], row["reason"]) for row in report["exclusions"]]
    rows += [("[red]not readable[/red]", row["clip"], row["reason"]) for row in report["unusable"]]
    gaps = [row for row in report["corrections"] if row["column"] == "frames"]
    for row in gaps:
        detail = f"{row['used']} of {row['printed']} frames from onset to offset are on disk"
        rows.append(("[yellow]incomplete[/yellow]", row["clip"], detail))
    yield from _summary(rows)
    if not report["clips"]:
        yield "[red]no clip can be used[/red]: the lines above say what was found instead"
    for row in report["corrections"]:
        if row in gaps:
            continue
        printed = quoted(row["printed"]) if row["printed"] else "blank"
        if row["used"] == row["printed"]:
            verb, detail = "kept", f"{row['column']} {printed}: {row['source']}"
        else:
            verb, detail = "corrected", f"{row['column']} {printed} read as {row['used']}: {row['source']}"
        yield f"[yellow]{verb}[/yellow] {escape(row['clip'])}: {escape(detail)}"


def _summary(rows: Sequence[Row]) -> Iterator[str]:
    """One line per row, but one for all clips of a subject with the same text, and few of many that are alike.

    Texts are alike if they differ only in quoted words and in words with digits, such as names and numbers.
    """
    same: dict[Row, list[str]] = {}
    for verb, clip, text in rows:
        same.setdefault((verb, clip.rpartition("/")[0], text), []).append(clip)
    alike: dict[tuple[str, str], list[tuple[Row, list[str]]]] = {}
    for row, clips in same.items():
        alike.setdefault((row[0], _VARYING.sub("…", row[2])), []).append((row, clips))
    for (verb, _), group in alike.items():
        shown = group if len(group) <= _MOST else group[:_EXAMPLES]
        for (_, subject, text), clips in shown:
            label = clips[0] if len(clips) == 1 else f"{subject}, {len(clips)} clips"
            yield f"{verb} {escape(f'{label}: {text}' if label else text)}"
        if rest := group[len(shown) :]:
            count = sum(len(clips) for _, clips in rest)
            people = len({subject for (_, subject, _), _ in rest})
            what = f"clips of {people} subject{'s' * (people != 1)}" if rest[0][0][1] else "lines"
            yield f"{verb} {count} more such {what}; --json has all"


def _print_experiments(result: Mapping[str, Any], console: Console) -> None:
    """What can run, by paper, and the commands that run it."""
    by_paper: dict[str, list[Mapping[str, Any]]] = {}
    for row in result["experiments"]:
        by_paper.setdefault(row["paper"], []).append(row)
    for paper, rows in by_paper.items():
        runnable = [row for row in rows if row["can_run"]]
        verdict = "[green]can run[/green]" if runnable else "[red]cannot run[/red]"
        clips = sorted({row["clips"] for row in runnable})
        sizes = f", on {clips[0]} to {clips[-1]} clips" if len(clips) > 1 else f", on {clips[0]} clips" if clips else ""
        console.print(f"{verdict} [bold]{paper}[/bold]: {len(runnable)} of {len(rows)} experiments{sizes}")
        reasons: dict[str, int] = {}
        for row in rows:
            if row["reason"]:
                reasons[row["reason"]] = reasons.get(row["reason"], 0) + 1
        for reason, count in reasons.items():
            console.print(
                f"  {count} experiments: {escape(reason)}" if count > 1 else f"  1 experiment: {escape(reason)}"
            )
    runnable_papers = [paper for paper, rows in by_paper.items() if any(row["can_run"] for row in rows)]
    if not runnable_papers:
        return
    data = shlex.join(["--data", result["data"], *(word for place in result["placed"] for word in ("--as", place))])
    start = shlex.join(program())
    commands = {
        f"{start} --all {data} --dry-run": "To see how long it takes to run all this",
        f"{start} --all {data}": "To run it",
        f"{start} --paper {runnable_papers[0]} {data}": "To run one paper",
    }
    console.print()
    for command, what in commands.items():
        console.print(f"{what}:\n  {escape(command)}")
