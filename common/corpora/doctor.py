"""What was found below a data folder, what is excluded, what was corrected, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common import corpora
from common.corpora import composite
from common.corpora.tables import Documented
from common.errors import UserError
from common.types import Clip, Corpus, Exclusion, Progress

if TYPE_CHECKING:
    from rich.console import Console


def check(data: Path, progress: Progress | None = None) -> dict[str, Any]:
    """Everything about the corpora below `data`, as JSON values.

    `corpora[name]` holds root, tree, table, clips, subjects, by_emotion, exclusions, corrections, documented (the
    published counts nearest to those found, and whether they agree) and error (one line, or None where it loaded);
    `composites["megc2019"]` holds clips, subjects, by_class, ids, by_corpus, dropped (counts by reason), exclusions,
    list (the official list file, if there), differences and documented. Raises UserError where no corpus is there.
    """
    found = corpora.find(data)
    report: dict[str, Any] = {}
    loaded: list[Corpus] = []
    for done, (name, root) in enumerate(found.items()):
        if progress:
            progress(f"reading {name}", done, len(found))
        try:
            loaded.append(corpora.load(name, root))
            report[name] = _corpus(loaded[-1])
        except UserError as error:
            empty = Corpus(name, name, "", root, "", "", ())
            report[name] = {**_corpus(empty), "error": str(error)}
    if progress:
        progress("reading corpora", len(found), len(found))
    return {"corpora": report, "composites": {composite.MEGC2019.name: _megc(Path(data), loaded)}}


def _corpus(corpus: Corpus) -> dict[str, Any]:
    by_emotion = dict(Counter(clip.emotion for clip in corpus.clips).most_common())
    subjects = len({clip.subject for clip in corpus.clips})
    nearest = min(corpora.documented(corpus.name), key=lambda counts: _distance(counts, by_emotion))
    agrees = (nearest.clips, nearest.subjects, nearest.by_emotion) == (len(corpus.clips), subjects, by_emotion)
    return {
        "root": str(corpus.root),
        "tree": corpus.tree,
        "table": corpus.table,
        "clips": len(corpus.clips),
        "subjects": subjects,
        "by_emotion": by_emotion,
        "exclusions": _exclusions(corpus.exclusions),
        "corrections": [asdict(correction) for correction in corpus.corrections],
        "documented": {
            "source": nearest.source,
            "clips": nearest.clips,
            "subjects": nearest.subjects,
            "by_emotion": dict(nearest.by_emotion),
            "agrees": agrees,
        },
        "error": None,
    }


def _megc(data: Path, loaded: Sequence[Corpus]) -> dict[str, Any]:
    classes = composite.MEGC2019.classes
    path, listed, error = composite.find_megc_list(data), None, None
    if path is not None:
        try:
            listed = composite.read_megc_list(path)
        except UserError as problem:
            error = str(problem)
    selection = composite.select(loaded, composite.MEGC2019, listed)
    by_corpus = {
        corpus.name: _counts((clip, classes[k]) for clip, k in selection.clips if clip.corpus == corpus.name)
        for corpus in loaded
    }
    total = _counts((clip, classes[k]) for clip, k in selection.clips)
    return {
        "clips": total["clips"],
        "subjects": total["subjects"],
        "by_class": {name: total[name] for name in classes},
        "by_corpus": by_corpus,
        "dropped": dict(Counter(drop.reason for drop in selection.dropped if not drop.fault).most_common()),
        "exclusions": _exclusions(drop for drop in selection.dropped if drop.fault),
        "list": None if path is None else str(path),
        "differences": list(selection.differences),
        "documented": {
            "by_corpus": {name: dict(row) for name, row in composite.DOCUMENTED.items()},
            "agrees": by_corpus == composite.DOCUMENTED,
        },
        "error": error,
        "ids": [[clip.corpus, clip.subject, clip.name, classes[k]] for clip, k in selection.clips],
    }


def _counts(labelled: Iterable[tuple[Clip, str]]) -> dict[str, int]:
    pairs = list(labelled)
    by_class = Counter(name for _, name in pairs)
    subjects = len({clip.subject_id for clip, _ in pairs})
    return {name: by_class[name] for name in composite.MEGC2019.classes} | {"clips": len(pairs), "subjects": subjects}


def _distance(counts: Documented, by_emotion: dict[str, int]) -> int:
    names = {*counts.by_emotion, *by_emotion}
    return sum(abs(counts.by_emotion.get(name, 0) - by_emotion.get(name, 0)) for name in names)


def _exclusions(exclusions: Iterable[Exclusion]) -> list[dict[str, str]]:
    return [{"clip": exclusion.clip, "reason": exclusion.reason} for exclusion in exclusions]


# ---------------------------------------------------------------- for people


def print_check(result: dict[str, Any], console: Console) -> None:
    """Print what `check` returned."""
    from rich.markup import escape

    for name, found in result["corpora"].items():
        documented = found["documented"]
        console.print(f"[bold]{name}[/bold]  {escape(found['root'])}")
        if found["error"]:
            console.print(f"  [red]{escape(found['error'])}[/red]")
            continue
        console.print(f"  images {escape(found['tree'])}, table {escape(found['table'] or 'none needed')}")
        console.print(f"  {found['clips']} clips of {found['subjects']} subjects: {_listing(found['by_emotion'])}")
        if documented["agrees"]:
            console.print(f"  [green]as documented[/green] ({documented['source']})")
        else:
            expected = f"{documented['clips']} clips of {documented['subjects']} subjects"
            counts = _listing(documented["by_emotion"])
            console.print(f"  [yellow]documented otherwise[/yellow] ({documented['source']}): {expected}: {counts}")
        for exclusion in found["exclusions"]:
            console.print(f"  [red]excluded[/red] {escape(exclusion['clip'])}: {escape(exclusion['reason'])}")
        for note in found["corrections"]:
            change = f"{note['column']} {note['printed'] or 'blank'!r} read as {note['used']}: {note['source']}"
            console.print(f"  [yellow]corrected[/yellow] {escape(note['clip'])}: {escape(change)}")
    for name, found in result["composites"].items():
        rule = f"by the list {found['list']}" if found["list"] and not found["error"] else "by the published rule"
        console.print(f"[bold]{name}[/bold]  {escape(rule)}")
        console.print(f"  {found['clips']} clips of {found['subjects']} subjects: {_listing(found['by_class'])}")
        for corpus, row in found["by_corpus"].items():
            console.print(f"  {corpus}: {_listing(row)}")
        agrees = found["documented"]["agrees"]
        console.print("  [green]as documented[/green]" if agrees else "  [yellow]documented otherwise[/yellow]")
        for reason, count in found["dropped"].items():
            console.print(f"  dropped {count}: {escape(reason)}")
        for exclusion in found["exclusions"]:
            console.print(f"  [red]excluded[/red] {escape(exclusion['clip'])}: {escape(exclusion['reason'])}")
        for line in [*found["differences"], *filter(None, [found["error"]])]:
            console.print(f"  [yellow]list file[/yellow] {escape(line)}")


def _listing(counts: dict[str, int]) -> str:
    from rich.markup import escape

    return ", ".join(f"{escape(name)} {count}" for name, count in counts.items())
