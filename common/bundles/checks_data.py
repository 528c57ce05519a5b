"""Checks of a bundle's clips, classes and folds: against documented counts, and against what the protocol makes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from common import corpora
from common.bundles.recompute import folds_of
from common.bundles.records import FAILED, NOTE, Bundle, BundleRun, Finding
from common.contract import Profile
from common.corpora import composite
from common.corpora.marker import REAL
from common.protocols.controls import PERMUTED
from common.protocols.splits import BY_SUBJECT
from common.runs.plan import asked
from common.types import Experiment, LabelMap

_SMIC = re.compile(r"_(ne|po|sur)_")
_WITH_SUBJECT = ("smic", "samm")
"""Corpora whose clips have names that start with the subject's."""
_IN_NAMES = {"ne": "negative", "po": "positive", "sur": "surprise"}
"""How the names of SMIC's clips give their class."""
_SHOWN = 3


def clips(bundle: Bundle, run: BundleRun, experiment: Experiment, profile: Profile) -> Iterator[Finding]:
    """Corpora, numbers of clips and subjects, and counts by class, against the published tables and the profile."""
    names = experiment.collected_from or experiment.corpora
    by_corpus: dict[str, list[tuple[str, int]]] = {name: [] for name in names}
    for clip, label in run.clips:
        by_corpus.setdefault(clip.partition("/")[0], []).append((clip, label))
    classes = len(experiment.labels.classes)
    if bad := [clip for clip, label in run.clips if not 0 <= label < classes]:
        yield Finding(FAILED, "labels", f"{run.name}: {_some(bad)} have no class of this experiment")
        return
    for name, own in by_corpus.items():
        if name not in names:
            yield Finding(FAILED, "clips", f"{run.name}: uses {name}, which the experiment does not")
        elif not own:
            yield Finding(FAILED, "clips", f"{run.name}: has no clip of {name}")
        else:
            yield from _counts(bundle, run, experiment, profile, name, own)
    if used := [clip for clip in run.unusable if clip in run.truth]:
        yield Finding(FAILED, "clips", f"{run.name}: {_some(used)} are both used and unusable")
    if unknown := [clip for clip in (*run.truth, *run.unusable) if clip not in bundle.digests]:
        yield Finding(FAILED, "digests", f"{run.name}: {_some(unknown)} have no digest")


def _counts(
    bundle: Bundle,
    run: BundleRun,
    experiment: Experiment,
    profile: Profile,
    corpus: str,
    own: Sequence[tuple[str, int]],
) -> Iterator[Finding]:
    where = f"{run.name}, {corpus}"
    people = Counter(clip.rpartition("/")[0] for clip, _ in own)
    counts = Counter(experiment.labels.classes[label] for _, label in own)
    most = None if experiment.pretrained else profile.subjects
    if most is not None and len(people) > most:
        yield Finding(FAILED, "clips", f"{where}: {len(people)} subjects, but the profile has {most}")
    most = None if experiment.pretrained else profile.clips
    if most is not None and max(people.values()) > most:
        yield Finding(FAILED, "clips", f"{where}: {max(people.values())} clips of a subject; profile: {most}")
    prefixed = corpus.startswith(_WITH_SUBJECT)
    ids = [*(clip for clip, _ in own), *(clip for clip in run.unusable if clip.startswith(f"{corpus}/"))]
    if prefixed and (moved := [clip for clip in ids if not _begins_with_subject(clip)]):
        yield Finding(FAILED, "clips", f"{where}: {_some(moved)} have the name of another subject's clip")
    spelt = Counter(re.sub(r"0*([0-9]+)", r"\1", name) for name in people)
    if twice := [name for name in people if spelt[re.sub(r"0*([0-9]+)", r"\1", name)] > 1]:
        yield Finding(FAILED, "clips", f"{where}: {_some(twice)} are one subject")
    known = expected(corpus, experiment.labels)
    if not known:
        yield Finding(NOTE, "clips", f"{run.experiment}: no counts by class are published for {corpus}")
        return
    by_release = [_beyond(counts, len(people), *release) for release in known]
    if all(by_release):
        yield Finding(FAILED, "clips", f"{where}: {by_release[0]}")
        return
    if profile.subjects is not None or profile.clips is not None:
        return
    named = {*run.unusable, *(clip for clip, why in bundle.excluded.items() if why != "no class")}
    named = {clip for clip in named if clip.startswith(f"{corpus}/") and clip not in run.truth}
    least = min(whole.total() - counts.total() for whole, _ in known)
    if least > len(named) and bundle.data in REAL:
        yield Finding(
            FAILED, "clips", f"{where}: {least} of the published {known[0][0].total()} clips are missing without reason"
        )
    elif least > 0:
        yield Finding(NOTE, "clips", f"{where}: {least} of the published {known[0][0].total()} clips are missing")


def _begins_with_subject(clip: str) -> bool:
    _, subject, name = clip.split("/")
    return name.partition("_")[0] == subject


def _beyond(counts: Counter[str], people: int, whole: Counter[str], subjects: int) -> str:
    """What is above the published numbers, empty if nothing is."""
    for name, count in counts.items():
        if count > whole[name]:
            return f"{count} clips of {name}, but {whole[name]} are published"
    return f"{people} subjects, but {subjects} are published" if people > subjects else ""


def expected(corpus: str, labels: LabelMap) -> list[tuple[Counter[str], int]]:
    """For each release of a corpus, its published clips by class of `labels`, and the maximum number of subjects.

    Empty if counts by emotion are not published. For the MEGC 2019 composite, the counts of the challenge.
    """
    if labels.name == composite.MEGC2019.name and corpus in composite.DOCUMENTED:
        row = composite.DOCUMENTED[corpus]
        return [(Counter({name: row[name] for name in labels.classes}), row["subjects"])]
    releases = []
    moved = Counter(name for clip, (name, _) in labels.by_clip.items() if clip.startswith(f"{corpus}/") and name)
    for release in corpora.source(corpus).documented if corpus in corpora.SOURCES else ():
        mapping = labels.mapping.get(corpus, {})
        if release.by_emotion and set(release.by_emotion) <= set(mapping):
            counts = Counter(moved)
            for emotion, count in release.by_emotion.items():
                if name := mapping[emotion]:
                    counts[name] += count
            releases.append((counts, release.subjects))
    if moved:  # the releases differ in the clips that are moved: counted once, not in both of their classes
        fewest = min((counts.total() for counts, _ in releases), default=0)
        releases = [release for release in releases if release[0].total() == fewest]
    return releases


def labels(run: BundleRun, experiment: Experiment, known: Mapping[str, str]) -> Iterator[Finding]:
    """Classes that contradict the names of the clips (SMIC) or `known`, classes by clip of the MEGC 2019 composite."""
    if experiment.control == PERMUTED:
        return
    names = experiment.labels.classes
    wrong, other = [], []
    for clip, label in run.clips:
        corpus, _, name = clip.partition("/")
        if corpus.startswith("smic") and (found := _SMIC.search(name)) and set(_IN_NAMES.values()) == set(names):
            wrong += [clip] * (names[label] != _IN_NAMES[found[1]])
        elif experiment.labels.name == composite.MEGC2019.name and clip in known:
            other += [clip] * (names[label] != known[clip])
    if wrong:
        yield Finding(FAILED, "labels", f"{run.name}: {_some(wrong)} have another class than in their names")
    if other:
        yield Finding(FAILED, "labels", f"{run.name}: {_some(other)} have another class than the published list")


def digests(bundle: Bundle) -> Iterator[Finding]:
    """Clips of different names with the same files."""
    by_files: dict[str, list[str]] = {}
    for clip, pair in bundle.digests.items():
        by_files.setdefault(pair.files, []).append(clip)
    used = {clip for run in bundle.runs for clip, _ in run.clips}
    for same in (clips for clips in by_files.values() if len(clips) > 1):
        annotations = {bundle.digests[clip].annotation for clip in same}
        one_video = len({clip.rpartition("/")[0] for clip in same}) == 1 and len(annotations) == len(same)
        yield Finding(NOTE if one_video else FAILED, "digests", f"{_some(same)} have the same files")
    if unused := [clip for clip in bundle.digests if clip not in used | {c for r in bundle.runs for c in r.unusable}]:
        yield Finding(FAILED, "digests", f"{_some(unused)} have a digest, but no experiment uses them")


def folds(run: BundleRun, experiment: Experiment, profile: Profile) -> Iterator[Finding]:
    """Whether the folds are those that the protocol makes of the clips, classes and seed, with these test clips."""
    made = {fold.name: fold for fold in folds_of(experiment, run.clips, run.seed, profile.most_folds)}
    ids = np.array([clip for clip, _ in run.clips])
    stored = [fold.fold for fold in run.folds]
    if unknown := [name for name in stored if name not in made]:
        yield Finding(FAILED, "folds", f"{run.name}: the protocol makes no fold {unknown[0]}")
    wanted = asked([*made], profile, experiment)
    cut_elsewhere = bool(run.unusable) and len(wanted) < len(made)  # the profile chose among the folds of more clips
    if missing := [name for name in wanted if name not in stored]:
        kind = NOTE if cut_elsewhere and len(stored) == len(wanted) else FAILED
        yield Finding(kind, "folds", f"{run.name}: {len(missing)} folds are missing, such as {missing[0]}")
    if not missing and (more := [name for name in stored if name in made and name not in wanted]):
        yield Finding(FAILED, "folds", f"{run.name}: the profile does not run the fold {more[0]}")
    for result in run.folds:
        fold = made.get(result.fold)
        if fold is None:
            continue
        test = set(ids[fold.test].tolist())
        where = f"{run.name}, {result.fold}"
        if test != set(result.clips):
            difference = sorted(test ^ set(result.clips))
            yield Finding(
                FAILED, "folds", f"{where}: the protocol does not hold out these clips: {_some(difference)} differ"
            )
        trained = {ids[row].rpartition("/")[0] for row in fold.train.tolist()}
        if experiment.leak_free and trained & {clip.rpartition("/")[0] for clip in result.clips}:
            yield Finding(FAILED, "folds", f"{where}: a held-out subject is also trained on")
    if experiment.leak_free and experiment.protocol not in BY_SUBJECT:
        yield Finding(FAILED, "folds", f"{run.name}: the protocol {experiment.protocol} is not leak-free")


def predictions(run: BundleRun, experiment: Experiment) -> Iterator[Finding]:
    """Whether the rows are probabilities, of the classes of the experiment, of clips with their own class."""
    classes, truth = len(experiment.labels.classes), run.truth
    for result in run.folds:
        where, p = f"{run.name}, {result.fold}", result.probabilities
        if p.shape[1] != classes:
            yield Finding(FAILED, "predictions", f"{where}: {p.shape[1]} probabilities for {classes} classes")
        if not (p >= 0).all() or not np.allclose(p.sum(axis=1), 1, atol=1e-3):
            yield Finding(FAILED, "predictions", f"{where}: probabilities are negative or do not sum to 1")
        pairs = zip(result.clips, result.truth.tolist(), strict=True)
        if other := [clip for clip, label in pairs if truth.get(clip, label) != label]:
            yield Finding(FAILED, "labels", f"{where}: {_some(other)} have another class than in the list of clips")


def _some(clips: Sequence[str]) -> str:
    shown = ", ".join(clips[:_SHOWN])
    return shown if len(clips) <= _SHOWN else f"{shown} and {len(clips) - _SHOWN} more"
