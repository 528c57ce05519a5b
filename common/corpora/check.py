"""Check a data folder: what was found, excluded and corrected and why, and which experiments can run on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from common import corpora
from common.contract import Paper
from common.corpora import composite, examine, flow_maps, marker, trees
from common.errors import UserError
from common.types import Clip, Corpus, Exclusion, Experiment, LabelMap, Progress


def check(
    data: Path,
    names: Sequence[str] = corpora.NAMES,
    papers: Sequence[Paper] = (),
    progress: Progress | None = None,
    placed: Mapping[str, Path] = corpora.NONE_PLACED,
) -> dict[str, Any]:
    """Everything known about the corpora `names` below `data`, as JSON values. No image is decoded.

    `placed` are the folders that --as names, by corpus; these corpora are read too. `data` and `placed` are repeated.
    `corpora[name]` holds root, data ("stand-in", "real-motion", "public-maps" or "licensed"), title, tree, images (the
    folder), table, clips, subjects, by_emotion, by_expression (macro and micro), by_valence (of the micro-expressions,
    where they are coded), by_apex (the source of the apexes), exclusions, corrections, unusable (clips whose files
    exist but cannot be read), notes, documented (the published counts closest to those found, and whether they agree;
    or None) and error (one line, or None if the corpus was loaded).
    `composites["megc2019"]` holds clips, subjects, by_class, ids, by_corpus, dropped (counts by reason), exclusions,
    list (the official list file, if found), differences, lacking (clips of the published composition that are not
    there, by corpus) and documented.
    Corpora that experiments of `papers` need are read too. `experiments` holds paper, experiment, can_run, clips,
    subjects, by_class and reason for each experiment except the tuned copies, which need the same as their originals.
    `unread` are lines about folders with images that are not read and about archives, `shared` lines about clips of
    several subjects that share files, `unreadable` folders that could not be opened, and links that lead nowhere.
    Raises UserError if no corpus is found.
    """
    asked = () if tuple(names) == corpora.NAMES else tuple(names)
    needed = {name for paper in papers for experiment in paper.experiments for name in experiment.corpora}
    names = list(dict.fromkeys([*names, *placed, *(name for name in corpora.ON_REQUEST if name in needed)]))
    roots = corpora.find(data, names, placed)
    absent = [name for name in asked if name not in roots]
    report: dict[str, Any] = {}
    loaded: dict[str, Corpus] = {}
    for done, (name, root) in enumerate(roots.items()):
        if progress:
            progress(f"reading {name}", done, len(roots))
        try:
            loaded[name] = corpora.load(name, root, data=Path(data) if name in placed else None)
            report[name] = _corpus(loaded[name], progress)
        except UserError as error:
            report[name] = {**_corpus(Corpus(name, name, "", root, "", "", ()), None), "error": str(error)}
    for name in absent:
        empty = Corpus(name, name, "", Path(data), "", "", ())
        report[name] = {**_corpus(empty, None), "error": f"{data}: found no images and no table of {name}"}
    if progress:
        progress("reading corpora", len(roots), len(roots))
    path, listed, fault = composite.find_megc_list(Path(data)), None, None
    if path is not None:
        try:
            listed = composite.read_megc_list(path)
        except UserError as error:
            fault = str(error)
    folders = trees.survey(Path(data))
    megc = _megc(list(loaded.values()), listed) | {"list": None if path is None else str(path), "error": fault}
    return {
        "data": str(data),
        "placed": [f"{name}={folder}" for name, folder in placed.items()],
        "corpora": report,
        "composites": {composite.MEGC2019.name: megc},
        "experiments": [
            _experiment(p, e, loaded, report, listed, fault) for p in papers for e in p.experiments if not e.tuned_of
        ],
        "unread": corpora.not_read(data, {corpus.images for corpus in loaded.values() if corpus.images}),
        "shared": examine.shared([clip for corpus in loaded.values() for clip in corpus.clips], progress),
        "unreadable": [
            {"folder": str(folder.path), "reason": folder.fault}
            for folder in folders
            if folder.fault and not _excluded(folder, list(loaded.values()))
        ],
    }


def _excluded(folder: trees.Folder, loaded: Sequence[Corpus]) -> bool:
    """Whether a folder is that of a subject of a corpus that is read, or inside one: its clips are then excluded."""
    return not folder.path.is_symlink() and any(
        folder.path.is_relative_to(corpus.images) and not examine.apart(folder.path, corpus.images, layout)
        for corpus in loaded
        if corpus.images
        for layout in corpora.source(corpus.name).layouts
    )


def _corpus(corpus: Corpus, progress: Progress | None) -> dict[str, Any]:
    micro = [clip for clip in corpus.clips if clip.expression == "micro"]
    counts: dict[str, Any] = {
        "clips": len(corpus.clips),
        "subjects": len({clip.subject for clip in corpus.clips}),
        "by_emotion": _counter(clip.emotion for clip in corpus.clips),
        "by_expression": _counter(clip.expression for clip in corpus.clips),
        "by_valence": _counter(clip.valence for clip in micro if clip.valence),
    }
    return {
        "root": str(corpus.root),
        "data": flow_maps.kind(corpus.root) if corpus.name == flow_maps.CORPUS else marker.kind(corpus.root),
        "title": corpus.title,
        "tree": corpus.tree,
        "images": None if corpus.images is None else str(corpus.images),
        "table": corpus.table,
        **counts,
        "by_apex": _counter("unknown" if clip.apex is None else clip.apex_source for clip in corpus.clips),
        "exclusions": _exclusions(corpus.exclusions),
        "corrections": [asdict(correction) for correction in corpus.corrections],
        "unusable": _exclusions(examine.unusable(corpus.clips, progress)),
        "notes": list(corpus.notes),
        "documented": _documented(corpus, counts),
        "error": None,
    }


def _documented(corpus: Corpus, observed: Mapping[str, Any]) -> dict[str, Any] | None:
    """The published counts of this release that are closest to `observed`, and whether all of them agree."""
    known = [release for release in corpora.source(corpus.name).documented if release.title in ("", corpus.title)]
    if not known:
        return None
    nearest = min(known, key=lambda counts: _distance(counts.by_emotion, observed["by_emotion"]))
    counts = {name: value for name, value in asdict(nearest).items() if name not in ("source", "title")}
    agrees = all(observed[name] == value for name, value in counts.items() if value)
    return {"source": nearest.source, **counts, "agrees": agrees}


def _megc(loaded: Sequence[Corpus], listed: Mapping[str, str] | None) -> dict[str, Any]:
    classes = composite.MEGC2019.classes
    parts = [corpus for corpus in loaded if corpus.name in composite.DOCUMENTED]
    selection = composite.select(parts, composite.MEGC2019, listed)
    by_corpus = {
        corpus.name: _counts((clip, classes[k]) for clip, k in selection.clips if clip.corpus == corpus.name)
        for corpus in parts
    }
    total = _counts((clip, classes[k]) for clip, k in selection.clips)
    return {
        "clips": total["clips"],
        "subjects": total["subjects"],
        "by_class": {name: total[name] for name in classes},
        "by_corpus": by_corpus,
        "dropped": _counter(drop.reason for drop in selection.dropped if not drop.fault),
        "exclusions": _exclusions(drop for drop in selection.dropped if drop.fault),
        "differences": list(selection.differences),
        "lacking": {
            name: row["clips"] - by_corpus.get(name, {}).get("clips", 0)
            for name, row in composite.DOCUMENTED.items()
            if by_corpus.get(name, {}).get("clips", 0) < row["clips"]
        },
        "documented": {
            "by_corpus": {name: dict(row) for name, row in composite.DOCUMENTED.items()},
            "agrees": by_corpus == composite.DOCUMENTED,
        },
        "ids": [[clip.corpus, clip.subject, clip.name, classes[k]] for clip, k in selection.clips],
    }


def _experiment(
    paper: Paper,
    experiment: Experiment,
    loaded: Mapping[str, Corpus],
    report: Mapping[str, Any],
    listed: Mapping[str, str] | None,
    fault: str | None,
) -> dict[str, Any]:
    """Whether an experiment can run on the loaded corpora, on which clips, or what is missing."""
    missing = [name for name in experiment.corpora if name not in loaded]
    used = [loaded[name] for name in experiment.corpora if name in loaded]
    clips = _selected(used, experiment.labels, listed)
    bad = {row["clip"] for corpus in used for row in report[corpus.name]["unusable"]}
    lost = sum(clip.id in bad for clip, _ in clips)
    if missing:
        unread = [name for name in missing if name in report]
        absent = [name for name in missing if name not in report]
        reason = corpora.missing(absent, unread)
    elif fault and experiment.labels is composite.MEGC2019:
        reason = fault
    elif not clips:
        reason = f"no clip belongs to a class of {experiment.labels.name}"
    else:
        reason = f"{lost} of {len(clips)} clips have unreadable files" if lost else ""
    return {
        "paper": paper.key,
        "experiment": experiment.id,
        "can_run": len(clips) > lost and not missing and reason != fault,
        "clips": 0 if missing else len(clips),
        "subjects": 0 if missing else len({clip.subject_id for clip, _ in clips}),
        "by_class": {} if missing else _counter(name for _, name in clips),
        "reason": reason,
    }


def _selected(used: Sequence[Corpus], labels: LabelMap, listed: Mapping[str, str] | None) -> Sequence[tuple[Clip, str]]:
    selection = composite.select(used, labels, listed if labels is composite.MEGC2019 else None)
    return [(clip, labels.classes[k]) for clip, k in selection.clips]


def _counter(names: Iterable[str]) -> dict[str, int]:
    return dict(Counter(names).most_common())


def _counts(labelled: Iterable[tuple[Clip, str]]) -> dict[str, int]:
    pairs = list(labelled)
    by_class = Counter(name for _, name in pairs)
    subjects = len({clip.subject_id for clip, _ in pairs})
    return {name: by_class[name] for name in composite.MEGC2019.classes} | {"clips": len(pairs), "subjects": subjects}


def _distance(counts: Mapping[str, int], observed: Mapping[str, int]) -> int:
    return sum(abs(counts.get(name, 0) - observed.get(name, 0)) for name in {*counts, *observed})


def _exclusions(exclusions: Iterable[Exclusion]) -> list[dict[str, str]]:
    return [{"clip": exclusion.clip, "reason": exclusion.reason} for exclusion in exclusions]
