"""What `doctor.check` returns, for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape as plain_markup
from rich.table import Table

from common.errors import printable, quoted

DASH = "-"


def print_check(result: Mapping[str, Any], console: Console) -> None:
    """Print what `check` returned."""
    for name, found in result["corpora"].items():
        console.print(f"[bold]{name}[/bold]  {escape(found['root'])}")
        if found["error"]:
            console.print(f"  [red]cannot be read[/red] {escape(found['error'])}\n")
            continue
        if found["data"] == "stand-in":
            console.print("  [cyan]stand-in[/cyan]: synthetic faces, not recordings of people")
        console.print(f"  {escape(found['title'])}: images {escape(_place(found))}, {_table(found['table'])}")
        console.print(_counts(found))
        _print_verdict(found["documented"], console)
        for line in _lines(found):
            console.print(f"  {line}")
        console.print()
    for name, found in result["composites"].items():
        if not found["by_corpus"]:
            continue
        rule = f"by the list {found['list']}" if found["list"] and not found["error"] else "by the published rule"
        console.print(f"[bold]{name}[/bold]  {escape(rule)}")
        console.print(_composite(found))
        published = found["documented"]["by_corpus"]
        parts = all(row == published[corpus] for corpus, row in found["by_corpus"].items())
        what = "the whole composite" if len(found["by_corpus"]) == len(published) else "the parts that are here"
        _print_verdict({"agrees": parts, "source": f"published composition, {what}"}, console)
        for reason, count in found["dropped"].items():
            console.print(f"  dropped {count}: {escape(reason)}")
        for exclusion in found["exclusions"]:
            console.print(f"  [red]excluded[/red] {escape(exclusion['clip'])}: {escape(exclusion['reason'])}")
        for line in [*found["differences"], *filter(None, [found["error"]])]:
            console.print(f"  [yellow]list file[/yellow] {escape(line)}")
        console.print()
    for row in result["unreadable"]:
        console.print(f"[red]cannot look into[/red] {escape(row['folder'])}: {escape(row['reason'])}")
    for row in result["experiments"]:
        _print_experiment(row, console)


def escape(text: str) -> str:
    """`text` as it stands, whatever the names and cells in it hold."""
    return plain_markup(printable(text))


def _place(found: Mapping[str, Any]) -> str:
    """The folder that was read, as seen from the corpus' own, or the name of its layout where they are one."""
    inside = found["images"].removeprefix(found["root"]).strip("/\\")
    return inside or found["tree"]


def _table(table: str) -> str:
    return f"table {escape(table)}" if table else "no table needed"


def _counts(found: Mapping[str, Any]) -> Table:
    """Found beside documented: clips, subjects, emotions, and expressions and valences where there are several."""
    table = Table(box=None, padding=(0, 2), show_edge=False, pad_edge=True)
    table.add_column("")
    table.add_column("found", justify="right")
    table.add_column("documented", justify="right")
    documented = found["documented"] or {}
    rows = [
        ("clips", found["clips"], documented.get("clips")),
        ("subjects", found["subjects"], documented.get("subjects")),
    ]
    for field, prefix in (("by_emotion", ""), ("by_expression", ""), ("by_valence", "micro, ")):
        there, known = found[field], documented.get(field) or {}
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


def _composite(found: Mapping[str, Any]) -> Table:
    """Clips per corpus and class, the published number in brackets where it differs."""
    known = found["documented"]["by_corpus"]
    columns = [*found["by_class"], "clips", "subjects"]
    table = Table(box=None, padding=(0, 2), show_edge=False, pad_edge=True)
    for heading in ("", *columns):
        table.add_column(heading, justify="right" if heading else "left")
    for corpus, published in known.items():
        here = found["by_corpus"].get(corpus)
        cells = [
            DASH
            if here is None
            else str(here[column]) + (f" ({published[column]})" * (here[column] != published[column]))
            for column in columns
        ]
        table.add_row(corpus, *cells, style="" if here == published else "yellow")
    total = {**found["by_class"], "clips": found["clips"], "subjects": found["subjects"]}
    table.add_row("all", *(str(total[column]) for column in columns))
    return table


def _print_verdict(documented: Mapping[str, Any] | None, console: Console) -> None:
    if documented is None:
        console.print("  no published counts to compare with")
    elif documented["agrees"]:
        console.print(f"  [green]as documented[/green] ({documented['source']})")
    else:
        console.print(f"  [yellow]differs from the published counts[/yellow] ({documented['source']})")


def _lines(found: Mapping[str, Any]) -> Iterator[str]:
    """Apexes, notes, exclusions, unusable files and corrections."""
    apexes = ", ".join(f"{count} {escape(source)}" for source, count in found["by_apex"].items())
    later = "; unknown ones are estimated by a named method where an experiment needs them"
    yield f"apex: {apexes or DASH}" + later * ("unknown" in found["by_apex"])
    for note in found["notes"]:
        yield f"[cyan]note[/cyan] {escape(note)}"
    for row in found["exclusions"]:
        yield f"[red]excluded[/red] {escape(row['clip'])}: {escape(row['reason'])}"
    for row in found["unusable"]:
        yield f"[red]not readable[/red] {escape(row['clip'])}: {escape(row['reason'])}"
    for row in found["corrections"]:
        printed = quoted(row["printed"]) if row["printed"] else "blank"
        if row["column"] == "frames":
            verb, what = "incomplete", f"{row['used']} of {row['printed']} frames from onset to offset are on disk"
        elif row["used"] == row["printed"]:
            verb, what = "kept", f"{row['column']} {printed}: {row['source']}"
        else:
            verb, what = "corrected", f"{row['column']} {printed} read as {row['used']}: {row['source']}"
        yield f"[yellow]{verb}[/yellow] {escape(row['clip'])}: {escape(what)}"


def _print_experiment(row: Mapping[str, Any], console: Console) -> None:
    name = f"[bold]{row['paper']}[/bold] {escape(row['experiment'])}"
    if not row["can_run"]:
        console.print(f"[red]cannot run[/red] {name}: {escape(row['reason'])}")
        return
    classes = ", ".join(f"{escape(label)} {count}" for label, count in row["by_class"].items())
    line = f"{row['clips']} clips of {row['subjects']} subjects: {classes}"
    console.print(f"[green]can run[/green] {name}: {line}" + f"; {escape(row['reason'])}" * bool(row["reason"]))
